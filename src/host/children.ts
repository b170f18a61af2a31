// Every child of this process: who waits for which, and work that is done in a child because it may block for ever.
import * as native from "native";
import { errnoOf, messageOf } from "../errors.ts";
import { childTable, type EndedChild } from "../init/children.ts";
import { SIGKILL } from "../init/signals.ts";
import { complainOf } from "./faults.ts";

const CLD_EXITED = 1;

const children = childTable();

/** Reaps what has ended and tells who waits for it; to be called at each SIGCHLD. */
export function reapChildren(): void {
  for (;;) {
    const status = native.waitid(0, native.WEXITED | native.WNOHANG);
    if (status === undefined) return;
    const { pid, code, status: value } = status;
    children.ended({ pid, ended: code === CLD_EXITED ? "exited" : "signalled", value });
  }
}

/** The end of a program that was just started for the user. */
export function awaitProgram(pid: number): Promise<EndedChild> {
  return new Promise((resolve) => children.await(pid, "program", resolve));
}

/** Sends a signal to a child that has not been reaped yet. */
export function sendToChild(pid: number, signal: number): void {
  if (children.isAwaited(pid)) sendQuietly(pid, signal);
}

/** Waits for the end of a helper or a worker of our own, that was just started. */
export function awaitChild(pid: number, onEnd: (child: EndedChild) => void): void {
  children.await(pid, "worker", onEnd);
}

/** Whether it is a helper or a worker of our own. */
export function isOwnChild(pid: number): boolean {
  return children.isWorker(pid);
}

/** Longest time processes that were told to end are waited for: one in a lazy unmount notices SIGKILL within a second. */
const endMs = 2_000;

/** Settles when none of our own processes is left, or after a while: one may be stuck in the kernel. */
export function noneLeft(): Promise<void> {
  return new Promise((resolve) => {
    children.onNoWorkers(resolve);
    setTimeout(resolve, endMs);
  });
}

/** SIGKILL to all of our own: nobody is left to take their answers, and one that is stuck in the kernel dies when that lets go. */
export function killOwnChildren(): void {
  for (const pid of children.workers()) sendQuietly(pid, SIGKILL);
}

/** kill(2), where a process that is gone is no failure; whether it was sent. */
export function sendQuietly(pid: number, signal: number): boolean {
  try {
    native.kill(pid, signal);
    return true;
  } catch {
    return false;
  }
}

/** A child that works for us. */
export interface Child<T> {
  /** What it tells next; undefined where it ends without. */
  readonly next: () => Promise<T | undefined>;
  /** Ends it, whatever it does, and takes no more of its answers; nobody waits for it to be gone. */
  readonly stop: () => void;
  /** Settles when it is gone. */
  readonly ended: Promise<void>;
}

/**
 * Does `work` in a child, a copy of this process without its descriptors but those of `keep`: what blocks there blocks nobody. It answers by
 * `tell`, with values that JSON knows. Throws where no process can be started.
 */
export function startChild<T>(work: (tell: (value: T) => void) => void, keep: readonly number[] = []): Child<T> {
  const { readEnd, writeEnd } = native.pipe(0);
  let pid: number;
  try {
    const tell = (value: T) => writeAll(writeEnd, lineOf(value));
    pid = native.fork(() => {
      try {
        work(tell);
      } catch (error) {
        // Its stderr is closed, and its number may be another file's by now.
        writeAll(writeEnd, native.encodeLatin1(faultMark));
        writeAll(writeEnd, lineOf(stackOf(error)));
      }
    }, [writeEnd, ...keep]);
  } catch (error) {
    native.close(readEnd);
    throw error;
  } finally {
    native.close(writeEnd);
  }
  let pending = "";
  let isOver = false;
  const told: T[] = [];
  const waiting: ((value: T | undefined) => void)[] = [];
  const end = () => {
    if (isOver) return;
    isOver = true;
    native.unwatch(readEnd);
    native.close(readEnd);
    for (const settle of waiting.splice(0)) settle(undefined);
  };
  // Its pipe ends with it, and may be read to the end after it.
  const ended = new Promise<void>((resolve) => awaitChild(pid, () => resolve()));
  native.watch(readEnd, native.POLLIN, () => {
    const bytes = native.read(readEnd, chunkBytes);
    if (bytes.byteLength === 0) return end();
    const lines = (pending + native.decodeLatin1(bytes)).split("\n");
    pending = lines.pop() ?? "";
    for (const line of lines) {
      if (line.startsWith(faultMark)) {
        void complainOf(new Error(`in a child: ${JSON.parse(line.slice(1)) as string}`));
        continue;
      }
      const value = JSON.parse(line) as T;
      const settle = waiting.shift();
      if (settle === undefined) told.push(value);
      else settle(value);
    }
  });
  return {
    next: () =>
      new Promise((resolve) => {
        if (told.length > 0) resolve(told.shift());
        else if (isOver) resolve(undefined);
        else waiting.push(resolve);
      }),
    stop: () => {
      if (isOwnChild(pid)) sendQuietly(pid, SIGKILL);
      end();
    },
    ended,
  };
}

