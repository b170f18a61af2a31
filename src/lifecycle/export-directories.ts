// The directories that are to be exported, made what they are to be: a disk or memory mounted, owner and mode given.
import type { Clock } from "../clock.ts";
import type { Preparation } from "../config/exports.ts";
import { AppError, errnoOf, exitCodes } from "../errors.ts";
import type { Log } from "../report/log.ts";
import { mountAround, topMountOn, type MountRecord } from "../shares/mountinfo.ts";

/** A disk, and the file system on it. */
export interface FoundDevice {
  readonly source: string;
  readonly fstype: string;
}

/** What is mounted on a directory of this machine. */
export interface LocalMount extends FoundDevice {
  readonly target: string;
  readonly data: string;
}

export interface ExportDirectoryPorts {
  readonly log: Log;
  readonly clock: Clock;
  readonly mounts: () => readonly MountRecord[];
  /** Makes it with what is missing above it; throws the system's error. */
  readonly makeDirectories: (path: string, mode?: number) => void;
  /** Mounts it without devices and set-user-ID; undefined where that is done, else why not. */
  readonly mountLocal: (
    mount: LocalMount,
  ) => Promise<{ readonly errno: string | undefined; readonly reason: string } | undefined>;
  /** Whether that was done. */
  readonly umountLocal: (target: string, how: "plain" | "lazy") => Promise<boolean>;
  /** Looks for a disk; undefined where it is not there, or does not answer. */
  readonly findDevice: (
    device: NonNullable<Preparation["device"]>,
    signal: AbortSignal,
  ) => Promise<FoundDevice | undefined>;
  /** Throws the system's error. */
  readonly giveOwnerAndMode: (path: string, owner: Preparation["owner"], mode: number | undefined) => void;
  /** The errno that says why files cannot be kept in a directory; undefined where they can. */
  readonly whyUnwritable: (path: string) => string | undefined;
}

/** How often it is looked for a disk that is not there, and how often that is said. */
const lookEveryMs = 500;
const reminderMs = 30_000;

/** Makes a directory ready and gives what undoes it. Throws AppError: 78, and 32 or 75 for a disk that cannot be mounted. */
export async function prepareDirectory(
  ports: ExportDirectoryPorts,
  one: Preparation,
  signal: AbortSignal,
): Promise<() => Promise<void>> {
  const { log, mounts } = ports;
  const { path, origin, scratch, device, owner, mode } = one;
  const mounted = () => topMountOn(mounts(), path);
  let undo = async (): Promise<void> => {};
  if (scratch !== undefined || device !== undefined) {
    orConfigError(`${origin}: cannot make ${path}`, () => ports.makeDirectories(path));
  }
  if (scratch !== undefined) {
    const data = scratch.size === undefined ? "mode=755" : `mode=755,size=${scratch.size}`;
    undo = await mountOn(ports, one, { source: "nfs-init-scratch", target: path, fstype: "tmpfs", data });
  } else if (device !== undefined && mounted() === undefined) {
    const { source, fstype } = await awaitDevice(ports, device, path, signal);
    undo = await mountOn(ports, one, { source, target: path, fstype, data: "" });
  }
  const mount = mounted();
  if (one.requireMount && mount === undefined) {
    throw new AppError(`${origin}: nothing is mounted on ${path}`, exitCodes.config, {
      hint: "mount the volume there, or set NFS_EXPORT_REQUIRE_MOUNT=off to export the directory itself",
    });
  }
  if (mount !== undefined && /\/kubernetes\.io~empty-dir\//.test(mount.root)) {
    const hint = "export a volume that outlives the pod";
    log("warn", "the export is an emptyDir, its files end with the pod", { stage: "serve", target: path, hint });
  }
  if (owner !== undefined || mode !== undefined) {
    const what = `${origin}: cannot give ${path} its owner and mode`;
    orConfigError(what, () => ports.giveOwnerAndMode(path, owner, mode));
  }
  return undo;
}

async function mountOn(
  { log, mountLocal, umountLocal }: ExportDirectoryPorts,
  { origin }: Preparation,
  mount: LocalMount,
): Promise<() => Promise<void>> {
  const { source, target, fstype } = mount;
  const refusal = await mountLocal(mount);
  if (refusal !== undefined) {
    const isPermission = refusal.errno === "EPERM";
    throw new AppError(
      `${origin}: cannot mount ${source} on ${target}: ${refusal.reason}`,
      isPermission ? exitCodes.mountFailed : exitCodes.lost,
      { hint: isPermission ? "start it with CAP_SYS_ADMIN" : "look at the disk" },
    );
  }
  log("info", "mounted", { stage: "serve", source, target, fstype });
  return async () => {
    if (await umountLocal(target, "plain")) return log("info", "unmounted", { stage: "umount", source, target });
    const reason = (await umountLocal(target, "lazy")) ? "it was in use and is detached" : "it stays";
    log("warn", "unmounted", { stage: "umount", source, target, reason });
  };
}

/** Waits for the disk: what lies under its directory is never served in its place. */
async function awaitDevice(
  { log, clock, findDevice }: ExportDirectoryPorts,
  device: NonNullable<Preparation["device"]>,
  target: string,
  signal: AbortSignal,
): Promise<FoundDevice> {
  let saidMs: number | undefined;
  for (;;) {
    const found = await findDevice(device, signal);
    if (found !== undefined) return found;
    if (saidMs === undefined || clock.nowMs() - saidMs >= reminderMs) {
      const source = device.kind === "path" ? device.value : `${device.kind.toUpperCase()}=${device.value}`;
      log("warn", "waiting for the disk", { stage: "serve", source, target });
      saidMs = clock.nowMs();
    }
    await clock.sleep(lookEveryMs, signal);
  }
}

/** Throws AppError 78 where it fails. */
function orConfigError(what: string, work: () => void, hint?: string): void {
  try {
    work();
  } catch (error) {
    const reason = `${what}: ${errnoOf(error) ?? String(error)}`;
    throw new AppError(reason, exitCodes.config, hint === undefined ? {} : { hint });
  }
}

/** Makes the directory of client records. Throws AppError 78. */
export function makeStateDirectory(
  { log, mounts, makeDirectories, whyUnwritable }: ExportDirectoryPorts,
  path: string,
): void {
  const hint = "name a directory on a volume";
  orConfigError(`NFS_SERVER_STATE: cannot make ${path}`, () => makeDirectories(path, 0o700), hint);
  const errno = whyUnwritable(path);
  if (errno !== undefined) {
    throw new AppError(`NFS_SERVER_STATE: ${path} cannot be written (${errno})`, exitCodes.config, {
      hint: "name a directory on a volume that belongs to this user, or start it with CAP_DAC_OVERRIDE",
    });
  }
  const fstype = mountAround(mounts(), path)?.fstype;
  if (fstype === "overlay" || fstype === "tmpfs") {
    log("info", "client records end with this container, after a restart clients wait for the grace period", {
      stage: "serve",
      target: path,
      hint: "set NFS_SERVER_STATE to a directory on a volume",
    });
  }
}
