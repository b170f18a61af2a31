// Processes of nfs-init's own: mount helpers and workers. COMMAND is not among them, see init/.
import { spawn, type ChildProcess } from "node:child_process";
import { messageOf } from "../errors.ts";
import type { Identity } from "../init/identity.ts";
import type { WriteAccess } from "../lifecycle/writable.ts";
import type { HelperEnd, Look, Mounter, PathAnswer, Prepared } from "../mount/ports.ts";
import { readMounts } from "./files.ts";
import { batchedLooks } from "./looks.ts";
import { turnstile } from "./turnstile.ts";
import { workerArgument, workerReady } from "./worker-argument.ts";
import type { WorkerReply, WorkerRequest } from "./worker.ts";

const runtimeChildren = new Set<number>();

/** Whether the runtime started this child and will reap it by itself. */
export function isRuntimeChild(pid: number): boolean {
  return runtimeChildren.has(pid);
}

interface Ending {
  readonly pid?: number | undefined;
  once(event: "exit", listener: (code: number | null) => void): unknown;
}

function track(child: Ending): void {
  const { pid } = child;
  if (pid === undefined) return;
  runtimeChildren.add(pid);
  child.once("exit", () => {
    runtimeChildren.delete(pid);
    if (runtimeChildren.size === 0) onNoneLeft?.();
  });
}

let onNoneLeft: (() => void) | undefined;
/** Longest time processes that were told to end are waited for: one in a lazy unmount notices SIGKILL within a second. */
const endMs = 2_000;

/** Settles when none of our own processes is left, or after a while: one may be stuck in the kernel. */
function noneLeft(): Promise<void> {
  return new Promise((resolve) => {
    if (runtimeChildren.size === 0) return resolve();
    onNoneLeft = resolve;
    setTimeout(resolve, endMs).unref();
  });
}

/** Where helpers are looked up besides PATH: mount.nfs lies in /sbin, which a service's PATH may lack. */
const helperPath = `${process.env["PATH"] ?? "/usr/local/bin:/usr/bin:/bin"}:/usr/local/sbin:/usr/sbin:/sbin`;

/** Longest text of a helper that is kept. */
const longestTextBytes = 8_192;

/** From SIGTERM to SIGKILL for a helper that ran out of time. */
const killedMs = 500;

/** Runs a helper with its messages in English. `signal` kills it, and it is not waited for then. */
export async function runHelper(file: string, args: readonly string[], signal: AbortSignal): Promise<HelperEnd> {
  let stderr = "";
  let child: ChildProcess;
  try {
    child = spawn(file, args, {
      cwd: "/",
      env: { ...process.env, LC_ALL: "C", PATH: helperPath },
      stdio: ["ignore", "ignore", "pipe"],
    });
  } catch (error) {
    // Of some errors, ENOMEM among them, the runtime does not tell by an event.
    return { kind: "not-started", reason: notStarted(error) };
  }
  track(child);
  child.stderr?.setEncoding("utf8").on("data", (chunk: string) => {
    if (stderr.length < longestTextBytes) stderr += chunk;
  });
  return new Promise((resolve) => {
    const kill = () => {
      // SIGTERM ends a blocked mount.nfs; SIGKILL ends what ignores it. A helper may outlive both in the kernel for a while,
      // so it is waited for only a moment: long enough for a mount that was just made to show.
      const settle = () => resolve({ kind: "killed", stderr });
      child.once("exit", settle);
      child.kill("SIGTERM");
      setTimeout(() => {
        child.kill("SIGKILL");
        settle();
      }, killedMs);
    };
    if (signal.aborted) return kill();
    signal.addEventListener("abort", kill, { once: true });
    // Its pipe may stay open in a grandchild: once the helper itself has ended, its text is waited for a moment only.
    child.once("exit", (code) => {
      signal.removeEventListener("abort", kill);
      const settle = () => resolve({ kind: "exited", exitCode: code ?? 1, stderr });
      if (code === 0) return settle();
      child.once("close", settle);
      setTimeout(settle, 100);
    });
    child.once("error", (error) => resolve({ kind: "not-started", reason: notStarted(error) }));
  });
}

/** Longest time modprobe is waited for. */
const modprobeMs = 10_000;

