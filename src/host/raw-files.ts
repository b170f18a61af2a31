// Small local files by libc: a plain init need not load the runtime's file system module, which costs a millisecond.
import { cString, openLibc } from "./libc.ts";

const libc = openLibc({
  access: { args: ["ptr", "i32"], returns: "i32" },
  close: { args: ["i32"], returns: "i32" },
  open: { args: ["ptr", "i32", "u32"], returns: "i32" },
  read: { args: ["i32", "ptr", "u64"], returns: "i64" },
  readlink: { args: ["ptr", "ptr", "u64"], returns: "i64" },
  syscall: { args: ["i64", "i64", "ptr", "u64"], returns: "i64" },
  write: { args: ["i32", "ptr", "u64"], returns: "i64" },
});

const O_CLOEXEC = 0x8_0000;
/** A FIFO that nobody writes to is not waited for. */
const O_NONBLOCK = 0x800;
// The flag differs between x86 and ARM (asm/fcntl.h).
const O_DIRECTORY = process.arch === "x64" ? 0x1_0000 : 0x4000;
const SYS_getdents64 = process.arch === "x64" ? 217n : 61n;

const X_OK = 1;
/** Whether this process may execute a file (access(2)). */
export function mayExecute(path: string): boolean {
  return libc.access(cString(path), X_OK) === 0;
}

const chunkBytes = 65_536;
/** What /proc and the like hold is shorter; a link to a device in place of a file must not be read without end. */
const longestBytes = 64 * 1024 * 1024;

/** The bytes of a small file, or its first ones up to `most`; undefined where it cannot be read. */
export function readBytes(path: string, most = longestBytes): Uint8Array | undefined {
  const fd = libc.open(cString(path), O_CLOEXEC | O_NONBLOCK, 0);
  if (fd < 0) return undefined;
  const chunks: Uint8Array[] = [];
  let total = 0;
  for (;;) {
    const chunk = new Uint8Array(Math.min(chunkBytes, most - total));
    const length = Number(libc.read(fd, chunk, BigInt(chunk.byteLength)));
    if (length > 0) chunks.push(chunk.subarray(0, length));
    total += Math.max(0, length);
    if (length > 0 && total < most) continue;
    libc.close(fd);
    if (length < 0) return undefined;
    return chunks.length === 1 ? chunks[0] : joined(chunks, total);
  }
}

function joined(chunks: readonly Uint8Array[], total: number): Uint8Array {
  const whole = new Uint8Array(total);
  let offset = 0;
  for (const chunk of chunks) {
    whole.set(chunk, offset);
    offset += chunk.byteLength;
  }
  return whole;
}

/** The text of a symbolic link; undefined where there is none (readlink(2)). */
export function readLinkText(path: string): string | undefined {
  const text = new Uint8Array(4_096);
  const length = Number(libc.readlink(cString(path), text, BigInt(text.byteLength)));
  return length < 0 ? undefined : new TextDecoder().decode(text.subarray(0, length));
}

/** The names in a directory, without `.` and `..`; none where it cannot be read (getdents64(2)). */
export function listDirectory(path: string): readonly string[] {
  const fd = libc.open(cString(path), O_DIRECTORY | O_CLOEXEC, 0);
  if (fd < 0) return [];
  const names: string[] = [];
  const decoder = new TextDecoder();
  const entries = new Uint8Array(chunkBytes);
  const view = new DataView(entries.buffer);
  for (;;) {
    const length = Number(libc.syscall(SYS_getdents64, BigInt(fd), entries, BigInt(entries.byteLength)));
    if (length <= 0) break;
    // struct linux_dirent64: inode, offset, the entry's length at byte 16, its type, and the name from byte 19 to a NUL.
    for (let start = 0; start < length; start += view.getUint16(start + 16, true)) {
      const nameStart = start + 19;
      const name = decoder.decode(entries.subarray(nameStart, entries.indexOf(0, nameStart)));
      if (name !== "." && name !== "..") names.push(name);
    }
  }
  libc.close(fd);
  return names;
}

/** Writes text to a descriptor once, as far as it takes it; what goes wrong is nobody's to know. */
export function writeText(fd: number, text: string): void {
  const bytes = new TextEncoder().encode(text);
  libc.write(fd, bytes, BigInt(bytes.byteLength));
}
