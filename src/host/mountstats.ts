// The counters of the NFS client, read without touching a mount.
import { parseMountstats, type MountStats } from "../report/mountstats.ts";
import { readText } from "./text.ts";

/** The counters of every NFS mount of this mount namespace. */
export function readMountstats(): readonly MountStats[] {
  return parseMountstats(readText("/proc/self/mountstats") ?? "");
}
