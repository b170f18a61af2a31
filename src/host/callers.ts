// Processes that make calls on paths for us, one after the other: what blocks there blocks nobody else. They share our memory, so that
// their start copies nothing; what is done between two calls is done here.
import * as native from "native";
import { awaitChild, isOwnChild, sendQuietly, type ChildAnswer } from "./children.ts";
import { errnoOf, messageOf } from "../errors.ts";
import { SIGKILL } from "../init/signals.ts";
import { complainOf } from "./faults.ts";

/** Calls, made elsewhere: each as the one of `native`, but for `getdents`, which gives null at the end. */
export interface Elsewhere {
  readonly mount: (...words: Parameters<typeof native.mount>) => Promise<void>;
  readonly umount2: (...words: Parameters<typeof native.umount2>) => Promise<void>;
  readonly statfs: (...words: Parameters<typeof native.statfs>) => Promise<ReturnType<typeof native.statfs>>;
  readonly stat: (...words: Parameters<typeof native.stat>) => Promise<native.Stat>;
  readonly mkdir: (...words: Parameters<typeof native.mkdir>) => Promise<void>;
  readonly rmdir: (...words: Parameters<typeof native.rmdir>) => Promise<void>;
  readonly unlink: (...words: Parameters<typeof native.unlink>) => Promise<void>;
  readonly rename: (...words: Parameters<typeof native.rename>) => Promise<void>;
  readonly open: (...words: Parameters<typeof native.open>) => Promise<number>;
  readonly close: (fd: number) => Promise<void>;
  readonly write: (fd: number, bytes: Uint8Array) => Promise<number>;
  readonly fchmod: (...words: Parameters<typeof native.fchmod>) => Promise<void>;
  readonly getdents: (fd: number) => Promise<readonly string[] | null>;
}

/** What a call that was under way ends with where its process does. */
class Gone extends Error {
  override readonly name = "Gone";
}

interface Caller {
  readonly elsewhere: Elsewhere;
  /** Ends it, whatever it does; nobody waits for it to be gone. */
  readonly stop: () => void;
  /** Settles when it is gone. */
  readonly ended: Promise<void>;
  readonly isOver: () => boolean;
}

/** A caller that was asked nothing for so long ends: calls come in bursts, at the start, at a loss and at the end. */
const idleMs = 500;

const idle: Caller[] = [];
let timer: ReturnType<typeof setTimeout> | undefined;
let leaving: Promise<unknown> = Promise.resolve();

/** Ends the callers that nobody is waiting for; settles when they are gone. */
export async function dismissCallers(): Promise<void> {
  clearTimeout(timer);
  const dismissed = idle.splice(0);
  for (const { stop } of dismissed) stop();
  // Without what it gives, which would hold what each one before has given.
  leaving = Promise.all([leaving, ...dismissed.map(({ ended }) => ended)]).then(() => {});
  await leaving;
}

/**
 * Does `work` with calls that are made by a process nobody else is waiting for. One that takes longer than `timeoutMs`, or until `signal`
 * aborts, is left behind with its process, which is killed.
 */
export async function elsewhere<T>(
  work: (at: Elsewhere) => Promise<T>,
  timeoutMs?: number,
  signal?: AbortSignal,
): Promise<ChildAnswer<T>> {
  const caller = idle.pop() ?? tryCaller();
  if ("kind" in caller) return caller;
  const answer = await workBy(caller, work, timeoutMs, signal);
  if (!caller.isOver()) rest(caller);
  return answer;
}

/** The same by a process that ends with it, for what is done now and then. */
export async function elsewhereOnce<T>(
  work: (at: Elsewhere) => Promise<T>,
  timeoutMs: number,
): Promise<ChildAnswer<T>> {
  const caller = tryCaller();
  if ("kind" in caller) return caller;
  const answer = await workBy(caller, work, timeoutMs);
  caller.stop();
  return answer;
}

