// The volumes as a file that outlives the plugin, the daemon and the machine.
import type { Reference, Volume, Volumes } from "./registry.ts";

/** What is kept. */
export interface StoredVolumes {
  /** Of the boot in which it was written (/proc/sys/kernel/random/boot_id): of an earlier one nothing is mounted any more. */
  readonly bootId: string;
  readonly volumes: Volumes;
}

const format = 1;

/** Thousands of volumes with long options; a longer list is not read again. */
export const longestListBytes = 32 * 1024 * 1024;

/** Throws where that is longer than what is read again. */
export function formatVolumes({ bootId, volumes }: StoredVolumes): string {
  const written = [...volumes].map(([name, { options, createdMs, references }]) => ({
    name,
    options,
    createdMs,
    references: [...references].map(([id, { count, isOld }]) => ({ id, count, isOld })),
  }));
  const text = `${JSON.stringify({ format, bootId, volumes: written }, undefined, 1)}\n`;
  // A character takes three bytes at most.
  if (3 * text.length > longestListBytes) throw new Error("there are more than can be read again");
  return text;
}

/** Undefined for what was not written by `formatVolumes`: nothing of it is guessed. */
export function parseVolumes(text: string): StoredVolumes | undefined {
  let read: unknown;
  try {
    read = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!isRecord(read) || read["format"] !== format || typeof read["bootId"] !== "string") return undefined;
  const list = read["volumes"];
  if (!Array.isArray(list)) return undefined;
  const volumes = new Map<string, Volume>();
  for (const one of list) {
    const entry = readVolume(one);
    if (entry === undefined || volumes.has(entry.name)) return undefined;
    volumes.set(entry.name, entry.volume);
  }
  return { bootId: read["bootId"], volumes };
}

function readVolume(one: unknown): { readonly name: string; readonly volume: Volume } | undefined {
  if (!isRecord(one)) return undefined;
  const { name, options, createdMs, references } = one;
  if (typeof name !== "string" || typeof createdMs !== "number") return undefined;
  if (!isTexts(options) || !Array.isArray(references)) return undefined;
  const read = new Map<string, Reference>();
  for (const reference of references) {
    if (!isRecord(reference)) return undefined;
    const { id, count, isOld } = reference;
    if (typeof id !== "string" || typeof count !== "number" || typeof isOld !== "boolean") return undefined;
    if (!Number.isSafeInteger(count) || count < 1) return undefined;
    read.set(id, { count, isOld });
  }
  return { name, volume: { options, createdMs, references: read } };
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isTexts(value: unknown): value is Readonly<Record<string, string>> {
  return isRecord(value) && Object.values(value).every((one) => typeof one === "string");
}
