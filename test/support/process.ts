// Runs the built binary as PID 1 of a fresh PID namespace or as an ordinary child, and looks at it from outside.
import { spawn, type ChildProcess, type StdioOptions } from "node:child_process";
import { mkdtempSync, realpathSync, rmSync } from "node:fs";
import { constants, tmpdir } from "node:os";
import { join, resolve as resolvePath } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeEach, describe, onTestFinished } from "vitest";
import { eventually } from "./eventually.ts";
import { catches, childrenOf, descendantsOf, exeOf, statOf } from "./process-table.ts";

/** The binary under test; NFS_INIT_BINARY names another one, such as that with the sanitizers. */
export const binary = resolvePath(
  fileURLToPath(new URL("../..", import.meta.url)),
  process.env["NFS_INIT_BINARY"] ?? "dist/nfs-init",
);

/** Whether it is one with the sanitizers, which take time and memory of their own. */
export const isSanitized = binary.endsWith("-sanitized");

/** Whether namespaces can be made and mounts asked for. */
export const isRoot = process.geteuid?.() === 0;

/** Makes what follows the first process of a PID namespace, which ends with unshare(1). */
export const pidNamespace = ["unshare", "--fork", "--pid", "--mount-proc", "--kill-child", "--"];

/** Where nfs-init runs: as the first process of a PID namespace, or as one among others. */
export interface Place {
  readonly name: string;
  readonly isPid1: boolean;
}

const pid1: Place = { name: "as PID 1", isPid1: true };
export const ordinary: Place = { name: "not as PID 1", isPid1: false };

export const places = [pid1, ordinary];

/** The tests of `define` once for each place; `needs` is what only root can do anywhere, such as mounting. */
export function describePlaces(define: (place: Place) => void, needs?: string): void {
  for (const place of places) {
    describe(place.name, () => {
      if (needs !== undefined) needRoot(needs);
      else if (place.isPid1) needRoot("a PID namespace");
      define(place);
    });
  }
}

/** The tests of `define` as PID 1 only. */
export function describePid1(define: (place: Place) => void): void {
  describe(pid1.name, () => {
    needRoot("a PID namespace");
    define(pid1);
  });
}

/** Skips the tests around it for anybody but root, and says why. */
export function needRoot(what: string): void {
  beforeEach((context) => {
    context.skip(!isRoot, `${what} needs root`);
  });
}

export interface Launch {
  /** Arguments of nfs-init. */
  readonly args: readonly string[];
  readonly place?: Place;
  /** The whole environment beside PATH. */
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  readonly stdio?: StdioOptions;
  /** Shell text that runs in the process that then becomes nfs-init: `exec "$@"` follows it. */
  readonly prelude?: string;
  /** Gives nfs-init a mount namespace of its own; as PID 1 it has one anyway. */
  readonly ownMounts?: boolean;
  /** Where several tests run at once, the hook of the one that starts it. */
  readonly onTestFinished?: typeof onTestFinished;
  /** A program to run in place of nfs-init, to compare with. */
  readonly program?: string;
}

