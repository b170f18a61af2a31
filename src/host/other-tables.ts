// The mount tables of other processes of this machine.
import * as native from "native";
import { parseMountinfo, type MountRecord } from "../shares/mountinfo.ts";
import { listDirectory, readText } from "./small-files.ts";

/** One for each mount namespace (and each root) but our own; undefined for the first process of a container, which sees no other. */
export function readOtherTables(): readonly (readonly MountRecord[])[] | undefined {
  if (native.getpid() === 1) return undefined;
  const texts = new Set<string>();
  for (const name of listDirectory("/proc")) {
    // One that ends meanwhile has no table.
    const text = /^\d+$/.test(name) ? readText(`/proc/${name}/mountinfo`) : undefined;
    if (text !== undefined) texts.add(text);
  }
  texts.delete(readText("/proc/self/mountinfo") ?? "");
  return [...texts].map(parseMountinfo);
}
