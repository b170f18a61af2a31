// flock(2): who holds one is alone with what it stands for, and it is let go when its descriptor is closed.
import * as native from "native";
import { errnoOf } from "../errors.ts";
import { clock } from "./clock.ts";

/** Takes an exclusive lock without waiting; whether it was free. */
export function tryLock(fd: number): boolean {
  try {
    native.flock(fd, native.LOCK_EX | native.LOCK_NB);
    return true;
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === "EAGAIN" || errno === "EWOULDBLOCK") return false;
    throw error;
  }
}

/** Takes the lock of a file that was opened for it; where it is not free, or cannot be taken at all, the file is closed. */
export function lockOrClose(fd: number): boolean {
  let isLocked = false;
  try {
    isLocked = tryLock(fd);
    return isLocked;
  } finally {
    if (!isLocked) native.close(fd);
  }
}

const directoryLockMs = 10_000;

/** Waits for the lock on a local directory; gives the function that lets go, undefined where it cannot be had in time. */
export async function lockLocalDirectory(path: string): Promise<(() => void) | undefined> {
  const untilMs = clock.nowMs() + directoryLockMs;
  try {
    for (;;) {
      const fd = native.open(path, native.O_RDONLY | native.O_DIRECTORY);
      if (lockOrClose(fd)) return () => native.close(fd);
      if (clock.nowMs() > untilMs) return undefined;
      await clock.sleep(50);
    }
  } catch {
    return undefined;
  }
}
