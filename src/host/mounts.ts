// The mount table of this mount namespace.
import { mountinfoParser, type MountRecord } from "../shares/mountinfo.ts";
import * as native from "native";
import { parseMountstats, type MountStats } from "../report/mountstats.ts";
import { AppError, errnoOf, exitCodes } from "../errors.ts";
import { closing } from "./opened.ts";
import { readText, readUpTo } from "./small-files.ts";

const parse = mountinfoParser();

/**
 * The mounts of this namespace. A change between two reads of the file can hide entries (the kernel gives it page by page),
 * so it is read until two readings agree.
 */
export function readMounts(): readonly MountRecord[] {
  let text = readMountinfo();
  for (let tries = 0; tries < 3; tries++) {
    const again = readMountinfo();
    if (again === text) break;
    text = again;
  }
  return parse(text);
}

const mountinfo = "/proc/self/mountinfo";

function readMountinfo(): string {
  return closing(openMountinfo(), (fd) => native.decodeUtf8(readUpTo(fd, longestMountinfoBytes)));
}

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
