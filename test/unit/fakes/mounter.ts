// A Mounter without a kernel: a table of mounts, answers told beforehand, and a log of what was asked of it.
import type { MountRecord } from "../../../src/shares/mountinfo.ts";
import type { HelperEnd, Look, Mounter, OptionsRead, PathAnswer, Prepared } from "../../../src/mount/ports.ts";
import type { AsidePorts } from "../../../src/mount/attempt-ports.ts";
import { asideSource } from "../../../src/mount/aside.ts";
import { localMount, nfsMount } from "./mounts.ts";

export interface MountCall {
  readonly by: "mount(2)" | "mount.nfs";
  readonly source: string;
  readonly target: string;
  readonly options: readonly string[];
  readonly version: string;
  /** Of mount(2) alone. */
  readonly fstype?: string;
  readonly flags?: number;
}

/**
 * How a mount call ends, whoever is asked: `ok`, `hang` until it is killed, mount.nfs' text or the name of an errno. A
 * HelperEnd leaves the table as it is; of mount(2) an exit code of 0 is the only one that means anything.
 */
export type CallEnd = "ok" | "hang" | (string & {}) | HelperEnd;

export interface Answers {
  /** The mounts at first; kept as the table, so that a test can change it. */
  readonly mounts?: MountRecord[];
  readonly helper?: (call: MountCall, table: MountRecord[]) => CallEnd;
  readonly readOptions?: (words: readonly string[]) => OptionsRead;
  readonly statfs?: (path: string) => PathAnswer;
  readonly umount?: (target: string, how: "plain" | "lazy" | "force") => PathAnswer;
  readonly umountHere?: (target: string, how: "plain" | "lazy") => PathAnswer;
  readonly guard?: (path: string) => PathAnswer;
  readonly makeAside?: (path: string) => PathAnswer;
  readonly move?: (from: string, to: string) => PathAnswer;
  readonly look?: (path: string, write: boolean) => Look;
  readonly prepare?: (target: string, below: string | undefined) => Prepared;
}

export interface FakeMounter extends Mounter {
  /** What was asked, in order: `mount 4.2 nas:/export /mnt/data`, `statfs /mnt/data`, `umount lazy /mnt/data`, ... */
  readonly actions: string[];
  /** Options of each mount call. */
  readonly calls: MountCall[];
  /** The mounts there are; a test may change it. */
  readonly table: MountRecord[];
}

/** What mount(2) says where mount.nfs has these words (nfs-utils utils/mount/error.c, strerror(3)). */
const errnos: readonly (readonly [RegExp, string])[] = [
  [/^Connection refused$/, "ECONNREFUSED"],
  [/^access denied by server while mounting /, "EACCES"],
  [/^mounting .* failed, reason given by server: No such file or directory$/, "ENOENT"],
  [/^Operation not permitted$/, "EPERM"],
  [/^No such device$/, "ENODEV"],
  [/^Protocol not supported$/, "EPROTONOSUPPORT"],
  [/^requested NFS version or transport protocol is not supported$/, "EOPNOTSUPP"],
  [/^an incorrect mount option was specified$/, "EINVAL"],
  [/^(?:mount spec .* or point|mount point) .* is not a directory$/, "ENOTDIR"],
  [/ is busy or already mounted/, "EBUSY"],
];

/** The errno for mount.nfs' text; throws where mount(2) has none, so that no test is right by an errno that does not exist. */
function errnoFor(text: string): string {
  if (/^E[A-Z0-9]+$/.test(text)) return text;
  const found = errnos.find(([words]) => words.test(text))?.[1];
  if (found === undefined) throw new Error(`mount(2) has no errno for: ${text}`);
  return found;
}

const done: PathAnswer = { kind: "done" };

