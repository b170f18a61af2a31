// The directories that are to be exported, made what they are to be: a disk or memory mounted, owner and mode given.
import * as native from "native";
import { AppError, errnoOf, exitCodes } from "../errors.ts";
import type { Preparation } from "../config/exports.ts";
import type { Log } from "../report/log.ts";
import { mountAround, parseMountinfo, topMountOn, type MountRecord } from "../shares/mountinfo.ts";
import { findDevice, type FoundDevice } from "./block-devices.ts";
import { clock } from "./clock.ts";
import { inChild } from "./children.ts";
import { closing } from "./opened.ts";
import { makeDirectories, readText } from "./small-files.ts";

/** How often it is looked for a disk that is not there. */
const lookEveryMs = 500;
const reminderMs = 30_000;
/** A disk that hangs is not waited for longer. */
const mountMs = 60_000;
const unmountMs = 5_000;

/** Makes a directory ready and gives what undoes it. Throws AppError 78, or 75 for a disk that cannot be mounted. */
export async function prepareDirectory(log: Log, one: Preparation, signal: AbortSignal): Promise<() => Promise<void>> {
  let undo = async (): Promise<void> => {};
  if (one.scratch !== undefined || one.device !== undefined) makeTarget(one);
  if (one.scratch !== undefined) {
    const data = one.scratch.size === undefined ? "mode=755" : `mode=755,size=${one.scratch.size}`;
    undo = await mountOn(log, one, { source: "nfs-init-scratch", fstype: "tmpfs", data });
  } else if (one.device !== undefined && mountAt(one.path) === undefined) {
    const { source, fstype } = await deviceOf(log, one, signal);
    undo = await mountOn(log, one, { source, fstype, data: "" });
  }
  if (one.requireMount && mountAt(one.path) === undefined) {
    throw new AppError(`${one.origin}: nothing is mounted on ${one.path}`, exitCodes.config, {
      hint: "mount the volume there, or set NFS_EXPORT_REQUIRE_MOUNT=off to export the directory itself",
    });
  }
  const mount = mountAt(one.path);
  if (mount !== undefined && /\/kubernetes\.io~empty-dir\//.test(mount.root)) {
    const hint = "export a volume that outlives the pod";
    log("warn", "the export is an emptyDir, its files end with the pod", { stage: "serve", target: one.path, hint });
  }
  giveOwnerAndMode(one);
  return undo;
}

function mountAt(path: string): MountRecord | undefined {
  return topMountOn(mountsNow(), path);
}

function mountsNow(): readonly MountRecord[] {
  return parseMountinfo(readText("/proc/self/mountinfo") ?? "");
}

function makeTarget({ path, origin }: Preparation): void {
  try {
    makeDirectories(path);
  } catch (error) {
    throw new AppError(`${origin}: cannot make ${path}: ${errnoOf(error) ?? String(error)}`, exitCodes.config);
  }
}

async function mountOn(
  log: Log,
  { path, origin }: Preparation,
  { source, fstype, data }: { readonly source: string; readonly fstype: string; readonly data: string },
): Promise<() => Promise<void>> {
  const mounted = await inChild(
    () => native.mount(source, path, fstype, native.MS_NODEV | native.MS_NOSUID, data),
    mountMs,
  );
  if (mounted.kind !== "answer") {
    const isPermission = mounted.kind === "failed" && mounted.errno === "EPERM";
    const reason = mounted.kind === "no-answer" ? "it does not answer" : mounted.reason;
    throw new AppError(
      `${origin}: cannot mount ${source} on ${path}: ${reason}`,
      isPermission ? exitCodes.mountFailed : exitCodes.lost,
      { hint: isPermission ? "start it with CAP_SYS_ADMIN" : "look at the disk" },
    );
  }
  log("info", "mounted", { stage: "serve", source, target: path, fstype });
  return async () => {
    const plain = await inChild(() => native.umount2(path, native.UMOUNT_NOFOLLOW), unmountMs);
    if (plain.kind === "answer") return log("info", "unmounted", { stage: "umount", source, target: path });
    const lazy = await inChild(() => native.umount2(path, native.MNT_DETACH | native.UMOUNT_NOFOLLOW), unmountMs);
    const how = lazy.kind === "answer" ? "it was in use and is detached" : "it stays";
    log("warn", "unmounted", { stage: "umount", source, target: path, reason: how });
  };
}

/** Waits for the disk: what lies under its directory is never served in its place. */
async function deviceOf(log: Log, { device, path }: Preparation, signal: AbortSignal): Promise<FoundDevice> {
  if (device === undefined) throw new Error("there is no device to wait for");
  let saidMs: number | undefined;
  for (;;) {
    const found = await inChild(() => findDevice(device) ?? null, mountMs, signal);
    if (found.kind === "answer" && found.value !== null) return found.value;
    if (saidMs === undefined || clock.nowMs() - saidMs >= reminderMs) {
      const source = device.kind === "path" ? device.value : `${device.kind.toUpperCase()}=${device.value}`;
      log("warn", "waiting for the disk", { stage: "serve", source, target: path });
      saidMs = clock.nowMs();
    }
    await clock.sleep(lookEveryMs, signal);
  }
}

function giveOwnerAndMode({ path, origin, owner, mode }: Preparation): void {
  if (owner === undefined && mode === undefined) return;
  try {
    closing(native.open(path, native.O_RDONLY | native.O_DIRECTORY), (fd) => {
      if (owner !== undefined) native.fchown(fd, owner.uid, owner.gid);
      if (mode !== undefined) native.fchmod(fd, mode);
    });
  } catch (error) {
    throw new AppError(
      `${origin}: cannot give ${path} its owner and mode: ${errnoOf(error) ?? String(error)}`,
      exitCodes.config,
    );
  }
}

/** Makes the directory of client records. Throws AppError 78. */
export function makeStateDirectory(log: Log, path: string): void {
  try {
    makeDirectories(path, 0o700);
  } catch (error) {
    throw new AppError(`NFS_SERVER_STATE: cannot make ${path}: ${errnoOf(error) ?? String(error)}`, exitCodes.config, {
      hint: "name a directory on a volume",
    });
  }
  const errno = whyUnwritable(path);
  if (errno !== undefined) {
    throw new AppError(`NFS_SERVER_STATE: ${path} cannot be written (${errno})`, exitCodes.config, {
      hint: "name a directory on a volume that belongs to this user, or start it with CAP_DAC_OVERRIDE",
    });
  }
  const around = mountAround(mountsNow(), path);
  if (around?.fstype === "overlay" || around?.fstype === "tmpfs") {
    log("info", "client records end with this container, after a restart clients wait for the grace period", {
      stage: "serve",
      target: path,
      hint: "set NFS_SERVER_STATE to a directory on a volume",
    });
  }
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
