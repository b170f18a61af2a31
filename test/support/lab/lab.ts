/**
 * The lab: a real Linux kernel with NFS client and server that runs as an ordinary program (Debian's user-mode-linux), without
 * installing anything and without a network. Tests boot one, send it shell scripts, and look at what came of them.
 *
 *     const lab = await bootLab({ binary: 'dist/nfs-init' });
 *     await lab.sh('reset');
 *     const job = lab.start('container c1 --name web -- nfs-init run -- nginx');
 *     await eventually('a mount', () => job.stderr().includes('mounted'));
 *     await lab.sh('srv_stale /srv/exp 101; container_signal web TERM');
 *     expect((await job.done).exitCode).toBe(0);
 *     await lab.stop();
 *
 * Scripts are bash with `set -u`. What they can call (hosts, server, faults, names, containers) is in guest/lab.sh, each with its usage.
 * The guest sees the project read-only at /lab/project and `binary` as /usr/local/bin/nfs-init. Times in it are upper bounds: it has one
 * CPU, a fork costs 12 ms and an exec as much again. Debian's packages are fetched once, into `.lab/`: see packages.ts.
 */

import { spawn } from "node:child_process";
import {
  copyFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statfsSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { bootFailure, cannotBoot, causeOf, lastWords, type Ending } from "./boot-failure.ts";
import { prepareLab } from "./packages.ts";
import { padRegisters } from "./registers.ts";

export interface JobResult {
  /** As bash reports it: 128 and the signal's number where a signal ended it. */
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A script that runs in the lab, in a process group of its own. */
export interface Job {
  readonly id: string;
  /** What it has written so far. */
  stdout(): string;
  stderr(): string;
  readonly done: Promise<JobResult>;
  /** Sends a signal to the job's process group, once it has started. To PID 1 of a container alone: `container_signal`. */
  signal(name: NodeJS.Signals): Promise<void>;
}

export interface RunOptions {
  /** After this time the job is killed and the call fails. */
  readonly timeoutMs?: number;
}

export interface Lab {
  /** Runs a script to its end, whatever its exit code. */
  run(script: string, options?: RunOptions): Promise<JobResult>;
  /** Runs a script that must succeed, and returns its trimmed standard output. Only the last command's status counts, unless it says `set -e`. */
  sh(script: string, options?: RunOptions): Promise<string>;
  /** Starts a script in the background. */
  start(script: string): Job;
  /** The kernel's messages so far. */
  console(): string;
  /** Switches the machine off, as one pulls a plug. */
  stop(): Promise<void>;
}

export interface LabOptions {
  /** RAM, as the kernel writes it; taken from the host only as it is used. */
  readonly memory?: string;
  /** A program of the host to be /usr/local/bin/nfs-init. */
  readonly binary?: string;
  /** A disk of this size, empty, as /dev/ubdb. */
  readonly diskBytes?: number;
  /** The machine switches itself off after this time, whatever becomes of the tests. */
  readonly lifetimeMs?: number;
}

const PROJECT = join(import.meta.dirname, "../../..");
const BOOT_TIMEOUT_MS = 60_000;
const RUN_TIMEOUT_MS = 60_000;

export async function bootLab(options: LabOptions = {}): Promise<Lab> {
  const { memory = "1G", binary, diskBytes, lifetimeMs = 30 * 60_000 } = options;
  const files = await prepareLab();
  const padding = await padRegisters();
  const folder = makeRunFolder();
  const inFolder = (name: string): string => join(folder, name);

  // Links, because the kernel's command line takes no path with a blank in it.
  symlinkSync(files.image, inFolder("image"));
  symlinkSync(PROJECT, inFolder("project"));
  symlinkSync(join(import.meta.dirname, "guest"), inFolder("guest"));
  copyFileSync(join(import.meta.dirname, "guest/init.sh"), inFolder("init.sh"));
  if (binary !== undefined) {
    if (basename(binary) !== "nfs-init") {
      throw new Error(cannotBoot(`${binary} is not called nfs-init`, "name a program that is"));
    }
    if (!existsSync(binary)) throw new Error(cannotBoot(`there is no ${binary}`, "build it first (npm run build)"));
    symlinkSync(dirname(resolve(binary)), inFolder("binary"));
  }
  if (diskBytes !== undefined) {
    writeFileSync(inFolder("second-disk"), "");
    truncateSync(inFolder("second-disk"), diskBytes);
  }
  const environment: Record<string, string> = { TMPDIR: folder, HOME: folder };
  if (padding !== undefined) {
    symlinkSync(padding.object, inFolder("padded-registers.so"));
    Object.assign(environment, padding.environment, { LD_PRELOAD: inFolder("padded-registers.so") });
  }
  writeFileSync(
    inFolder("settings"),
    [
      `PROJECT=${inFolder("project")}/`,
      `GUEST=${inFolder("guest")}/`,
      `BINARY=${binary === undefined ? "" : `${inFolder("binary")}/`}`,
      `LIMIT=${Math.ceil(lifetimeMs / 1000)}`,
      "",
    ].join("\n"),
  );

  const kernel = spawn(
    files.kernel,
    [
      `mem=${memory}`,
      `ubd0=${inFolder("disk")},${inFolder("image")}`,
      ...(diskBytes === undefined ? [] : [`ubd1=${inFolder("second-disk")}`]),
      "root=/dev/ubda",
      "rw",
      "quiet",
      "selinux=0",
      "cryptomgr.notests",
      `uml_dir=${folder}`,
      "umid=uml",
      "con0=null,fd:2",
      "con=null",
      "ssl0=fd:0,fd:1",
      "ssl=null",
      `init=${process.env["NFS_INIT_LAB_INIT"] ?? "/bin/busybox"}`,
      "--",
      "sh",
      "-c",
      `"mount -t proc proc /proc; mount -t hostfs -o ${folder} none /mnt; . /mnt/init.sh"`,
    ],
    // Its own process group: the interrupt key of a terminal must not reach a machine that tests still use.
    { cwd: "/", detached: true, env: environment, stdio: "pipe" },
  );
  let said = "";
  kernel.stderr.setEncoding("utf8").on("data", (text: string) => (said += text));
  const exited = Promise.withResolvers<void>();
  const ready = Promise.withResolvers<void>();
  const jobs = new Map<
    string,
    { readonly started: PromiseWithResolvers<void>; readonly status: PromiseWithResolvers<number> }
  >();

  const kill = (): void => {
    try {
      if (kernel.pid !== undefined) process.kill(-kernel.pid, "SIGKILL");
    } catch {
      // It is gone already.
    }
  };
  const clean = (): void => rmSync(folder, { recursive: true, force: true });
  process.once("exit", kill);
  process.once("exit", clean);

  createInterface({ input: kernel.stdout }).on("line", (line) => {
    const [word, id = "", status] = line.split(" ");
    if (word === "ready") ready.resolve();
    else if (word === "started") jobs.get(id)?.started.resolve();
    else if (word === "done") jobs.get(id)?.status.resolve(Number(status));
    else said += `${line}\n`;
  });
  kernel.stdin.on("error", () => {});
  const gone = (ending: Ending): void => {
    ready.reject(new Error(bootFailure({ of: "the kernel", words: said }, causeOf(ending))));
    const error = new Error(`the lab's kernel has gone; its last words:\n${lastWords(said)}`);
    for (const { started, status } of jobs.values()) {
      started.reject(error);
      status.reject(error);
    }
    exited.resolve();
  };
  kernel.on("error", ({ message }) => gone({ kind: "not-started", reason: message }));
  // Those whom the kernel leaves behind would keep the line open on which it said why.
  kernel.on("exit", kill);
  kernel.on("close", (code, signal) =>
    gone(signal === null ? { kind: "exited", code: code ?? 0 } : { kind: "killed", signal }),
  );

  const stop = async (): Promise<void> => {
    kill();
    await exited.promise;
    process.removeListener("exit", kill);
    process.removeListener("exit", clean);
    clean();
  };

  const start = (script: string): Job => {
    const id = String(jobs.size + 1);
    const started = Promise.withResolvers<void>();
    const status = Promise.withResolvers<number>();
    jobs.set(id, { started, status });
    const output = (name: string): string => {
      const file = inFolder(`${id}.${name}`);
      return existsSync(file) ? readFileSync(file, "utf8") : "";
    };
    const stdout = (): string => output("out");
    const stderr = (): string => output("err");
    writeFileSync(inFolder(`${id}.sh`), script);
    kernel.stdin.write(`run ${id}\n`);
    const done = status.promise.then((exitCode) => ({ exitCode, stdout: stdout(), stderr: stderr() }));
    const signal = async (name: NodeJS.Signals): Promise<void> => {
      await started.promise;
      kernel.stdin.write(`signal ${id} ${name.replace(/^SIG/, "")}\n`);
    };
    // Whoever no longer waits for a job is not to hear of its end with the machine.
    started.promise.catch(() => {});
    done.catch(() => {});
    return { id, stdout, stderr, done, signal };
  };

  const run = async (script: string, { timeoutMs = RUN_TIMEOUT_MS }: RunOptions = {}): Promise<JobResult> => {
    const job = start(script);
    const timer = Promise.withResolvers<never>();
    const timeout = setTimeout(() => {
      void job.signal("SIGKILL");
      timer.reject(
        new Error(report(`a job in the lab took longer than ${timeoutMs} ms`, script, job.stdout(), job.stderr())),
      );
    }, timeoutMs);
    try {
      return await Promise.race([job.done, timer.promise]);
    } finally {
      clearTimeout(timeout);
    }
  };

  const sh = async (script: string, runOptions?: RunOptions): Promise<string> => {
    const { exitCode, stdout, stderr } = await run(script, runOptions);
    if (exitCode !== 0)
      throw new Error(report(`a job in the lab failed with exit code ${exitCode}`, script, stdout, stderr));
    return stdout.trim();
  };

  const bootTimeout = setTimeout(() => {
    const cause = causeOf({ kind: "silent", afterMs: BOOT_TIMEOUT_MS });
    ready.reject(new Error(bootFailure({ of: "the kernel", words: said }, cause)));
  }, BOOT_TIMEOUT_MS);
  try {
    await ready.promise;
  } catch (error) {
    await stop();
    throw error;
  } finally {
    clearTimeout(bootTimeout);
  }
  return { run, sh, start, console: () => said, stop };
}

function report(what: string, script: string, stdout: string, stderr: string): string {
  return `${what}\n--- script\n${script.trim()}\n--- stdout\n${stdout.trimEnd()}\n--- stderr\n${stderr.trimEnd()}`;
}

const RUN_FOLDER = "initlab-";

/** Makes the folder of one boot, named after this process, and removes those whose process has died without doing so. */
function makeRunFolder(): string {
  const base = memoryFolder();
  for (const name of readdirSync(base)) {
    const pid = name.startsWith(RUN_FOLDER) ? name.slice(RUN_FOLDER.length).split("-")[0] : undefined;
    if (pid === undefined || existsSync(`/proc/${pid}`)) continue;
    try {
      rmSync(join(base, name), { recursive: true, force: true });
    } catch {
      // It belongs to another user.
    }
  }
  return mkdtempSync(join(base, `${RUN_FOLDER}${process.pid}-`));
}

/** The kernel's RAM is a file that it maps to execute: /dev/shm will do, unless a container engine made it small or noexec. */
function memoryFolder(): string {
  const options = /^\S+ \/dev\/shm \S+ (\S+)/m.exec(readFileSync("/proc/mounts", "utf8"))?.[1]?.split(",");
  if (options === undefined || options.includes("noexec") || options.includes("ro")) return tmpdir();
  const { bavail, bsize } = statfsSync("/dev/shm");
  return bavail * bsize > 2 ** 31 ? "/dev/shm" : tmpdir();
}
