// Who has a volume, by the mount tables of containers and services.
import { expect, test } from "vitest";
import { isHeld } from "../../../src/volumes/holders.ts";
import type { MountRecord } from "../../../src/shares/mountinfo.ts";
import { localMount, nfsMount } from "../fakes/mounts.ts";

const target = "/var/lib/nfs-init/volumes/data";
const share = { device: "0:54", root: "/exports/data" };
const mount = nfsMount("nas:/exports/data", target, share);
const elsewhere = nfsMount("nas:/exports/data", "/mnt/by-hand", share);
const own = [localMount("/"), mount, elsewhere];

const held = (other: MountRecord) => isHeld(mount, own, [[localMount("/")], [localMount("/"), other]]);

test.each([
  ["a container that has it on a path of its own", nfsMount("nas:/exports/data", "/data", share)],
  ["one that has a directory of it", nfsMount("nas:/x", "/data", { ...share, root: "/exports/data/sub" })],
])("it is held by %s", (_, other) => expect(held(other)).toBe(true));

test.each([
  ["a service with a copy of the machine's table", nfsMount("nas:/exports/data", target, share)],
  ["a container that sees all of the machine", nfsMount("nas:/exports/data", `/host${target}`, share)],
  ["one with another volume of the same server", nfsMount("nas:/x", "/data", { ...share, root: "/exports/database" })],
  ["one with another file system", nfsMount("nas:/y", "/data", { ...share, device: "0:55" })],
  ["a process of the machine with another root", elsewhere],
])("it is not held by %s", (_, other) => expect(held(other)).toBe(false));
