// Who shares are mounted as, as far as variables tell: NFS_USERNAME, NFS_PASSWORD_FILE, NFS_DOMAIN.
import type { Account, ShareKind } from "../kinds/kind.ts";
import { kindOf } from "../kinds/kinds.ts";
import type { ShareConfig } from "../shares/share.ts";
import { given, parsed, type Given, type Reader } from "./given.ts";
import { variables } from "./variables.ts";

const accountKeys = ["username", "passwordFile", "domain"] as const;

/** Options of a share with its account; as they are for a kind that asks nobody; undefined, with problems noted, where a value cannot be. */
export function withAccount(
  reader: Reader,
  kind: ShareKind,
  options: readonly string[],
  valueOf: (key: (typeof accountKeys)[number]) => Given | undefined,
): readonly string[] | undefined {
  if (kind.options.withAccount === undefined) return options;
  // It is read by whoever sees how the container is configured.
  for (const name of reader.passwords) {
    reader.problems.push(
      `${name} is refused: everybody could read the password there; write it to a file, and set ${name}_FILE to its path`,
    );
  }
  const read = accountKeys.map((key) => {
    const one = valueOf(key);
    return { one, value: one === undefined ? undefined : parsed<string>(reader, one, variables[key].format) };
  });
  if (read.some(({ one, value }) => one !== undefined && value === undefined)) return undefined;
  const [username, passwordFile, domain] = read.map(({ value }) => value);
  const account: Account = { username, passwordFile, domain };
  return kind.options.withAccount(options, account);
}

/** Says which variables of an account nobody asks for. */
export function warnOfUnused(reader: Reader, shares: readonly (ShareConfig | undefined)[]): void {
  const isUnused = ({ kind }: ShareConfig) => kindOf({ kind }).options.withAccount === undefined;
  if (shares.length === 0 || !shares.every((share) => share !== undefined && isUnused(share))) return;
  for (const name of accountKeys.flatMap((key) => given(reader, key)?.name ?? [])) {
    const meant = name === variables.username.name ? "; NFS_USER is who COMMAND runs as" : "";
    reader.warnings.push(`${name} is for a share of CIFS, and there is none: it is ignored${meant}`);
  }
}
