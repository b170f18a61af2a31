// Tables under /proc that are open, and read again and again.
import * as native from "native";
import { readUpTo } from "./small-files.ts";

/** The text of one from its beginning, up to so many bytes. */
export function textAgain(fd: number, mostBytes = Infinity): string {
  return native.decodeUtf8(readUpTo(fd, mostBytes, 0));
}
