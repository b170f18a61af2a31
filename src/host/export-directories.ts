// The machine for directories that are to be exported: what is mounted on them, their owner and mode.
import * as native from "native";
import { errnoOf } from "../errors.ts";
import type { ExportDirectoryPorts } from "../lifecycle/export-directories.ts";
import type { Log } from "../report/log.ts";
import { parseMountinfo } from "../shares/mountinfo.ts";
import { findDevice } from "./block-devices.ts";
import { inChild } from "./children.ts";
import { clock } from "./clock.ts";
import { closing } from "./opened.ts";
import { makeDirectories, readText } from "./small-files.ts";

/** A disk that hangs is not waited for longer. */
const mountMs = 60_000;
const unmountMs = 5_000;

export function exportDirectoryPorts(log: Log): ExportDirectoryPorts {
  return {
    log,
    clock,
    mounts: () => parseMountinfo(readText("/proc/self/mountinfo") ?? ""),
    makeDirectories,
    mountLocal: async ({ source, target, fstype, data }) => {
      const flags = native.MS_NODEV | native.MS_NOSUID;
      const answer = await inChild(() => native.mount(source, target, fstype, flags, data), mountMs);
      if (answer.kind === "answer") return undefined;
      const reason = answer.kind === "no-answer" ? "it does not answer" : answer.reason;
      return { errno: answer.kind === "failed" ? answer.errno : undefined, reason };
    },
    umountLocal: async (target, how) => {
      const flags = native.UMOUNT_NOFOLLOW | (how === "lazy" ? native.MNT_DETACH : 0);
      return (await inChild(() => native.umount2(target, flags), unmountMs)).kind === "answer";
    },
    findDevice: async (device, signal) => {
      const answer = await inChild(() => findDevice(device) ?? null, mountMs, signal);
      return answer.kind === "answer" && answer.value !== null ? answer.value : undefined;
    },
    giveOwnerAndMode: (path, owner, mode) =>
      closing(native.open(path, native.O_RDONLY | native.O_DIRECTORY), (fd) => {
        if (owner !== undefined) native.fchown(fd, owner.uid, owner.gid);
        if (mode !== undefined) native.fchmod(fd, mode);
      }),
    whyUnwritable,
  };
}

/** Why this process, with the capabilities that it has, cannot keep files in a directory; undefined where it can. */
export function whyUnwritable(path: string): string | undefined {
  try {
    native.access(path, native.R_OK | native.W_OK | native.X_OK);
    return undefined;
  } catch (error) {
    return errnoOf(error) ?? "EIO";
  }
}