export interface End {
  /** Exit code, or 128+n as a shell has it. */
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Running {
  /** Output so far. */
  readonly stdout: () => string;
  readonly stderr: () => string;
  readonly stdin: { readonly write: (text: string | Uint8Array) => void; readonly end: () => void };
  readonly child: ChildProcess;
  readonly ended: Promise<End>;
  readonly hasEnded: () => boolean;
  /** The pid of nfs-init as this namespace sees it. */
  readonly initPid: () => Promise<number>;
  /** The pid of COMMAND as this namespace sees it, once it is itself. */
  readonly commandPid: () => Promise<number>;
  /** Sends a signal to nfs-init. */
  readonly send: (signal: NodeJS.Signals) => Promise<void>;
  /** Sends a signal to nfs-init in the moment in which it first catches it: a busy wait, right after the start. */
  readonly sendOnceCaught: (signal: NodeJS.Signals) => void;
  /** Waits until COMMAND has written this text to stdout. */
  readonly says: (text: string) => Promise<void>;
}

const path = process.env["PATH"] ?? "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin";

/** Starts nfs-init; whatever is left of it is killed when the test has finished. */
export function start({
  args,
  place = ordinary,
  env = {},
  cwd,
  stdio = "pipe",
  prelude,
  ownMounts = false,
  program = binary,
  onTestFinished: onFinished = onTestFinished,
}: Launch): Running {
  const namespaces = place.isPid1 ? pidNamespace : ownMounts ? ["unshare", "--mount", "--"] : [];
  const shell = prelude === undefined ? [] : ["/bin/sh", "-c", `${prelude}\nexec "$@"`, "sh"];
  const [file = program, ...rest] = [...namespaces, ...shell, program, ...args];
  const child = spawn(file, rest, { env: { PATH: path, ...env }, stdio, ...(cwd === undefined ? {} : { cwd }) });
  onFinished(() => {
    const pid = child.pid;
    if (pid === undefined) return;
    for (const one of [...orphans.splice(0), ...descendantsOf(pid)]) killQuietly(one);
    if (child.exitCode === null && child.signalCode === null) child.kill("SIGKILL");
  });
  const stdout = collect(child.stdout);
  const stderr = collect(child.stderr);
  child.stdin?.on("error", () => {});
  let hasEnded = false;
  const ended = new Promise<End>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, signal) => {
      hasEnded = true;
      const exitCode = code ?? 128 + (signal === null ? 0 : constants.signals[signal]);
      resolve({ exitCode, stdout: stdout(), stderr: stderr() });
    });
  });
  /** Waits for what can come only while nfs-init runs. */
  const whileRunning = <T>(what: string, probe: () => T) =>
    eventually(
      what,
      () => {
        const value = probe();
        if (hasEnded && (value === undefined || value === false)) {
          throw new Error(`nfs-init has ended before this: ${what}; stderr: ${stderr()}`);
        }
        return value;
      },
      { intervalMs: 5 },
    );
  const initPid = () =>
    whileRunning("nfs-init runs", () => {
      const pid = place.isPid1 ? childrenOf(child.pid ?? 0)[0] : child.pid;
      return pid !== undefined && exeOf(pid) === realpathSync(program) ? pid : undefined;
    });
  return {
    stdout,
    stderr,
    stdin: {
      write: (text) => child.stdin?.write(text),
      end: () => child.stdin?.end(),
    },
    child,
    ended,
    hasEnded: () => hasEnded,
    initPid,
    commandPid: async () => {
      const init = await initPid();
      return whileRunning("COMMAND runs", () =>
        childrenOf(init).find((pid) => {
          const exe = exeOf(pid);
          return exe !== undefined && exe !== binary;
        }),
      );
    },
    send: async (signal) => {
      process.kill(await initPid(), signal);
    },
    sendOnceCaught: (signal) => {
      const untilMs = performance.now() + 5_000;
      for (;;) {
        const pid = place.isPid1 ? childrenOf(child.pid ?? 0)[0] : child.pid;
        if (pid !== undefined && catches(pid, constants.signals[signal])) return void process.kill(pid, signal);
        if (performance.now() > untilMs) throw new Error(`nfs-init does not catch ${signal}`);
      }
    },
    says: async (text) => {
      await whileRunning(`COMMAND says ${JSON.stringify(text)}`, () => stdout().includes(text));
    },
  };
}

/** Waits until a program waits, for its input say: before, it has its libraries open. Gives its pid. */
export async function settled(pid: number): Promise<number> {
  await eventually("the program waits", () => statOf(pid).state === "S", { intervalMs: 2 });
  return pid;
}

/** Runs nfs-init to its end. */
export function run(launch: Launch): Promise<End> {
  const running = start(launch);
  running.stdin.end();
  return running.ended;
}

const orphans: number[] = [];

/** Has a process killed after the test that may no longer be a descendant by then. */
export function killLater(pid: number): void {
  orphans.push(pid);
}

function killQuietly(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has ended.
  }
}

function collect(stream: NodeJS.ReadableStream | null): () => string {
  let text = "";
  stream?.setEncoding("utf8");
  stream?.on("data", (chunk: string) => {
    text += chunk;
  });
  return () => text;
}

/** A directory of the test's own, gone when it has finished. */
export function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), "nfs-init-test-"));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** A share of a server on this machine that refuses every connection: nothing listens on port 1. */
export function unreachableShare(directory: string): Readonly<Record<string, string>> {
  return {
    NFS_HOST: "127.0.0.1",
    NFS_MOUNT_POINT: join(directory, "share"),
    NFS_VERSION: "4.2",
    NFS_OPTIONS: "hard,port=1",
    NFS_FSTAB: join(directory, "fstab"),
    NFS_STATE_DIR: join(directory, "state"),
  };
}

/** Such a share that COMMAND may start without. */
export function nofailShare(directory: string): Readonly<Record<string, string>> {
  return { ...unreachableShare(directory), NFS_OPTIONS: "hard,nofail,port=1" };
}
