// Files that are there as a whole after a crash of the machine, in their old form or the new one.
import * as native from "native";
import { parentOf } from "./small-files.ts";
import { writeAll } from "./children.ts";

/** Puts a file in the place of the one of that path, for its owner alone; throws the system's error, and then the old one stays. */
export function replaceDurably(path: string, text: string): void {
  const fresh = `${path}.new`;
  const fd = native.open(fresh, native.O_WRONLY | native.O_CREAT | native.O_TRUNC | native.O_NOFOLLOW, 0o600);
  try {
    writeAll(fd, native.encodeUtf8(text));
    native.fsync(fd);
  } finally {
    native.close(fd);
  }
  native.rename(fresh, path);
  const directory = native.open(parentOf(path), native.O_RDONLY | native.O_DIRECTORY);
  try {
    native.fsync(directory);
  } finally {
    native.close(directory);
  }
}
