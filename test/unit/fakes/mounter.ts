// A Mounter without a kernel: a table of mounts, answers told beforehand, and a log of what was asked of it.
import type { MountRecord } from "../../../src/fstab/mountinfo.ts";
import type { HelperEnd, Look, Mounter, PathAnswer, Prepared } from "../../../src/mount/ports.ts";
import { nfsMount } from "./mounts.ts";

export interface MountCall {
  readonly source: string;
  readonly target: string;
  readonly options: readonly string[];
  readonly version: string;
}

/** How a mount call ends: `ok`, `hang` until it is killed, or mount.nfs' text. */
export type CallEnd = "ok" | "hang" | (string & {}) | HelperEnd;

export interface Answers {
  /** The mounts at first; kept as the table, so that a test can change it. */
  readonly mounts?: MountRecord[];
  readonly helper?: (call: MountCall, table: MountRecord[]) => CallEnd;
  readonly statfs?: (path: string) => PathAnswer;
  readonly umount?: (target: string, how: "plain" | "lazy" | "force") => PathAnswer;
  readonly guard?: (path: string) => PathAnswer;
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

const done: PathAnswer = { kind: "done" };

export function fakeMounter(answers: Answers = {}): FakeMounter {
  const actions: string[] = [];
  const calls: MountCall[] = [];
  const table = answers.mounts ?? [];
  return {
    actions,
    calls,
    table,
    mounts: () => [...table],
    runHelper: async (file, args, signal) => {
      const [source = "", target = "", , text = ""] = args;
      const options = text.split(",");
      const version = options.findLast((option) => option.startsWith("vers="))?.slice("vers=".length) ?? "";
      const call = { source, target, options, version };
      calls.push(call);
      actions.push(`${file === "mount.nfs" ? "mount" : file} ${version} ${source} ${target}`);
      const end = answers.helper?.(call, table) ?? "ok";
      if (typeof end !== "string") return end;
      if (end === "ok") {
        table.push(nfsMount(source, target, { fstype: version === "3" ? "nfs" : "nfs4" }));
        return { kind: "exited", exitCode: 0, stderr: "" };
      }
      if (end !== "hang") return { kind: "exited", exitCode: 32, stderr: `mount.nfs: ${end}\n` };
      await new Promise<void>((resolve) => {
        if (signal.aborted) resolve();
        else signal.addEventListener("abort", () => resolve(), { once: true });
      });
      actions.push(`kill ${version} ${source} ${target}`);
      return { kind: "killed", stderr: "" };
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
    umount: (target, how) => {
      actions.push(`umount ${how} ${target}`);
      const answer = answers.umount?.(target, how) ?? done;
      const index = table.findLastIndex((record) => record.target === target);
      if (answer.kind === "done" && index !== -1) table.splice(index, 1);
      return Promise.resolve(answer);
    },
    guard: (path) => {
      actions.push(`guard ${path}`);
      return Promise.resolve(answers.guard?.(path) ?? done);
    },
    look: (path, write) => {
      actions.push(`look ${path}${write ? " writing" : ""}`);
      return Promise.resolve(answers.look?.(path, write) ?? { kind: "answers", isWritable: true });
    },
  };
}
