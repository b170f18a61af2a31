// Where a share is mounted: the real path of a target, and the targets no share may take.
import { withParents, isSameOrBelow } from "../shares/paths.ts";
import { isShareMount } from "../kinds/kinds.ts";
import { isShared, mountAround, type MountRecord } from "../shares/mountinfo.ts";

/** Reads the text of a symbolic link; undefined where there is none. */
export type ReadLink = (path: string) => string | undefined;

/** The kernel's own limit on links in one path (path_resolution(7)). */
const mostLinks = 40;

/**
 * The path that `target` leads to, symlinks resolved as mount(2) would; parts that do not exist stay as they are.
 * A mount point is a directory, so it is not looked at, and what lies below an NFS mount is not touched at all: a look
 * could block for ever, and what lies below a `planned` target will be hidden. Undefined where links run in circles.
 */
export function resolveTarget(
  target: string,
  mounts: readonly MountRecord[],
  readLink: ReadLink,
  planned: ReadonlySet<string> = new Set(),
): string | undefined {
  const mountTargets = new Set(mounts.map((mount) => mount.target));
  const hiding = new Set(mounts.filter(isShareMount).map((mount) => mount.target));
  const hides = (path: string) => withParents(path).some((one) => hiding.has(one) || planned.has(one));
  let rest = target.split("/").filter((part) => part !== "");
  let path = "";
  for (let links = 0; ;) {
    const part = rest.shift();
    if (part === undefined) return path === "" ? "/" : path;
    if (part === ".") continue;
    if (part === "..") {
      path = path.slice(0, Math.max(0, path.lastIndexOf("/")));
      continue;
    }
    const next = `${path}/${part}`;
    const link = mountTargets.has(next) || hides(next) ? undefined : readLink(next);
    if (link === undefined) {
      path = next;
      continue;
    }
    if (++links > mostLinks) return undefined;
    rest = [...link.split("/").filter((one) => one !== ""), ...rest];
    if (link.startsWith("/")) path = "";
  }
}

/** Directories no share may cover: what the container could not start or run without. */
const refusedItself =
  /^\/(?:|bin|boot|dev|etc|lib[^/]*|proc|run|sbin|sys|usr|var|usr\/(?:bin|sbin|lib[^/]*)|var\/run)$/;
/** ... and those below which nothing can be meant as a mount point either. */
const refusedBelow = /^\/(?:(?:usr\/)?(?:bin|sbin|lib|lib32|lib64|libx32)|boot|dev|proc|sys)\//;

/** Why `path` is refused as a target, or undefined where it may be one. */
export function targetRefusal(path: string, mounts: readonly MountRecord[], stateDir: string): string | undefined {
  if (refusedItself.test(path) || refusedBelow.test(path)) return "the system needs that directory";
  if (isSameOrBelow(path, stateDir) || isSameOrBelow(stateDir, path))
    return `it holds or lies in NFS_STATE_DIR (${stateDir})`;
  const around = mountAround(mounts, path);
  if (around !== undefined && around.root.includes("/kubernetes.io~empty-dir/") && isShared(around)) {
    return "it lies in an emptyDir that propagates to the host, which the kubelet empties through the mount; use a hostPath volume";
  }
  return undefined;
}
