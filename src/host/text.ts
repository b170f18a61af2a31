// Small texts, most of them under /proc, read by libc: a plain init need not load the runtime's file system module.
import { readBytes, readLinkText } from "./raw-files.ts";

/** The text of a small file, undefined where it cannot be read. */
export function readText(path: string): string | undefined {
  const bytes = readBytes(path);
  return bytes === undefined ? undefined : new TextDecoder().decode(bytes);
}

/** The text of a symbolic link, undefined where there is none. */
export function readLink(path: string): string | undefined {
  return readLinkText(path);
}
