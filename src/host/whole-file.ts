// Files that are there as a whole, in their old form or the new one: for readers, and those that matter after a crash of the machine too.
import * as native from "native";
import { writeAll } from "./children.ts";
import { tryLock } from "./locks.ts";
import { closing } from "./opened.ts";
import { parentOf, removeQuietly } from "./small-files.ts";

/**
 * Puts a file in the place of the one of that name in a directory where nobody else writes; gives its descriptor, which is locked where
 * that is asked for. It need not outlive the machine: nothing is synced.
 */
export function replaceWhole(directory: string, name: string, text: string, mode: number, isLocked = false): number {
  const temporary = `${directory}/.${name}.new`;
  // What an earlier instance has left there.
  removeQuietly(temporary);
  const fd = native.open(temporary, native.O_RDWR | native.O_CREAT | native.O_EXCL | native.O_NOFOLLOW, mode);
  try {
    // A default ACL of the directory may say otherwise.
    native.fchmod(fd, mode);
    if (isLocked && !tryLock(fd)) throw new Error("it is locked");
    writeAll(fd, native.encodeUtf8(text));
    native.rename(temporary, `${directory}/${name}`);
    return fd;
  } catch (error) {
    native.close(fd);
    removeQuietly(temporary);
    throw error;
  }
}

/** Puts a file in the place of the one of that path, for its owner alone; throws the system's error, and then the old one stays. */
export function replaceDurably(path: string, text: string): void {
  const fresh = `${path}.new`;
  closing(native.open(fresh, native.O_WRONLY | native.O_CREAT | native.O_TRUNC | native.O_NOFOLLOW, 0o600), (fd) => {
    writeAll(fd, native.encodeUtf8(text));
    native.fsync(fd);
  });
  native.rename(fresh, path);
  closing(native.open(parentOf(path), native.O_RDONLY | native.O_DIRECTORY), native.fsync);
}