/** A line of JSON without a byte above 127: it may come in pieces, wherever they are parted. */
export function lineOf(value: unknown): Uint8Array {
  const escape = (one: string) => `\\u${one.charCodeAt(0).toString(16).padStart(4, "0")}`;
  return native.encodeLatin1(`${JSON.stringify(value).replaceAll(/[\u0080-\uffff]/g, escape)}\n`);
}

/** Begins the line of a child that has met a fault of ours; no JSON begins so. */
const faultMark = "!";

function stackOf(error: unknown): string {
  return error instanceof Error ? `${error.message}\n${error.stack ?? ""}` : String(error);
}

const chunkBytes = 65_536;

/** Writes all of it to a descriptor that blocks. */
export function writeAll(fd: number, bytes: Uint8Array): void {
  for (let offset = 0; offset < bytes.byteLength;) offset += native.write(fd, bytes.subarray(offset));
}

/** What came of work in a child. */
export type ChildAnswer<T> =
  | { readonly kind: "answer"; readonly value: T }
  /** A system call in it failed. */
  | { readonly kind: "failed"; readonly errno: string; readonly reason: string }
  /** None in time, or it was stopped or killed. */
  | { readonly kind: "no-answer" }
  | NotStarted;

/** No process could be started, and why. */
export interface NotStarted {
  readonly kind: "not-started";
  readonly reason: string;
}

/** How work in a child ended by itself. */
export type Outcome<T> = Extract<ChildAnswer<T>, { kind: "answer" | "failed" }>;

/** The result of `work` done in a child that is killed after `timeoutMs`, or when `signal` aborts, and waited for by nobody. */
export async function inChild<T>(
  work: () => T,
  timeoutMs: number | undefined,
  signal?: AbortSignal,
): Promise<ChildAnswer<T>> {
  const started = tryChild<Outcome<T>>((tell) => tell(outcomeOf(work)));
  if (started.kind === "not-started") return started;
  const { child } = started;
  const timer = timeoutMs === undefined ? undefined : setTimeout(child.stop, timeoutMs);
  signal?.addEventListener("abort", child.stop, { once: true });
  if (signal?.aborted === true) child.stop();
  const answer = await child.next();
  clearTimeout(timer);
  signal?.removeEventListener("abort", child.stop);
  child.stop();
  return answer ?? { kind: "no-answer" };
}

/** A child, or why none can be started. */
export function tryChild<T>(
  work: (tell: (value: T) => void) => void,
): { readonly kind: "started"; readonly child: Child<T> } | NotStarted {
  try {
    return { kind: "started", child: startChild(work) };
  } catch (error) {
    return { kind: "not-started", reason: messageOf(error) };
  }
}

/** The result of something that may fail by a system call. */
export function outcomeOf<T>(work: () => T): Outcome<T> {
  try {
    return { kind: "answer", value: work() };
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === undefined) throw error;
    return { kind: "failed", errno, reason: error instanceof Error ? error.message : errno };
  }
}
