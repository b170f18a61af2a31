// Disks by their label or number, read from their first blocks: a container has no udev to ask.
import * as native from "native";
import { volumeOf, type Volume } from "../export/volume.ts";
import type { Device } from "../config/export-values.ts";
import type { FoundDevice } from "../lifecycle/export-directories.ts";
import { closing } from "./opened.ts";
import { readText } from "./small-files.ts";

/** More than the first block of any file system that is known lies in. */
const headBytes = 0x1_0000 + 0x1000;

/** Opens disks, which may hang: only in a child. */
export function findDevice(device: Device): FoundDevice | undefined {
  const paths = device.kind === "path" ? [device.value] : partitions();
  for (const source of paths) {
    const volume = read(source);
    if (volume === undefined) continue;
    if (device.kind === "path" || matches(device, volume)) return { source, fstype: volume.fstype };
  }
  return undefined;
}

function matches({ kind, value }: Device, { label, uuid }: Volume): boolean {
  return kind === "label" ? label === value : uuid.toLowerCase() === value.toLowerCase();
}

/** Block devices of /proc/partitions that /dev has. */
function partitions(): readonly string[] {
  return (readText("/proc/partitions") ?? "").split("\n").flatMap((line) => {
    const [, , , name] = line.trim().split(/\s+/);
    return name === undefined || name === "name" ? [] : [`/dev/${name.replaceAll("!", "/")}`];
  });
}

function read(path: string): Volume | undefined {
  try {
    return closing(native.open(path, native.O_RDONLY | native.O_NONBLOCK), (fd) =>
      volumeOf(native.read(fd, headBytes, 0)),
    );
  } catch {
    return undefined;
  }
}
