// Small local files, most of them under /proc: read whole, or not at all.
import * as native from "native";

const chunkBytes = 65_536;

/** The first bytes of a file, up to `most`; undefined where it cannot be read. A FIFO that nobody writes to is not waited for. */
export function readFirstBytes(path: native.CString, most: number): Uint8Array | undefined {
  let fd: number | undefined;
  try {
    fd = native.open(path, native.O_RDONLY | native.O_NONBLOCK);
    return readUpTo(fd, most);
  } catch {
    return undefined;
  } finally {
    if (fd !== undefined) native.close(fd);
  }
}

/** An open file from `from` on, or what is left of it, up to so many bytes. */
export function readUpTo(fd: number, most: number, from?: number): Uint8Array {
  const chunks: Uint8Array[] = [];
  let total = 0;
  while (total < most) {
    const chunk = native.read(fd, Math.min(chunkBytes, most - total), from === undefined ? undefined : from + total);
    if (chunk.byteLength === 0) break;
    chunks.push(chunk);
    total += chunk.byteLength;
  }
  const [only] = chunks;
  if (chunks.length === 1 && only !== undefined) return only;
  const whole = new Uint8Array(total);
  let offset = 0;
  for (const chunk of chunks) {
    whole.set(chunk, offset);
    offset += chunk.byteLength;
  }
  return whole;
}

/** More than any file under /proc that is read here has. */
const longestTextBytes = 64 * 1024 * 1024;

/** The text of a small file, undefined where it cannot be read. */
export function readText(path: string): string | undefined {
  const bytes = readFirstBytes(path, longestTextBytes);
  return bytes === undefined ? undefined : native.decodeUtf8(bytes);
}

/** The text of a symbolic link, undefined where there is none. */
export function readLink(path: string): string | undefined {
  try {
    return native.readlink(path);
  } catch {
    return undefined;
  }
}

/** The names in a directory, without `.` and `..`. Throws where it cannot be read. */
export function listDirectory(path: string): readonly string[] {
  return takeNames(native.open(path, native.O_RDONLY | native.O_DIRECTORY));
}

/** The same of a directory that is open; it is closed. */
export function takeNames(fd: number): readonly string[] {
  try {
    const names: string[] = [];
    for (let more = native.getdents(fd); more !== undefined; more = native.getdents(fd)) names.push(...more);
    return names;
  } finally {
    native.close(fd);
  }
}

/** What lies at a path, itself and not what a link leads to; undefined where there is nothing, or it cannot be asked. */
export function lookAt(path: string): native.Stat | undefined {
  try {
    return native.lstat(path);
  } catch {
    return undefined;
  }
}

/** unlink(2), where a file that is not there, or cannot be removed, is no failure; whether it was removed. */
export function removeQuietly(path: string): boolean {
  try {
    native.unlink(path);
    return true;
  } catch {
    return false;
  }
}

/** mkdir(2) of a directory and what is missing above it, which others may make at the same time. */
export function makeDirectories(path: string, mode = 0o755): void {
  try {
    makeDirectory(path, mode);
  } catch (error) {
    const parent = parentOf(path);
    if ((error as native.NativeError).code !== "ENOENT" || parent === "/" || parent === path) throw error;
    makeDirectories(parent, mode);
    makeDirectory(path, mode);
  }
}

/** mkdir(2) of a directory that may be there already. */
function makeDirectory(path: string, mode: number): void {
  try {
    native.mkdir(path, mode);
  } catch (error) {
    if ((error as native.NativeError).code !== "EEXIST" || !isDirectory(path)) throw error;
  }
}

/** Whether a path leads to a directory. */
export function isDirectory(path: string): boolean {
  try {
    return native.stat(path).type === "directory";
  } catch {
    return false;
  }
}

/** The nearest at or above a path that is there. */
export function nearestThere(path: string): string {
  let found = path;
  while (found !== "/" && lookAt(found) === undefined) found = parentOf(found);
  return found;
}

/** The directory that a path lies in: dirname(1). */
export function parentOf(path: string): string {
  const trimmed = path.replace(/\/+$/, "");
  const slash = trimmed.lastIndexOf("/");
  return slash <= 0 ? "/" : trimmed.slice(0, slash);
}
