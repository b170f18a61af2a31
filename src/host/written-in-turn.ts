// Two files that are written in turn: of the two one is always whole, whenever the power goes. Names cannot be changed from within another root.
import * as native from "native";
import { errnoOf } from "../errors.ts";
import { readOpened } from "./bounded-file.ts";
import { writeAll } from "./children.ts";
import { closing } from "./opened.ts";

export interface InTurn<T> {
  /** What was written last. */
  readonly found: T | undefined;
  /**
   * Writes a text that has this number; on the disk when it returns. A disk that is full or read-only throws nothing, and its error is
   * given: a server that forgets is better than none.
   */
  readonly keep: (textOf: (sequence: number) => string) => string | undefined;
}

/** Opens the directory, by which it goes from then on, whatever the root becomes. `parse` gives undefined for what is not whole. */
export function openInTurn<T extends { readonly sequence: number }>(
  directory: string,
  names: readonly [string, string],
  mostBytes: number,
  parse: (text: string) => T | undefined,
): InTurn<T> {
  const folder = native.open(directory, native.O_RDONLY | native.O_DIRECTORY);
  const read = (name: string) => {
    const bytes = readBelow(folder, name, mostBytes);
    return bytes === undefined ? [] : (parse(native.decodeUtf8(bytes)) ?? []);
  };
  const [found] = names.flatMap(read).toSorted((one, other) => other.sequence - one.sequence);
  let sequence = found?.sequence ?? 0;
  return {
    found,
    keep: (textOf) => {
      sequence++;
      try {
        writeBelow(folder, names[sequence % 2 === 0 ? 0 : 1], native.encodeUtf8(textOf(sequence)));
        return undefined;
      } catch (error) {
        const errno = errnoOf(error);
        if (errno === undefined) throw error;
        return errno;
      }
    },
  };
}

/** Whoever may write to the exports as root can put anything there: what is no file is neither waited for nor read. */
function readBelow(folder: number, name: string, mostBytes: number): Uint8Array | undefined {
  const flags = native.O_RDONLY | native.O_NOFOLLOW | native.O_NONBLOCK;
  try {
    return closing(native.openat(folder, name, flags), (fd) => readOpened(fd, mostBytes));
  } catch {
    return undefined;
  }
}

function writeBelow(folder: number, name: string, bytes: Uint8Array): void {
  const flags = native.O_WRONLY | native.O_CREAT | native.O_TRUNC | native.O_NOFOLLOW | native.O_NONBLOCK;
  closing(native.openat(folder, name, flags, 0o600), (fd) => {
    writeAll(fd, bytes);
    native.fsync(fd);
  });
}
