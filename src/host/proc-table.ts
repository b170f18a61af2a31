// Tables under /proc that are open, and read again and again.
import * as native from "native";

const chunkBytes = 65_536;

/** The text of one from its beginning, up to so many bytes. */
export function textAgain(fd: number, mostBytes = Infinity): string {
  let text = "";
  for (let at = 0; at < mostBytes;) {
    const bytes = native.read(fd, chunkBytes, at);
    if (bytes.byteLength === 0) break;
    text += native.decodeUtf8(bytes);
    at += bytes.byteLength;
  }
  return text;
}
