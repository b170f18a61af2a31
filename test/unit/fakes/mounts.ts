// Mount records as the tests need them.
import type { MountRecord } from "../../../src/shares/mountinfo.ts";

let lastId = 100;

/** A mount of a local file system on `target`. */
export function localMount(target: string, changes: Partial<MountRecord> = {}): MountRecord {
  lastId += 1;
  return {
    id: lastId,
    parentId: 1,
    device: "0:50",
    root: "/",
    target,
    options: ["rw", "relatime"],
    optional: [],
    fstype: "ext4",
    source: "/dev/sda1",
    superOptions: ["rw"],
    ...changes,
  };
}

/** A mounted share. */
export function nfsMount(source: string, target: string, changes: Partial<MountRecord> = {}): MountRecord {
  const superOptions = ["rw", "vers=4.2", "hard", "addr=192.0.2.1"];
  return localMount(target, { fstype: "nfs4", source, superOptions, ...changes });
}
