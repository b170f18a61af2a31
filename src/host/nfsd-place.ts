// The place that the kernel's NFS server is driven from: a mount namespace with the exports under a root of its own.
import * as native from "native";
import { errnoOf } from "../errors.ts";
import type { ServerSettings, ServerTrouble } from "../export/server.ts";
import { exportFlags } from "../export/options.ts";
import { isDirectory, makeDirectories } from "./small-files.ts";

/** A step failed, and that is known how. */
export class PlaceTrouble extends Error {
  override readonly name = "PlaceTrouble";
  readonly trouble: ServerTrouble;

  constructor(trouble: ServerTrouble) {
    super(trouble.kind);
    this.trouble = trouble;
  }
}

export interface Place {
  /** The nfsd file system. */
  readonly control: number;
  /** A proc file system: that of a container may not be written. */
  readonly proc: number;
  /** That of rpc_pipefs; undefined where there is none. */
  readonly pipes: number | undefined;
  /** Makes the root of this process the one with the exports. */
  readonly enter: () => void;
}

/** Any directory will do to mount over: only this process sees it. */
const candidates = ["/run", "/tmp", "/mnt", "/dev", "/etc"];

/**
 * Makes it around this process, which must be a child: what is mounted here goes with it. The directories are opened first, since one
 * of them may lie below what is mounted over. Throws PlaceTrouble.
 */
export function makePlace({ table }: ServerSettings): Place {
  tried("a mount namespace", () => {
    native.unshare(native.CLONE_NEWNS);
    // Disks that are mounted later are to come here, and nothing of ours is to go there.
    native.mount("none", "/", null, native.MS_REC | native.MS_SLAVE, null);
  });
  const sources = table.exports.map(({ path, rules }) => ({
    path,
    fd: openDirectory(path),
    recursive: rules.some(({ options }) => (options.flags & exportFlags.crossMount) !== 0),
  }));
  const base = candidates.find(isDirectory) ?? "/";
  const root = `${base}/root`;
  tried("a tmpfs", () =>
    native.mount("nfs-init", base, "tmpfs", native.MS_NOSUID | native.MS_NODEV | native.MS_NOEXEC, "mode=755"),
  );
  const control = mountControl(`${base}/control`);
  const pipes = mountPipes(`${base}/pipes`);
  const proc = mountProc(`${base}/proc`);
  native.mkdir(root, 0o755);
  for (const { path, fd, recursive } of sources.toSorted((a, b) => a.path.length - b.path.length)) {
    const target = `${root}${path}`;
    tried(`an export on ${path}`, () => {
      makeDirectories(target);
      native.mount(`/proc/self/fd/${fd}`, target, null, native.MS_BIND | (recursive ? native.MS_REC : 0), null);
    });
    native.close(fd);
  }
  return {
    control,
    proc,
    pipes,
    enter: () =>
      tried("a root of its own", () => {
        native.chroot(root);
        native.chdir("/");
      }),
  };
}

function openDirectory(path: string): number {
  try {
    return native.open(path, native.O_PATH | native.O_DIRECTORY);
  } catch (error) {
    throw new PlaceTrouble({ kind: "no-directory", path, errno: errnoOf(error) ?? "EIO" });
  }
}

function mountControl(target: string): number {
  native.mkdir(target, 0o700);
  try {
    native.mount("nfsd", target, "nfsd", 0, null);
  } catch (error) {
    if (errnoOf(error) === "ENODEV") throw new PlaceTrouble({ kind: "no-server" });
    throw troubleOf("the nfsd file system", error);
  }
  return native.open(target, native.O_RDONLY | native.O_DIRECTORY);
}

/** Kernels without it can serve, but keep no records. */
function mountPipes(target: string): number | undefined {
  native.mkdir(target, 0o755);
  try {
    native.mount("rpc_pipefs", target, "rpc_pipefs", 0, null);
    return native.open(target, native.O_RDONLY | native.O_DIRECTORY);
  } catch {
    return undefined;
  }
}

/** Where one of our own is not allowed, that of the container has to do. */
function mountProc(target: string): number {
  native.mkdir(target, 0o755);
  try {
    native.mount("proc", target, "proc", native.MS_NOSUID | native.MS_NODEV | native.MS_NOEXEC, null);
  } catch {
    return native.open("/proc", native.O_RDONLY | native.O_DIRECTORY);
  }
  return native.open(target, native.O_RDONLY | native.O_DIRECTORY);
}

/** Does a step. Throws PlaceTrouble where a system call fails in it. */
export function tried(step: string, work: () => void): void {
  try {
    work();
  } catch (error) {
    if (error instanceof PlaceTrouble) throw error;
    throw troubleOf(step, error);
  }
}

export function troubleOf(step: string, error: unknown): PlaceTrouble {
  const errno = errnoOf(error);
  if (errno === undefined) throw error;
  const kind = errno === "EPERM" || errno === "EACCES" ? "not-permitted" : "failed";
  return new PlaceTrouble({ kind, step, errno });
}
