// The mount table of this mount namespace.
import { mountinfoParser, type MountRecord } from "../shares/mountinfo.ts";
import * as native from "native";
import { parseMountstats, type MountStats } from "../report/mountstats.ts";
import { AppError, errnoOf, exitCodes } from "../errors.ts";
import { textAgain } from "./proc-table.ts";
import { readText } from "./small-files.ts";

const parse = mountinfoParser();

/** A table that is open, and the records that were read of it last. */
interface Reading {
  readonly fd: number;
  records: readonly MountRecord[];
  readAtMs: number;
  closing?: ReturnType<typeof setTimeout>;
}

let held: Reading | undefined;
let askedAtMs = Number.NEGATIVE_INFINITY;

/** Questions that come closer together belong to one burst: while shares are mounted the table is asked for at each step of each. */
const burstMs = 250;

/**
 * The mounts of this namespace, for this process and none of its children. The kernel tells by poll(2) whether mounts have come or gone
 * since the file was opened or last asked so (proc(5)): what came during a reading can hide entries, for the kernel gives the file page
 * by page, and then it is read again. In a burst the file stays open, and is read when something has changed, and after some time in any
 * case: the kernel does not tell of a directory above a mount point that is renamed.
 */
export function readMounts(): readonly MountRecord[] {
  const nowMs = native.bootTimeMs();
  const isBurst = nowMs - askedAtMs < burstMs;
  askedAtMs = nowMs;
  const reading = held ?? { fd: openMountinfo(), records: [], readAtMs: Number.NEGATIVE_INFINITY };
  held = reading;
  clearTimeout(reading.closing);
  try {
    const isFresh = nowMs - reading.readAtMs < burstMs && !hasChanged(reading.fd);
    if (!isFresh) {
      reading.records = readTable(reading.fd);
      reading.readAtMs = nowMs;
    }
  } catch (error) {
    close(reading);
    throw error;
  }
  if (isBurst) reading.closing = setTimeout(close, burstMs, reading);
  else close(reading);
  return reading.records;
}

function close(reading: Reading): void {
  held = undefined;
  native.close(reading.fd);
}

/** Whether mounts have come or gone since this was asked last, or the file was opened. */
function hasChanged(fd: number): boolean {
  return (native.poll(fd, 0, 0) & native.POLLERR) !== 0;
}

function readTable(fd: number): readonly MountRecord[] {
  let text = textAgain(fd, longestMountinfoBytes);
  for (let tries = 0; tries < 3 && hasChanged(fd); tries++) text = textAgain(fd, longestMountinfoBytes);
  return parse(text);
}

const mountinfo = "/proc/self/mountinfo";

/** More than the mounts of any machine need. */
const longestMountinfoBytes = 256 * 1024 * 1024;

function openMountinfo(): number {
  try {
    return native.open(mountinfo, native.O_RDONLY);
  } catch (error) {
    const errno = errnoOf(error) ?? "EIO";
    const hint = errno === "ENOENT" ? { hint: "mount proc on /proc in the container" } : {};
    throw new AppError(`the mount table cannot be read: ${mountinfo}: ${errno}`, exitCodes.mountFailed, hint);
  }
}

/** The counters of every NFS mount of this mount namespace, read without touching a mount. */
export function readMountstats(): readonly MountStats[] {
  return parseMountstats(readText("/proc/self/mountstats") ?? "");
}