export function fakeMounter(answers: Answers = {}): FakeMounter {
  const actions: string[] = [];
  const calls: MountCall[] = [];
  const table = answers.mounts ?? [];
  /** A call, by the helper or by mount(2) itself. */
  const called = async (
    file: string,
    text: string,
    asked: Omit<MountCall, "options" | "version">,
    signal: AbortSignal,
  ): Promise<CallEnd> => {
    const { source, target } = asked;
    const options = text.split(",");
    const version = options.findLast((option) => option.startsWith("vers="))?.slice("vers=".length) ?? "";
    const call: MountCall = { ...asked, options, version };
    calls.push(call);
    actions.push(`${file} ${version} ${source} ${target}`);
    const end = answers.helper?.(call, table) ?? "ok";
    if (end === "ok") table.push(nfsMount(source, target, { fstype: version === "3" ? "nfs" : "nfs4" }));
    if (end !== "hang") return end;
    await new Promise<void>((resolve) => {
      if (signal.aborted) resolve();
      else signal.addEventListener("abort", () => resolve(), { once: true });
    });
    actions.push(`kill ${version} ${source} ${target}`);
    return end;
  };
  const unmounted = (target: string, answer: PathAnswer): PathAnswer => {
    const index = table.findLastIndex((record) => record.target === target);
    if (answer.kind === "done" && index !== -1) table.splice(index, 1);
    return answer;
  };
  return {
    actions,
    calls,
    table,
    mounts: () => [...table],
    runHelper: async (file, args, signal) => {
      const [source = "", target = ""] = args;
      const text = args.at(-1) ?? "";
      const end = await called(
        file === "mount.nfs" ? "mount" : file,
        text,
        { by: "mount.nfs", source, target },
        signal,
      );
      if (typeof end !== "string") return end;
      if (end === "ok") return { kind: "exited", exitCode: 0, stderr: "" };
      if (end === "hang") return { kind: "killed", stderr: "" };
      return { kind: "exited", exitCode: 32, stderr: `mount.nfs: ${end}\n` };
    },
    mount: async ({ data, ...asked }, signal) => {
      const end = await called("mount", data, { by: "mount(2)", ...asked }, signal);
      if (end === "ok") return done;
      if (end === "hang") return { kind: "no-answer" };
      if (typeof end === "string") return { kind: "failed", errno: errnoFor(end) };
      if (end.kind === "exited" && end.exitCode === 0) return done;
      throw new Error(`mount(2) does not end as a helper does: ${JSON.stringify(end)}`);
    },
    readOptions: (_, words) => {
      actions.push(`read ${words.join(",")}`);
      return Promise.resolve(answers.readOptions?.(words) ?? { kind: "unknown" });
    },
    statfs: (path) => {
      actions.push(`statfs ${path}`);
      return Promise.resolve(answers.statfs?.(path) ?? done);
    },
    prepare: (target, below) => {
      actions.push(below === undefined ? `prepare ${target}` : `prepare ${target} below ${below}`);
      const release = () => {
        actions.push(`release ${target}`);
      };
      return Promise.resolve(
        answers.prepare?.(target, below) ?? { kind: "prepared", path: target, isEmpty: true, release },
      );
    },
    hold: (path) => {
      actions.push(`hold ${path}`);
      return Promise.resolve(async () => {
        actions.push(`let go of ${path}`);
      });
    },
    umount: (target, how) => {
      actions.push(`umount ${how} ${target}`);
      return Promise.resolve(unmounted(target, answers.umount?.(target, how) ?? done));
    },
    umountHere: (target, how) => {
      actions.push(`umount ${how} here ${target}`);
      return unmounted(target, answers.umountHere?.(target, how) ?? done);
    },
    guard: (path) => {
      actions.push(`guard ${path}`);
      return Promise.resolve(answers.guard?.(path) ?? done);
    },
    makeAside: (path) => {
      actions.push(`make aside ${path}`);
      const answer = answers.makeAside?.(path) ?? done;
      if (answer.kind === "done") table.push(localMount(path, { fstype: "tmpfs", source: asideSource }));
      return Promise.resolve(answer);
    },
    removeAside: (path) => {
      actions.push(`remove aside ${path}`);
      return Promise.resolve(done);
    },
    keep: (target, path) => {
      actions.push(`keep ${target} ${path}`);
      const there = table.findLast((record) => record.target === target);
      if (there !== undefined) table.push({ ...there, id: there.id + 1_000, target: path });
      return Promise.resolve(done);
    },
    bind: (from, to) => {
      actions.push(`bind ${from} ${to}`);
      return Promise.resolve(done);
    },
    move: (from, to) => {
      actions.push(`move ${from} ${to}`);
      const answer = answers.move?.(from, to) ?? done;
      // Everything below it comes along.
      const top = table.findLastIndex((record) => record.target === from);
      if (answer.kind === "done") {
        for (const [index, record] of table.entries()) {
          const isMoved = index === top || record.target.startsWith(`${from}/`);
          if (isMoved) table[index] = { ...record, target: `${to}${record.target.slice(from.length)}` };
        }
      }
      return Promise.resolve(answer);
    },
    look: (path, write) => {
      actions.push(`look ${path}${write ? " writing" : ""}`);
      return Promise.resolve(answers.look?.(path, write) ?? { kind: "answers", isWritable: true });
    },
  };
}

/** Nothing is put together aside. */
export const nothingAside: AsidePorts = {
  open: () => Promise.resolve(undefined),
  guardBelow: () => Promise.resolve(undefined),
  refuse: () => {},
  close: () => Promise.resolve(),
};
