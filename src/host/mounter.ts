// Mounting on this machine: each call on a path runs in a child that is killed when it takes too long.
import * as native from "native";
import type { Identity } from "../init/identity.ts";
import type { WriteAccess } from "../lifecycle/writable.ts";
import { batchedLooks } from "../mount/looks.ts";
import type { Mounter, NoAnswer, PathAnswer, Prepared } from "../mount/ports.ts";
import { turnstile } from "../mount/turnstile.ts";
import { clock } from "./clock.ts";
import { dismissCallers, elsewhere, type Elsewhere } from "./callers.ts";
import { inChild, killOwnChildren, noneLeft, outcomeOf, startChild, tryChild, type ChildAnswer } from "./children.ts";
import { readOptions } from "./fsconfig.ts";
import { runHelper } from "./helper.ts";
import { readMounts } from "./mounts.ts";
import { wholeMountText } from "./mount-secrets.ts";
import { keep, makeAside, mountGuard, prepareLocal } from "./path-calls.ts";
import * as share from "./share-calls.ts";

export interface Workers {
  readonly mounter: Mounter;
  /** Whether `identity` may write to a directory; asked in a child that becomes it. */
  readonly writeAccess: (path: string, identity: Identity | undefined, timeoutMs: number) => Promise<WriteAccess>;
  /** Ends the children that nobody is waiting for; settles when they are gone. */
  readonly dismiss: () => Promise<void>;
  /** Ends all children that are asked something: nobody is left to take the answer. */
  readonly stopAll: () => void;
  /** Settles when no process of our own is left, or soon after. */
  readonly ended: () => Promise<void>;
}

/** How long a request goes on before the next one begins beside it: what takes longer waits for a server. */
const patienceMs = 250;

export function createWorkers(): Workers {
  const enter = turnstile(clock, Math.min(4, Math.max(2, native.processorCount())));
  /** Few begin side by side, and one that waits for a server holds up no other. */
  const inTurn = async <T>(ask: () => Promise<T>): Promise<T> => {
    const turn = await enter();
    turn.leaveAfter(patienceMs);
    const answer = await ask();
    turn.leave();
    return answer;
  };
  const call = async (
    work: (at: Elsewhere) => Promise<unknown>,
    timeoutMs?: number,
    signal?: AbortSignal,
  ): Promise<PathAnswer> => pathAnswer(await inTurn(() => elsewhere(work, timeoutMs, signal)));
  const mounter: Mounter = {
    mounts: readMounts,
    runHelper,
    hold,
    prepare: async (target, below, timeoutMs) => {
      if (below !== undefined) return prepareBelow(target, below, timeoutMs);
      const answer = await inTurn(() => elsewhere((at) => prepareLocal(at, target), timeoutMs));
      if (answer.kind === "answer") return preparedOf(answer.value, () => {});
      return answer.kind === "failed" ? { kind: "no-answer" } : noAnswer(answer);
    },
    mount: async ({ target, ...asked }, signal) => {
      const text = wholeMountText(asked);
      if (text === undefined) return { kind: "failed", errno: asked.secretsFile?.lack ?? "" };
      return call((at) => at.mount(asked.source, target, asked.fstype, asked.flags, text), undefined, signal);
    },
    readOptions: async ({ fstype, source }, words, timeoutMs) => {
      const answer = await inTurn(() => inChild(() => readOptions(fstype, source, words), timeoutMs));
      return answer.kind === "answer" ? answer.value : { kind: "unknown" };
    },
    statfs: (path, timeoutMs) => call((at) => at.statfs(path), timeoutMs),
    guard: (path, timeoutMs) => call((at) => mountGuard(at, path), timeoutMs),
    makeAside: (path, timeoutMs) => call((at) => makeAside(at, path), timeoutMs),
    removeAside: (path, timeoutMs) => call((at) => at.rmdir(path), timeoutMs),
    keep: (target, path, timeoutMs) => call((at) => keep(at, target, path), timeoutMs),
    bind: (from, to, timeoutMs) => call((at) => at.mount(from, to, null, native.MS_BIND, null), timeoutMs),
    move: (from, to, timeoutMs) => call((at) => at.mount(from, to, null, native.MS_MOVE, null), timeoutMs),
    umount: (target, how, timeoutMs) => call((at) => at.umount2(target, umountFlags[how]), timeoutMs),
    // UMOUNT_NOFOLLOW and the lookup of a mount point ask no server for the mount's own root (but for Linux 5.7 to 5.11).
    umountHere: (target, how) => pathAnswer(outcomeOf(() => native.umount2(target, umountFlags[how]))),
    look: lookTogether(),
  };
  return {
    mounter,
    writeAccess: async (path, identity, timeoutMs) => {
      const answer = await inTurn(() => inChild(() => share.writeAccess(path, identity), timeoutMs));
      switch (answer.kind) {
        case "answer":
          return answer.value;
        case "failed":
          return { kind: "failed", reason: answer.reason };
        default:
          return noAnswer(answer);
      }
    },
    dismiss: dismissCallers,
    stopAll: () => {
      void dismissCallers();
      killOwnChildren();
    },
    ended: noneLeft,
  };
}

function pathAnswer(answer: ChildAnswer<unknown>): PathAnswer {
  switch (answer.kind) {
    case "answer":
      return { kind: "done" };
    case "failed":
      return { kind: "failed", errno: answer.errno };
    default:
      return noAnswer(answer);
  }
}

function noAnswer(answer: Exclude<ChildAnswer<unknown>, { kind: "answer" | "failed" }>): NoAnswer {
  return answer.kind === "not-started" ? { kind: "no-answer", notStarted: answer.reason } : answer;
}

const umountFlags = {
  plain: native.UMOUNT_NOFOLLOW,
  lazy: native.UMOUNT_NOFOLLOW | native.MNT_DETACH,
  force: native.UMOUNT_NOFOLLOW | native.MNT_FORCE,
} as const;

function lookTogether(): Mounter["look"] {
  const look = batchedLooks(clock, (requests) =>
    startChild((tell) => {
      for (const { path, write } of requests) tell(share.look(path, write));
    }),
  );
  return (path, write, timeoutMs) => look({ path, write }, timeoutMs);
}

/** A mount point on a share is held open by a child of its own until it is released. */
async function prepareBelow(target: string, below: string, timeoutMs: number): Promise<Prepared> {
  const started = tryChild<share.Ready>((tell) => {
    const ready = share.prepareBelow(target, below);
    tell(ready);
    if (ready.kind === "prepared") share.stay();
  });
  if (started.kind === "not-started") return noAnswer(started);
  const { child } = started;
  const timer = setTimeout(child.stop, timeoutMs);
  const ready = await child.next();
  clearTimeout(timer);
  if (ready?.kind !== "prepared") child.stop();
  return ready === undefined ? { kind: "no-answer" } : preparedOf(ready, child.stop);
}

function preparedOf(ready: share.Ready, release: () => void): Prepared {
  return ready.kind === "prepared" ? { ...ready, release } : ready;
}

async function hold(path: string, timeoutMs: number): Promise<() => Promise<void>> {
  const started = tryChild<true>((tell) => {
    share.hold(path);
    tell(true);
    share.stay();
  });
  if (started.kind === "not-started") return async () => {};
  const { child } = started;
  const timer = setTimeout(child.stop, timeoutMs);
  await child.next();
  clearTimeout(timer);
  return async () => {
    child.stop();
    await child.ended;
  };
}
