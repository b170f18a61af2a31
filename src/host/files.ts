// Local files: the mount table, a directory's lock, the termination log. Nothing here may be called on a path of a share.
import { closeSync, constants, fstatSync, ftruncateSync, openSync, readFileSync, writeSync } from "node:fs";
import { printable } from "../printable.ts";
import { parseMountinfo, type MountRecord } from "../fstab/mountinfo.ts";
import { clock } from "./clock.ts";
import { tryLock } from "./libc.ts";

const mountinfoPath = "/proc/self/mountinfo";

/**
 * The mounts of this namespace. A change between two reads of the file can hide entries (the kernel gives it page by page),
 * so it is read until two readings agree.
 */
export function readMounts(): readonly MountRecord[] {
  let text = readFileSync(mountinfoPath, "utf8");
  for (let tries = 0; tries < 3; tries++) {
    const again = readFileSync(mountinfoPath, "utf8");
    if (again === text) break;
    text = again;
  }
  return parseMountinfo(text);
}

const directoryLockMs = 10_000;

/** Waits for the flock(2) on a local directory; gives the function that lets go, undefined where it cannot be had in time. */
export async function lockLocalDirectory(path: string): Promise<(() => void) | undefined> {
  const untilMs = clock.nowMs() + directoryLockMs;
  try {
    const fd = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY);
    while (!tryLock(fd)) {
      if (clock.nowMs() > untilMs) {
        closeSync(fd);
        return undefined;
      }
      await clock.sleep(50);
    }
    return () => closeSync(fd);
  } catch {
    return undefined;
  }
}

const terminationLog = "/dev/termination-log";

/** Leaves the reason of the end where Kubernetes reads it, if that file exists. */
export function writeTerminationLog(reason: string): void {
  try {
    // Whoever made a FIFO of it must not hold up the exit.
    const fd = openSync(terminationLog, constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
    try {
      if (!fstatSync(fd).isFile()) return;
      ftruncateSync(fd, 0);
      writeSync(fd, `${printable(reason)}\n`);
    } finally {
      closeSync(fd);
    }
  } catch {
    // Only Kubernetes makes this file.
  }
}
