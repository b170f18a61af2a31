// The common forms of the command line, read without its parser, which start-up then need not load: a role with switches of its
// own, and COMMAND.
import { isReserved, roleNamed, type Invocation, type Role } from "../roles/roles.ts";

/** Reads the arguments after the program's name as the parser would; undefined where they take the parser. */
export function readShortForm(args: readonly string[]): Invocation | undefined {
  const [first] = args;
  const role = roleNamed(first);
  if (role !== undefined) return readRole(role, args.slice(1));
  const implied = roleNamed("run");
  return implied === undefined || (first !== undefined && isReserved(first)) ? undefined : readRole(implied, args);
}

function readRole(role: Role, args: readonly string[]): Invocation | undefined {
  const switches = new Set<string>();
  let rest = args;
  for (; isSwitch(role, rest[0]); rest = rest.slice(1)) switches.add(rest[0]?.slice(2) ?? "");
  const [first, ...words] = rest;
  const command = first === "--" ? words : rest;
  const isPlain = first === "--" || first?.startsWith("-") !== true;
  const fits = command.length > 0 ? role.command !== "none" : role.command !== "required";
  if (!isPlain || !fits) return undefined;
  return { kind: "role", role, switches, flags: { values: new Map(), mounts: [] }, command };
}

function isSwitch({ switches }: Role, word: string | undefined): boolean {
  return word?.startsWith("--") === true && Object.hasOwn(switches, word.slice(2));
}
