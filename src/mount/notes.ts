// What an instance notes of its mounts for a later one, and how that one knows them: by the note, or by the guard underneath.
import { isShareMount } from "../kinds/kinds.ts";
import { topMountOn, type MountRecord } from "../shares/mountinfo.ts";
import { wyhash } from "../text/wyhash.ts";
import { isGuard } from "./guard.ts";

/** What is noted of a target before mount(2) is called. */
export interface MountNote {
  readonly target: string;
  readonly source: string;
}

const longestName = 200;

/** The name of a file that stands for a target: its path with '/' as '+', and no longer than a name may be. */
export function nameOfTarget(target: string): string {
  const name = encodeURIComponent(target).replaceAll("%2F", "+");
  if (name.length <= longestName) return name;
  return `${name.slice(0, 150)}~${wyhash(new TextEncoder().encode(target)).toString(16)}`;
}

export function formatNote(note: MountNote): string {
  return `${JSON.stringify(note)}\n`;
}

export function parseNote(text: string): MountNote | undefined {
  try {
    const note: unknown = JSON.parse(text);
    if (typeof note !== "object" || note === null || !("target" in note) || !("source" in note)) return undefined;
    const { target, source } = note;
    return typeof target === "string" && typeof source === "string" ? { target, source } : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Source by target of the mounts that this or an earlier instance made: those that are noted, and those that stand on a guard,
 * which nobody else makes.
 */
export function ownedMounts(notes: readonly MountNote[], mounts: readonly MountRecord[]): ReadonlyMap<string, string> {
  const owned = new Map(notes.map(({ target, source }) => [target, source]));
  for (const { target } of mounts.filter(isGuard)) {
    const top = topMountOn(mounts, target);
    if (top !== undefined && isShareMount(top) && isOnGuard(top, mounts)) owned.set(target, top.source);
  }
  return owned;
}

/** Whether a mount stands directly on a guard. */
function isOnGuard({ parentId, target }: MountRecord, mounts: readonly MountRecord[]): boolean {
  return mounts.some((one) => one.id === parentId && one.target === target && isGuard(one));
}