/** Loads the NFS client's modules where the host's are to be seen; that they are not there is no failure. */
export async function loadModules(): Promise<void> {
  await runHelper("modprobe", ["-a", "nfs", "nfsv3", "nfsv4"], AbortSignal.timeout(modprobeMs));
}

function notStarted(error: unknown): string {
  return error instanceof Error && "code" in error && error.code === "ENOENT" ? "not found" : messageOf(error);
}

/** A worker process; see worker.ts. */
export interface Worker {
  readonly isAlive: () => boolean;
  /** Why it could not start, a clause; undefined while it may, and once it has. */
  readonly failure: () => string | undefined;
  /** How long it took to start, in milliseconds, once it has; undefined where it could not. */
  readonly started: Promise<number | undefined>;
  /**
   * The reply; undefined where none came in time, or the worker was stopped. The time runs from when the worker does, for an
   * unmount from now on. It answers in the order of the questions; one that has let a question wait too long must be stopped.
   */
  readonly ask: (request: WorkerRequest, timeoutMs?: number) => Promise<WorkerReply | undefined>;
  readonly stop: () => void;
}

/** A worker that has not started by then never will. */
const longestStartMs = 120_000;

/** One that could not be started: no process is free, no descriptor, or no memory for one. `reason` tells why, sooner or later. */
function noWorker(reason: Promise<string>): Worker {
  let failure: string | undefined;
  const started = reason.then((why) => {
    failure = why;
    return undefined;
  });
  return { started, failure: () => failure, isAlive: () => false, ask: () => started, stop: () => {} };
}

/** Starts a worker that nobody else asks. */
export function startWorker(): Worker {
  const startedMs = performance.now();
  let child: ChildProcess;
  try {
    child = spawn("/proc/self/exe", [workerArgument], { cwd: "/", env: {}, stdio: ["pipe", "pipe", "ignore"] });
  } catch (error) {
    // Of some errors, ENOMEM among them, the runtime does not tell by an event.
    return noWorker(Promise.resolve(messageOf(error)));
  }
  if (child.pid === undefined) {
    return noWorker(new Promise((resolve) => void child.on("error", (error) => resolve(messageOf(error)))));
  }
  track(child);
  let pending = "";
  /** Who waits for a reply, in the order of the questions. */
  let asking: ((reply: WorkerReply | undefined) => void)[] = [];
  const { promise: started, resolve: tellStarted } = Promise.withResolvers<number | undefined>();
  let failure: string | undefined = "it has not started yet";
  const end = () => {
    clearTimeout(starting);
    tellStarted(undefined);
    const unanswered = asking;
    asking = [];
    for (const settle of unanswered) settle(undefined);
  };
  const starting = setTimeout(() => {
    child.kill("SIGKILL");
    // Where its start is stuck in the kernel not even that ends it.
    end();
  }, longestStartMs);
  starting.unref();
  child.on("error", (error) => {
    failure &&= messageOf(error);
    end();
  });
  // Where no descriptor was free there is none of them.
  child.stdin?.on("error", end);
  child.stdout?.setEncoding("utf8").on("data", (chunk: string) => {
    const lines = (pending + chunk).split("\n");
    pending = lines.pop() ?? "";
    for (const line of lines) {
      if (line === workerReady) {
        clearTimeout(starting);
        failure = undefined;
        tellStarted(performance.now() - startedMs);
      } else asking.shift()?.(JSON.parse(line) as WorkerReply);
    }
  });
  child.once("exit", (code, signal) => {
    failure &&= `it ended with ${signal ?? code} before it was ready`;
    end();
  });
  return {
    started,
    failure: () => failure,
    isAlive: () => child.exitCode === null && child.signalCode === null,
    ask: (request, timeoutMs) =>
      new Promise((resolve) => {
        let timer: NodeJS.Timeout | undefined;
        let isAnswered = false;
        asking.push((reply) => {
          isAnswered = true;
          clearTimeout(timer);
          resolve(reply);
        });
        const runTime = () => {
          if (timeoutMs !== undefined && !isAnswered) timer = setTimeout(end, timeoutMs);
        };
        // A machine that is slow to start a worker says nothing of a share; but the way out is bounded, come what may.
        if (request.do === "umount") runTime();
        else void started.then(runTime);
        child.stdin?.write(`${JSON.stringify(request)}\n`);
      }),
    stop: () => {
      child.kill("SIGKILL");
    },
  };
}

