// The rooms of src/host as a test has them: they run in a program of the engine, which is told over a pipe what to do.
import { spawn } from "node:child_process";
import { resolve } from "node:path";
import { createInterface } from "node:readline";
import { buildExecutable } from "../../../scripts/native/executable.ts";
import { machineCpu } from "../../../scripts/native/pins.ts";
import type { Connection, DialOptions } from "../../../src/rpc/transport.ts";
import { isSanitized } from "../process.ts";
import type { Answered, Asked, Operations } from "./program.ts";

type Result<Name extends keyof Operations> = Awaited<ReturnType<Operations[Name]>>;

export interface Rooms {
  readonly pid: number;
  readonly ask: <Name extends keyof Operations>(
    name: Name,
    ...args: Parameters<Operations[Name]>
  ) => Promise<Result<Name>>;
  /** A signal as the program has it: the number that it goes by there. */
  readonly signal: (signal: AbortSignal) => number;
  readonly dial: (
    address: string,
    port: number,
    signal: AbortSignal,
    options?: DialOptions,
  ) => Promise<RemoteConnection>;
  /** What it has written to stderr so far. */
  readonly stderr: () => string;
  readonly end: () => void;
}

/** A connection that the program holds. */
export interface RemoteConnection extends Connection {
  /** How many bytes come until the end. */
  readonly receiveToEnd: () => Promise<number>;
}

/** Builds the program; `name` keeps test files that build at the same time apart. Gives its path. */
export async function buildRooms(name: string): Promise<string> {
  const outfile = `.build/test-rooms-${name}`;
  const entry = "test/support/rooms/program.ts";
  // As the binary under test is.
  await buildExecutable({ target: machineCpu(), outfile, entry, sanitize: isSanitized });
  return resolve(outfile);
}

interface Waiting {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** Starts the program, by way of `prefix`, a command that becomes it. */
export function startRooms(program: string, prefix: readonly string[] = []): Rooms {
  const [file, ...args] = [...prefix, program];
  const child = spawn(file, args, { stdio: "pipe" });
  const waiting = new Map<number, Waiting>();
  let calls = 0;
  let connections = 0;
  const signals = new Map<AbortSignal, number>();

  createInterface(child.stdout).on("line", (line) => {
    const answer = JSON.parse(line) as Answered;
    const settle = waiting.get(answer.call);
    waiting.delete(answer.call);
    if ("error" in answer) {
      const { message, ...rest } = answer.error;
      settle?.reject(Object.assign(new Error(message), rest));
    } else settle?.resolve(answer.value);
  });
  child.stdin.on("error", () => {});
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  child.once("close", (code, signal) => {
    for (const { reject } of waiting.values()) reject(new Error(`the program has ended: ${code ?? signal}\n${stderr}`));
  });
  const ask: Rooms["ask"] = (name, ...given) =>
    new Promise((settle, reject) => {
      const asked: Asked = { call: ++calls, name, args: given };
      waiting.set(asked.call, { resolve: settle as (value: unknown) => void, reject });
      child.stdin.write(`${JSON.stringify(asked)}\n`);
    });
  const signal = (one: AbortSignal): number => {
    const known = signals.get(one);
    if (known !== undefined) return known;
    const id = signals.size;
    signals.set(one, id);
    const abort = () => void ask("abort", id);
    if (one.aborted) abort();
    else one.addEventListener("abort", abort, { once: true });
    return id;
  };
  return {
    pid: child.pid ?? 0,
    ask,
    signal,
    dial: async (address, port, given, options = {}) => {
      const id = connections++;
      const { reservedPort } = await ask("dial", id, address, port, signal(given), options);
      return {
        reservedPort,
        send: (bytes) => void ask("send", id, Buffer.from(bytes).toString("latin1")),
        receive: async () => {
          const text = await ask("receive", id);
          return text === null ? undefined : new Uint8Array(Buffer.from(text, "latin1"));
        },
        receiveToEnd: () => ask("receiveToEnd", id),
        close: () => void ask("close", id),
      };
    },
    stderr: () => stderr,
    end: () => child.stdin.end(),
  };
}
