// /proc/self/mountinfo as records (proc(5), kernel Documentation/filesystems/proc.rst section 3.5).
import { splitOptions } from "./options.ts";
import { isSameOrBelow } from "./paths.ts";
import { unescapeField } from "./escape.ts";

/** One mount of this mount namespace, in the order in which mounts were made. */
export interface MountRecord {
  readonly id: number;
  readonly parentId: number;
  /** `major:minor` of st_dev. */
  readonly device: string;
  /** Path within the file system that is the root of this mount. */
  readonly root: string;
  /** Path of the mount point below this process's root; ends in "//deleted" for one that was unlinked. */
  readonly target: string;
  readonly options: readonly string[];
  /** Propagation: `shared:N`, `master:N`, ... */
  readonly optional: readonly string[];
  readonly fstype: string;
  readonly source: string;
  readonly superOptions: readonly string[];
}

/** Records of a mountinfo text; a line that is none is passed over. Fields are parted by exactly one blank. */
export function parseMountinfo(text: string): readonly MountRecord[] {
  return mountinfoParser()(text);
}

/**
 * Gives a parser of texts that come one after another and differ little: a line that the text before had is not parsed again. With
 * hundreds of mounts the whole table takes milliseconds, and it is asked for at each step of each share.
 */
export function mountinfoParser(): (text: string) => readonly MountRecord[] {
  const options = optionLists();
  let parsed = "";
  let byLine: ReadonlyMap<string, MountRecord> = new Map();
  let records: readonly MountRecord[] = [];
  return (text) => {
    if (text === parsed) return records;
    const lines = new Map<string, MountRecord>();
    for (const line of text.split("\n")) {
      const record = byLine.get(line) ?? parseMountinfoLine(line, options);
      if (record !== undefined) lines.set(line, record);
    }
    [parsed, byLine, records] = [text, lines, [...lines.values()]];
    return records;
  };
}

/** More than one machine's mounts have; so many lists are kept at most. */
const mostLists = 256;

/** Gives the options of a text, the same list for the same text: hundreds of mounts of one server differ in nothing there. */
function optionLists(): (text: string) => readonly string[] {
  const lists = new Map<string, readonly string[]>();
  return (text) => {
    const list = lists.get(text) ?? splitOptions(text);
    if (lists.size >= mostLists) lists.clear();
    lists.set(text, list);
    return list;
  };
}

function parseMountinfoLine(line: string, optionsOf: (text: string) => readonly string[]): MountRecord | undefined {
  const fields = line.split(" ");
  // The optional fields end at a lone "-", which cannot stand before the seventh field.
  const dash = fields.indexOf("-", 6);
  const [id, parentId, device, root, target, options] = fields;
  const [fstype, source, superOptions] = dash === -1 ? [] : fields.slice(dash + 1);
  if (device === undefined || root === undefined || target === undefined || options === undefined) return undefined;
  if (fstype === undefined || source === undefined || superOptions === undefined) return undefined;
  const areNumbers = /^\d+ \d+ \d+:\d+$/.test(`${id} ${parentId} ${device}`);
  if (!areNumbers) return undefined;
  return {
    id: Number(id),
    parentId: Number(parentId),
    device,
    root: unescapeField(root),
    target: unescapeField(target),
    options: optionsOf(options),
    optional: fields.slice(6, dash).filter((field) => field !== ""),
    fstype: unescapeField(fstype),
    source: unescapeField(source),
    superOptions: optionsOf(superOptions),
  };
}

/** The mount that a look at `target` reaches: the one made last on that very path. */
export function topMountOn(records: readonly MountRecord[], target: string): MountRecord | undefined {
  return records.findLast((record) => record.target === target);
}

/** Whether a mount is still the one that a look at its target reaches. */
export function isOnTop({ id, target }: MountRecord, records: readonly MountRecord[]): boolean {
  return topMountOn(records, target)?.id === id;
}

/** The mount that `path` lies on: the nearest at or above it, of several there the one made last. */
export function mountAround(records: readonly MountRecord[], path: string): MountRecord | undefined {
  let around: MountRecord | undefined;
  for (const record of records) {
    if (isSameOrBelow(path, record.target) && record.target.length >= (around?.target.length ?? 0)) around = record;
  }
  return around;
}

/** Whether a mount propagates to other mount namespaces (mount_namespaces(7)). */
export function isShared(mount: MountRecord): boolean {
  return mount.optional.some((field) => field.startsWith("shared:"));
}
