// COMMAND for the measurements of an init at work and at rest: a `waiter` that is started, gets one SIGTERM, tells when, and ends.

import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { childrenOf } from "../test/support/process-table.ts";
import { parseRun, runBytes, timeAt, timeBytes, writeStampProgram, writeWaiterProgram } from "./stamp.ts";
import type { Run } from "./stamp.ts";

/** After this time an init that does not do what it should is killed. */
const limitMs = 120_000;

/** An init with a waiter behind it. */
export interface WaitingInit {
  /** The init; the waiter itself where there is no init. */
  readonly pid: number;
  /** Sends the init SIGTERM and returns the times of its whole life. */
  readonly end: () => Promise<WaiterTimes>;
}

/** Milliseconds on the steady clock. */
export interface WaiterTimes extends Run {
  /** The waiter's first instruction. */
  readonly commandMs: number;
  /** Just before kill(2). */
  readonly killMs: number;
  /** The waiter has the signal; it ends some instructions later. */
  readonly signalMs: number;
}

export class Waiters {
  readonly #folder = mkdtempSync(join(tmpdir(), "nfs-init-bench-"));
  readonly #stamp = join(this.#folder, "stamp");
  readonly #waiter = join(this.#folder, "waiter");
  #count = 0;

  constructor() {
    writeStampProgram(this.#stamp, "monotonic");
    writeWaiterProgram(this.#waiter, "monotonic");
  }

  /** Starts `prefix waiter` and returns once the waiter waits for its signal. */
  async start(prefix: readonly string[]): Promise<WaitingInit> {
    const { child, file } = this.#launch([...prefix, this.#waiter]);
    const limit = setTimeout(() => kill(child), limitMs);
    const ended = once(child, "close");
    const what = prefix.join(" ");
    while (statSync(file).size < timeBytes) {
      if (child.exitCode !== null || child.signalCode !== null) throw new Error(`${what} did not run COMMAND`);
      await sleep(2);
    }
    const pid = child.pid === undefined ? undefined : childrenOf(child.pid)[0];
    if (pid === undefined) throw new Error(`${what} has gone`);
    const end = async (): Promise<WaiterTimes> => {
      const killed = process.hrtime.bigint();
      process.kill(pid, "SIGTERM");
      await ended;
      clearTimeout(limit);
      const output = readFileSync(file);
      rmSync(file);
      const run = output.length === 2 * timeBytes + runBytes ? parseRun(output, 2 * timeBytes) : undefined;
      if (run?.status !== 0) throw new Error(`${what} did not end as its COMMAND did`);
      return {
        ...run,
        commandMs: timeAt(output, 0),
        signalMs: timeAt(output, timeBytes),
        killMs: Number(killed) / 1e6,
      };
    };
    return { pid, end };
  }

  /** Runs `prefix COMMAND` to its end. */
  async run(command: readonly string[], environment: Readonly<Record<string, string>> = {}): Promise<Run> {
    const { child, file } = this.#launch(command, environment);
    const limit = setTimeout(() => kill(child), limitMs);
    await once(child, "close");
    clearTimeout(limit);
    const output = readFileSync(file);
    rmSync(file);
    const run = output.length === runBytes ? parseRun(output, 0) : undefined;
    if (run?.status !== 0) throw new Error(`${command.join(" ")} failed`);
    return run;
  }

  close(): void {
    rmSync(this.#folder, { recursive: true });
  }

  /** The times go to a file, so that no reader wakes up beside those that are measured. */
  #launch(
    command: readonly string[],
    environment: Readonly<Record<string, string>> = {},
  ): { readonly child: ChildProcess; readonly file: string } {
    const file = join(this.#folder, String((this.#count += 1)));
    const descriptor = openSync(file, "ax");
    const child = spawn(this.#stamp, command, {
      env: { PATH: process.env["PATH"] ?? "", ...environment },
      cwd: "/",
      detached: true,
      stdio: ["ignore", descriptor, "ignore"],
    });
    closeSync(descriptor);
    return { child, file };
  }
}

/** Ends a stopwatch with all it has started. */
function kill({ pid }: ChildProcess): void {
  if (pid !== undefined) process.kill(-pid, "SIGKILL");
}
