// What is done with paths that may lie on a share, in several calls made elsewhere.
import * as native from "native";
import { errnoOf, messageOf } from "../errors.ts";
import { asideSource } from "../mount/aside.ts";
import { guardSource } from "../mount/guard.ts";
import type { Elsewhere } from "./callers.ts";
import type { Ready } from "./share-calls.ts";
import { parentOf } from "./small-files.ts";

/** Makes a mount point that lies on no other share. */
export async function prepareLocal(at: Elsewhere, target: string): Promise<Ready> {
  try {
    await makeDirectories(at, target);
    if ((await at.stat(target)).type !== "directory") return { kind: "refused", reason: "it is not a directory" };
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
    return { kind: "refused", reason: messageOf(error), errno: errnoOf(error) };
  }
  return { kind: "prepared", path: target, isEmpty: await isEmptyDirectory(at, target) };
}

/** Whether nothing lies in a directory; one that cannot be read counts as empty. */
async function isEmptyDirectory(at: Elsewhere, path: string): Promise<boolean> {
  try {
    const fd = await at.open(path, native.O_RDONLY | native.O_DIRECTORY);
    try {
      let names = await at.getdents(fd);
      while (names?.length === 0) names = await at.getdents(fd);
      return names === null;
    } finally {
      // The process goes on, and what it holds open cannot be unmounted.
      await at.close(fd).catch(unlessGone);
    }
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
    return true;
  }
}

async function makeDirectories(at: Elsewhere, path: string, mode = 0o755): Promise<void> {
  try {
    await makeDirectory(at, path, mode);
  } catch (error) {
    const parent = parentOf(path);
    if (errnoOf(error) !== "ENOENT" || parent === "/" || parent === path) throw error;
    await makeDirectories(at, parent, mode);
    await makeDirectory(at, path, mode);
  }
}

/** mkdir(2) of a directory that may be there already. */
async function makeDirectory(at: Elsewhere, path: string, mode: number): Promise<void> {
  try {
    await at.mkdir(path, mode);
  } catch (error) {
    if (errnoOf(error) !== "EEXIST" || !(await isDirectory(at, path))) throw error;
  }
}

async function isDirectory(at: Elsewhere, path: string): Promise<boolean> {
  try {
    return (await at.stat(path)).type === "directory";
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
    return false;
  }
}

/** Mounts what keeps files from being written under a mount point. */
export function mountGuard(at: Elsewhere, path: string): Promise<void> {
  return mountEmpty(at, guardSource, path, "0555");
}

/** Mounts a read-only tmpfs in which nothing can be made. */
function mountEmpty(at: Elsewhere, source: string, path: string, mode: string): Promise<void> {
  const flags = native.MS_RDONLY | native.MS_NOSUID | native.MS_NODEV | native.MS_NOEXEC;
  return at.mount(source, path, "tmpfs", flags, `size=4k,nr_inodes=1,mode=${mode}`);
}

/** Makes a directory with a private tmpfs on it. */
export async function makeAside(at: Elsewhere, path: string): Promise<void> {
  await makeDirectories(at, path, 0o700);
  await mountEmpty(at, asideSource, path, "0500");
  // Below a shared mount it is shared itself, and others would see what is mounted on it before it is whole.
  await at.mount("none", path, null, native.MS_PRIVATE, null);
}

/** Mounts what is mounted on `target` a second time, on a directory that is made for it. */
export async function keep(at: Elsewhere, target: string, path: string): Promise<void> {
  await makeDirectories(at, path, 0o700);
  await at.mount(target, path, null, native.MS_BIND, null);
  // What is mounted on the one must not show on the other.
  await at.mount("none", path, null, native.MS_PRIVATE, null);
}

/** As much as a caller is given at once. */
const pieceBytes = 32_768;

/** Puts a file in the place of the one of that name in a directory where nobody else writes, as `replaceWhole` does. */
export async function replaceFile(
  at: Elsewhere,
  directory: string,
  name: string,
  text: string,
  mode: number,
): Promise<void> {
  const temporary = `${directory}/.${name}.new`;
  const removeTemporary = () => at.unlink(temporary).catch(unlessGone);
  // What an earlier instance has left there.
  await removeTemporary();
  const fd = await at.open(temporary, native.O_RDWR | native.O_CREAT | native.O_EXCL | native.O_NOFOLLOW, mode);
  try {
    // A default ACL of the directory may say otherwise.
    await at.fchmod(fd, mode);
    const bytes = native.encodeUtf8(text);
    for (let offset = 0; offset < bytes.byteLength;) {
      offset += await at.write(fd, bytes.subarray(offset, offset + pieceBytes));
    }
    await at.rename(temporary, `${directory}/${name}`);
  } catch (error) {
    unlessGone(error);
    await removeTemporary();
    throw error;
  } finally {
    await at.close(fd).catch(unlessGone);
  }
}

/** What the system says is passed over, and nothing else. */
function unlessGone(error: unknown): void {
  if (errnoOf(error) === undefined) throw error;
}
