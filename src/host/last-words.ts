// What is said where something went wrong that nobody expected, or before there is a log: loaded only then.
import { holdsSecret, withoutSecretFiles } from "../text/secrets.ts";
import { printable } from "../text/printable.ts";
import { AppError, exitCodes, messageOf } from "../errors.ts";
import { complain } from "./stdio.ts";

const unspoken =
  "nfs-init: an argument or a value is not understood, and not shown because it seems to hold a password; see nfs-init --help";

/** Says why nothing could be done, in plain words; gives the exit code. */
export async function sayLastWords(error: unknown): Promise<number> {
  if (!(error instanceof AppError)) {
    const what = error instanceof Error ? await withPlaces(error) : messageOf(error);
    const lines = `nfs-init: fault of nfs-init itself: ${what}`.trimEnd().split("\n").map(printable);
    complain(`${lines.join("\n")}\n`);
    return exitCodes.fault;
  }
  const { message, hint, exitCode } = error;
  const text = `nfs-init: ${message}${hint === undefined ? "" : `; ${hint}`}`;
  // What was typed is repeated, and may hold what nobody is to read; where that ends cannot be told.
  complain(`${holdsSecret(withoutSecretFiles(text)) ? unspoken : printable(text)}\n`);
  return exitCode;
}

/** An error and its stack, that of a child in its message, with the places of the source that the program was made from. */
async function withPlaces({ name, message, stack = "" }: Error): Promise<string> {
  const { locate } = await import("line-map");
  return `${name}: ${message}\n${stack}`.replaceAll(
    /\(([^():]+):(\d+)(?::\d+)?\)/g,
    (place: string, chunk: string, line: string) => {
      const found = locate(chunk, Number(line));
      return found === undefined ? place : `(${found})`;
    },
  );
}