/** Workers that answer, ready for the next request, and a way to end them all. */
export interface Workers {
  readonly mounter: Mounter;
  /** Whether `identity` may write to a directory; asked in a worker that becomes it. */
  readonly writeAccess: (path: string, identity: Identity | undefined, timeoutMs: number) => Promise<WriteAccess>;
  /** Starts a worker ahead of its first request, unless one is idle. */
  readonly warmUp: () => void;
  /** Ends the idle workers but one: that one looks at the shares. */
  readonly keepOne: () => void;
  /** Ends the idle workers; later requests start new ones. */
  readonly stop: () => void;
  /** Ends those too that are asked something: nobody is left to take the answer. */
  readonly stopAll: () => void;
  /** Settles when no process of our own is left, or soon after. */
  readonly ended: () => Promise<void>;
}

/**
 * How long a request goes on before the next one begins beside it: what takes longer waits for a server. On a slow machine it
 * is the machine that takes its time, and one more process would make that worse: it shows in the start of a worker.
 */
function patienceMs(workerStartMs: number): number {
  return Math.min(longestPatienceMs, Math.max(250, 4 * workerStartMs));
}
const longestPatienceMs = 5_000;

let readied: Worker | undefined;

/** Starts a worker before anything is known of the configuration: `createWorkers` takes it over. */
export function readyWorker(): void {
  readied ??= startWorker();
}

