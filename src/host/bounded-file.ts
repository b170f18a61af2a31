// Files whose path or content others choose: only a regular file is read, and only so much of it.
import * as native from "native";
import { errnoOf, messageOf } from "../errors.ts";
import { distrust } from "../report/trust.ts";
import { closing } from "./opened.ts";
import { parentOf, readUpTo } from "./small-files.ts";

/** What a path gave. */
export type FileContent =
  | { readonly kind: "read"; readonly bytes: Uint8Array }
  | { readonly kind: "absent" }
  | { readonly kind: "refused"; readonly reason: string };

/** The bytes of an open file; throws where it is no regular file or longer than `mostBytes`. */
export function readOpened(fd: number, mostBytes: number): Uint8Array {
  const { type, size } = native.fstat(fd);
  if (type !== "file") throw new Error("it is not a regular file");
  // Files under /proc tell no size, and any file may grow meanwhile.
  const bytes = size > mostBytes ? undefined : readUpTo(fd, mostBytes + 1);
  if (bytes === undefined || bytes.byteLength > mostBytes) throw new Error(`it is longer than ${mostBytes / 1024} KiB`);
  return bytes;
}

/** The bytes of a regular file of at most `mostBytes`. A FIFO or a device is neither waited for nor read. */
export function readRegular(path: string, mostBytes: number): FileContent {
  return attempt(() => readPath(path, 0, (fd) => readOpened(fd, mostBytes)));
}

/**
 * A file of the state directory, by its path below it: believed only where root or this user alone can have put it there. No
 * symbolic link is followed.
 */
export function readTrusted(stateDir: string, name: string, mostBytes: number): FileContent {
  return attempt(() => {
    const path = `${stateDir}/${name}`;
    trustDirectories(stateDir, parentOf(path));
    return readPath(path, native.O_NOFOLLOW, (fd) => {
      trustFile(fd, name);
      return readOpened(fd, mostBytes);
    });
  });
}

/** Throws where others than root and this user may write to an open file. */
export function trustFile(fd: number, name: string): void {
  const reason = distrust(native.fstat(fd), "file", native.geteuid());
  if (reason !== undefined) throw new Error(`${name} ${reason}`);
}

/** Throws where others than root and this user may write to one of these directories, or it is a link. */
export function trustDirectories(...paths: readonly string[]): void {
  for (const path of new Set(paths)) {
    const reason = distrust(native.lstat(path), "directory", native.geteuid());
    if (reason !== undefined) throw new Error(`${path} ${reason}`);
  }
}

function readPath(path: string, flags: number, read: (fd: number) => Uint8Array): Uint8Array {
  return closing(native.open(path, native.O_RDONLY | native.O_NONBLOCK | flags), read);
}

function attempt(read: () => Uint8Array): FileContent {
  try {
    return { kind: "read", bytes: read() };
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return { kind: "absent" };
    return { kind: "refused", reason: messageOf(error) };
  }
}
