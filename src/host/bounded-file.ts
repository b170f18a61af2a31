// Files whose path or content others choose: only a regular file is read, and only so much of it.
import { closeSync, constants, fstatSync, lstatSync, openSync, readSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { errnoOf, messageOf } from "../errors.ts";
import { distrust } from "../report/trust.ts";

/** What a path gave. */
export type FileContent =
  | { readonly kind: "read"; readonly bytes: Buffer }
  | { readonly kind: "absent" }
  | { readonly kind: "refused"; readonly reason: string };

/** The bytes of an open file; throws where it is no regular file or longer than `mostBytes`. */
export function readOpened(fd: number, mostBytes: number): Buffer {
  const facts = fstatSync(fd);
  if (!facts.isFile()) throw new Error("it is not a regular file");
  const tooLong = new Error(`it is longer than ${mostBytes / 1024} KiB`);
  if (facts.size > mostBytes) throw tooLong;
  const chunks: Buffer[] = [];
  // Files under /proc tell no size, and any file may grow meanwhile.
  for (let total = 0; ;) {
    const chunk = Buffer.alloc(Math.min(64 * 1024, mostBytes + 1 - total));
    const length = readSync(fd, chunk, 0, chunk.byteLength, total);
    if (length === 0) return Buffer.concat(chunks);
    total += length;
    if (total > mostBytes) throw tooLong;
    chunks.push(chunk.subarray(0, length));
  }
}

/** The bytes of a regular file of at most `mostBytes`. A FIFO or a device is neither waited for nor read. */
export function readRegular(path: string, mostBytes: number): FileContent {
  return attempt(() => readPath(path, constants.O_RDONLY, (fd) => readOpened(fd, mostBytes)));
}

/**
 * A file of the state directory, by its path below it: believed only where root or this user alone can have put it there. No
 * symbolic link is followed.
 */
export function readTrusted(stateDir: string, name: string, mostBytes: number): FileContent {
  return attempt(() => {
    trustDirectories(stateDir, join(stateDir, dirname(name)));
    return readPath(join(stateDir, name), constants.O_RDONLY | constants.O_NOFOLLOW, (fd) => {
      const reason = distrust(fstatSync(fd), "file", process.geteuid?.());
      if (reason !== undefined) throw new Error(`${basename(name)} ${reason}`);
      return readOpened(fd, mostBytes);
    });
  });
}

/** Throws where others than root and this user may write to one of these directories, or it is a link. */
export function trustDirectories(...paths: readonly string[]): void {
  for (const path of new Set(paths)) {
    const reason = distrust(lstatSync(path), "directory", process.geteuid?.());
    if (reason !== undefined) throw new Error(`${path} ${reason}`);
  }
}

function readPath(path: string, flags: number, read: (fd: number) => Buffer): Buffer {
  const fd = openSync(path, flags | constants.O_NONBLOCK | constants.O_NOCTTY);
  try {
    return read(fd);
  } finally {
    closeSync(fd);
  }
}

function attempt(read: () => Buffer): FileContent {
  try {
    return { kind: "read", bytes: read() };
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return { kind: "absent" };
    return { kind: "refused", reason: messageOf(error) };
  }
}