/** Workers that `startOne` starts. */
export function createWorkers(startOne: () => Worker = startWorker): Workers {
  const idle: Worker[] = readied === undefined ? [] : [readied];
  const running = new Set(idle);
  readied = undefined;
  const enter = turnstile();
  const start = (): Worker => {
    for (const worker of running) if (!worker.isAlive()) running.delete(worker);
    const worker = startOne();
    running.add(worker);
    return worker;
  };

  /** An idle worker that is alive: one may have been killed meanwhile. */
  const nextIdle = (): Worker | undefined => {
    for (let worker = idle.pop(); worker !== undefined; worker = idle.pop()) if (worker.isAlive()) return worker;
    return undefined;
  };
  const stopIdle = (): void => {
    for (const worker of idle.splice(0)) worker.stop();
  };
  /** Asks a worker of its own; one that does not answer in time is killed and not waited for. */
  const ask = async (request: WorkerRequest, timeoutMs: number | undefined, keep = false, signal?: AbortSignal) => {
    const turn = await enter();
    const worker = nextIdle() ?? start();
    // A worker that hangs in its start holds up nobody else either.
    turn.leaveAfter(longestPatienceMs);
    void worker.started.then((startMs) => turn.leaveAfter(patienceMs(startMs ?? 0)));
    if (signal?.aborted === true) worker.stop();
    signal?.addEventListener("abort", worker.stop, { once: true });
    const reply = await worker.ask(request, timeoutMs);
    turn.leave();
    signal?.removeEventListener("abort", worker.stop);
    if (reply === undefined) worker.stop();
    else if (!keep) idle.push(worker);
    return { reply, worker };
  };
  const look = batchedLooks({
    take: () => nextIdle() ?? start(),
    giveBack: (worker) => {
      // One is enough while nothing but looks is asked for; what mounting has left idle ends here.
      stopIdle();
      idle.push(worker);
    },
  });
  const askForAnswer = async (
    request: WorkerRequest,
    timeoutMs?: number,
    signal?: AbortSignal,
  ): Promise<PathAnswer> => {
    const { reply, worker } = await ask(request, timeoutMs, false, signal);
    switch (reply?.kind) {
      case undefined:
        return { kind: "no-answer", notStarted: worker.failure() };
      case "failed":
        return { kind: "failed", errno: reply.errno };
      case "refused":
        return { kind: "failed", errno: reply.reason };
      case "done":
      case "options":
      case "answers":
      case "prepared":
      case "unwritable":
        return { kind: "done" };
    }
  };
  const prepare = async (target: string, below: string | undefined, timeoutMs: number): Promise<Prepared> => {
    // A worker that holds a directory open is kept for that until it is released.
    const { reply, worker } = await ask({ do: "prepare", target, below }, timeoutMs, true);
    const giveBack = () => {
      idle.push(worker);
    };
    if (reply === undefined) return { kind: "no-answer", notStarted: worker.failure() };
    if (reply.kind !== "prepared") {
      giveBack();
      if (reply.kind === "failed") return { kind: "failed", reason: reply.reason };
      return { kind: "refused", reason: "reason" in reply ? reply.reason : reply.kind };
    }
    const { fd, path, isEmpty } = reply;
    if (fd === undefined) giveBack();
    const release = () => {
      if (fd === undefined) return;
      void worker.ask({ do: "release", fd }, 1_000).then((released) => {
        if (released === undefined) worker.stop();
        else giveBack();
      });
    };
    return { kind: "prepared", path, isEmpty, release };
  };
  // One worker holds all that is held: it is asked for one thing at a time.
  let holder: Worker | undefined;
  let lastHold: Promise<unknown> = Promise.resolve();
  const askHolder = (request: WorkerRequest, timeoutMs: number): Promise<WorkerReply | undefined> => {
    const asked = lastHold.then(async () => {
      if (holder?.isAlive() !== true) holder = start();
      const worker = holder;
      const reply = await worker.ask(request, timeoutMs);
      // What it held is let go with it.
      if (reply === undefined) worker.stop();
      return reply;
    });
    lastHold = asked;
    return asked;
  };
  return {
    mounter: {
      hold: async (path, timeoutMs) => {
        const reply = await askHolder({ do: "hold", path }, timeoutMs);
        const keeper = holder;
        return async () => {
          if (reply?.kind !== "prepared" || reply.fd === undefined || holder !== keeper) return;
          await askHolder({ do: "release", fd: reply.fd }, timeoutMs);
        };
      },
      mounts: readMounts,
      runHelper,
      prepare,
      mount: (call, signal) => askForAnswer({ do: "mount", ...call }, undefined, signal),
      readOptions: async ({ fstype, source }, words, timeoutMs) => {
        const { reply } = await ask({ do: "read-options", fstype, source, words }, timeoutMs);
        return reply?.kind === "options" ? reply.read : { kind: "unknown" };
      },
      statfs: (path, timeoutMs) => askForAnswer({ do: "statfs", path }, timeoutMs),
      guard: (path, timeoutMs) => askForAnswer({ do: "guard", path }, timeoutMs),
      makeAside: (path, timeoutMs) => askForAnswer({ do: "make-aside", path }, timeoutMs),
      removeAside: (path, timeoutMs) => askForAnswer({ do: "remove-aside", path }, timeoutMs),
      keep: (target, path, timeoutMs) => askForAnswer({ do: "keep", target, path }, timeoutMs),
      bind: (from, to, timeoutMs) => askForAnswer({ do: "bind", from, to }, timeoutMs),
      move: (from, to, timeoutMs) => askForAnswer({ do: "move", from, to }, timeoutMs),
      look: async (path, write, timeoutMs): Promise<Look> => {
        const reply = await look({ do: "look", path, write }, timeoutMs);
        if (reply === undefined) return { kind: "no-answer" };
        if (reply.kind === "answers") return reply;
        return { kind: "failed", errno: reply.kind === "failed" ? reply.errno : "EIO" };
      },
      umount: (target, how, timeoutMs) => askForAnswer({ do: "umount", target, how }, timeoutMs),
    },
    writeAccess: async (path, identity, timeoutMs) => {
      const { reply, worker } = await ask({ do: "write-access", path, identity }, timeoutMs, true);
      // It is somebody else now.
      worker.stop();
      if (reply === undefined) return { kind: "no-answer", notStarted: worker.failure() };
      if (reply.kind === "done") return { kind: "writable" };
      if (reply.kind === "unwritable") return reply;
      return { kind: "failed", reason: "reason" in reply ? reply.reason : reply.kind };
    },
    warmUp: () => {
      idle.push(nextIdle() ?? start());
    },
    keepOne: () => {
      const kept = nextIdle();
      stopIdle();
      if (kept !== undefined) idle.push(kept);
    },
    stop: stopIdle,
    stopAll: () => {
      idle.length = 0;
      for (const worker of running) worker.stop();
    },
    ended: noneLeft,
  };
}
