// The mount point, and the mount it lies on.
import { type Check, fails, notApplicable, ok, warning } from "../check.ts";
import type { ShareFacts } from "../facts.ts";
import type { Found } from "../found.ts";

export function mountPointCause({
  share,
  mountPoint: { state },
  addresses,
}: ShareFacts): (Found & { readonly isFatal: boolean }) | undefined {
  const variable = "NFS_MOUNT_POINT";
  switch (state.kind) {
    case "not-a-directory":
      return {
        id: "mount-point-not-a-directory",
        isFatal: true,
        because: `the mount point ${share.target} is a file and not a directory`,
        change: `remove the file, or name another directory in ${variable}`,
      };
    case "cannot-be-made":
      return {
        id: "mount-point-cannot-be-made",
        isFatal: true,
        because: `the mount point ${share.target} is not there and cannot be made in ${state.above} (${state.errno})`,
        change: `make the directory in the image or on a volume, or name another one in ${variable}`,
      };
    case "mounted": {
      if (!state.isThisShare || state.errno === undefined) return undefined;
      if (state.errno === "ESTALE") {
        return {
          id: "stale-leftover",
          isFatal: false,
          because: `a stale mount of ${state.source} is left on ${share.target} (ESTALE)`,
          change: `nfs-init run and mount detach it and mount afresh; by hand it is umount -l ${share.target}`,
        };
      }
      const isServed = addresses.some(({ nfs4, nfs3 }) => nfs4?.kind === "success" || nfs3?.kind === "success");
      if (!isServed) return undefined;
      return {
        id: "hung-leftover",
        isFatal: true,
        because: `a mount of ${state.source} is left on ${share.target} and does not answer although its server does`,
        change: `restart the container, or detach it by umount -l ${share.target}`,
      };
    }
    case "empty":
    case "not-empty":
    case "absent":
    case "on-a-share":
      return undefined;
  }
}

export function mountPointCheck({ share, mountPoint: { state } }: ShareFacts): Check {
  const name = "mount point";
  const { target, realTarget } = share;
  const path = realTarget === target ? target : `${target} (${realTarget})`;
  switch (state.kind) {
    case "empty":
      return ok(name, `${path} is an empty directory`);
    case "not-empty":
      return warning(name, `${path} is not empty; what lies there is hidden while the share is mounted`);
    case "absent":
      return ok(name, `${path} is not there yet and can be made in ${state.above}`);
    case "cannot-be-made":
      return fails(
        name,
        `${path} is not there and cannot be made in ${state.above} (${state.errno})`,
        "make it in the image or on a volume",
      );
    case "not-a-directory":
      return fails(name, `${path} is a file`, "remove it, or set NFS_MOUNT_POINT to another directory");
    case "on-a-share":
      return notApplicable(name, `${path} lies on the share mounted on ${state.above}, which is not looked into`);
    case "mounted": {
      const what = `${state.source} is mounted on ${path}`;
      if (!state.isThisShare) return warning(name, `${what}, which is another share`);
      if (state.errno === undefined) return ok(name, `${what} and answers`);
      if (state.errno === "ESTALE")
        return warning(
          name,
          `${what} and is stale (ESTALE)`,
          `nfs-init run detaches it by itself; by hand: umount -l ${target}`,
        );
      return fails(name, `${what} and ${state.errno === "" ? "does not answer" : `answers ${state.errno}`}`);
    }
  }
}

export function propagationCheck({ mountPoint: { around } }: ShareFacts): Check {
  const name = "propagation";
  if (around === undefined) return notApplicable(name, "the mount it lies on is not known");
  const kind = around.optional.filter((field) => /^(?:shared|master|unbindable)/.test(field)).join(", ");
  const volume = /\/kubernetes\.io~empty-dir\//.test(around.root) ? ", an emptyDir of Kubernetes" : "";
  const fact = `it lies on ${around.fstype} mounted on ${around.target}${volume}, ${kind === "" ? "private" : kind}`;
  return volume !== "" && kind.includes("shared")
    ? fails(name, `${fact}: the kubelet empties it through the mount`, "use a hostPath volume")
    : ok(name, fact);
}
