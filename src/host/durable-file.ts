// Files that are there as a whole after a crash of the machine, in their old form or the new one.
import * as native from "native";
import { closing } from "./opened.ts";
import { parentOf } from "./small-files.ts";
import { writeAll } from "./children.ts";

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
