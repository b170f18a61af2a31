// A mount namespace of this thread's own, from which no mount reaches another one.
import { parseMountinfo } from "../fstab/mountinfo.ts";
import { isSameOrBelow } from "../fstab/target.ts";
import { errnoName } from "./errno.ts";
import { lastErrno, mount, openLibc } from "./libc.ts";
import { readText } from "./text.ts";

const CLONE_NEWNS = 0x0002_0000;
const MS_REC = 16_384;
const MS_PRIVATE = 1 << 18;

/**
 * Leaves the mount namespace that this process was started in; undefined, or why a mount on `target` would be seen outside.
 * A security profile that allows nothing but NFS forbids to make mounts private: then `target` must lie on one that is.
 */
export function enterPrivateNamespace(target: string): string | undefined {
  const { unshare } = openLibc({ unshare: { args: ["i32"], returns: "i32" } });
  if (unshare(CLONE_NEWNS) !== 0) return `unshare(2): ${errnoName(lastErrno())}`;
  const failure = mount("none", "/", null, MS_REC | MS_PRIVATE, null);
  if (failure === 0) return undefined;
  const around = parseMountinfo(readText("/proc/thread-self/mountinfo") ?? "")
    .filter((record) => isSameOrBelow(target, record.target))
    .toSorted((one, other) => one.target.length - other.target.length)
    .at(-1);
  if (around === undefined) return "its mounts cannot be read";
  const isShared = around.optional.some((field) => field.startsWith("shared:"));
  return isShared
    ? `what is mounted would be seen outside, and making it private says ${errnoName(failure)}`
    : undefined;
}