async function workBy<T>(
  caller: Caller,
  work: (at: Elsewhere) => Promise<T>,
  timeoutMs?: number,
  signal?: AbortSignal,
): Promise<ChildAnswer<T>> {
  const limit = timeoutMs === undefined ? undefined : setTimeout(caller.stop, timeoutMs);
  signal?.addEventListener("abort", caller.stop, { once: true });
  if (signal?.aborted === true) caller.stop();
  try {
    return { kind: "answer", value: await work(caller.elsewhere) };
  } catch (error) {
    return outcomeOf(error);
  } finally {
    clearTimeout(limit);
    signal?.removeEventListener("abort", caller.stop);
  }
}

function outcomeOf(error: unknown): ChildAnswer<never> {
  if (error instanceof Gone) return { kind: "no-answer" };
  const errno = errnoOf(error);
  if (errno !== undefined) return { kind: "failed", errno, reason: messageOf(error) };
  void complainOf(error);
  return { kind: "no-answer" };
}

function rest(caller: Caller): void {
  idle.push(caller);
  clearTimeout(timer);
  timer = setTimeout(() => void dismissCallers(), idleMs);
}

/** A caller, or why none can be started. */
function tryCaller(): Caller | Extract<ChildAnswer<never>, { kind: "not-started" }> {
  try {
    return startCaller();
  } catch (error) {
    return { kind: "not-started", reason: messageOf(error) };
  }
}

function startCaller(): Caller {
  const { pid, answers } = native.startCaller();
  let isOver = false;
  let asked: PromiseWithResolvers<unknown> | undefined;
  const settle = (how: (one: PromiseWithResolvers<unknown>) => void): void => {
    const one = asked;
    asked = undefined;
    if (one !== undefined) how(one);
  };
  const end = (): void => {
    if (isOver) return;
    isOver = true;
    const index = idle.indexOf(caller);
    if (index !== -1) idle.splice(index, 1);
    native.unwatch(answers);
    native.closeCaller(pid);
    settle(({ reject }) => reject(new Gone()));
  };
  const ask = <T>(post: () => void): Promise<T> => {
    if (isOver) return Promise.reject(new Gone());
    asked = Promise.withResolvers<unknown>();
    const { promise } = asked;
    try {
      post();
    } catch (error) {
      // It was killed by somebody else.
      if (errnoOf(error) === "EPIPE") end();
      else settle(({ reject }) => reject(error));
    }
    return promise as Promise<T>;
  };
  native.watch(answers, native.POLLIN, () => {
    let answer: unknown;
    try {
      answer = native.takeAnswer(pid);
    } catch (error) {
      return settle(({ reject }) => reject(error));
    }
    if (answer === undefined) end();
    else settle(({ resolve }) => resolve(answer));
  });
  const caller: Caller = {
    elsewhere: {
      mount: (...words) => ask(() => native.mountBy(pid, ...words)),
      umount2: (...words) => ask(() => native.umount2By(pid, ...words)),
      statfs: (path) => ask(() => native.statfsBy(pid, path)),
      stat: (path) => ask(() => native.statBy(pid, path)),
      mkdir: (...words) => ask(() => native.mkdirBy(pid, ...words)),
      rmdir: (path) => ask(() => native.rmdirBy(pid, path)),
      unlink: (path) => ask(() => native.unlinkBy(pid, path)),
      rename: (...words) => ask(() => native.renameBy(pid, ...words)),
      open: (...words) => ask(() => native.openBy(pid, ...words)),
      close: (fd) => ask(() => native.closeBy(pid, fd)),
      write: (fd, bytes) => ask(() => native.writeBy(pid, fd, bytes)),
      fchmod: (...words) => ask(() => native.fchmodBy(pid, ...words)),
      getdents: (fd) => ask(() => native.getdentsBy(pid, fd)),
    },
    stop: () => {
      if (isOwnChild(pid)) sendQuietly(pid, SIGKILL);
      end();
    },
    ended: new Promise((resolve) => {
      awaitChild(pid, () => {
        end();
        resolve();
      });
    }),
    isOver: () => isOver,
  };
  return caller;
}
