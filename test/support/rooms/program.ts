// Runs in the engine with the rooms of src/host, and does with them what a test says: a JSON line for each call, one for each answer.
import "../../../src/host/globals.ts";
import * as native from "native";
import {
  awaitChild,
  awaitProgram,
  inChild,
  startChild,
  writeAll,
  type ChildAnswer,
} from "../../../src/host/children.ts";
import type { ClientConnection } from "../../../src/export/vip/connections.ts";
import { keepVip, type KeptVip, type VipEvent } from "../../../src/export/vip/keeping.ts";
import { type Vip } from "../../../src/export/vip/written.ts";
import { killDescendants } from "../../../src/host/descendants.ts";
import { takeFaults } from "../../../src/host/faults.ts";
import { createWorkers } from "../../../src/host/mounter.ts";
import { resolveName } from "../../../src/host/names.ts";
import { stay } from "../../../src/host/share-calls.ts";
import { listDirectory } from "../../../src/host/small-files.ts";
import { vipWorld } from "../../../src/host/netlink.ts";
import { rpcServer, type RpcAddress, type RpcLimits, type RpcServer } from "../../../src/host/rpc-server.ts";
import { openSignalInbox } from "../../../src/host/signals.ts";
import { dial } from "../../../src/host/sockets.ts";
import { openInTurn } from "../../../src/host/written-in-turn.ts";
import type { EndedChild } from "../../../src/init/children.ts";
import type { Procedure, RpcProgram } from "../../../src/rpc/service.ts";
import type { Connection, DialOptions } from "../../../src/rpc/transport.ts";

/** What a child is to do. */
export type Work = "answer" | "tell-much" | "fail" | "break" | "hang";

const work: Readonly<Record<Work, () => string>> = {
  answer: () => "done",
  "tell-much": () => "aé€😀".repeat(50_000),
  fail: () => native.readlink("/no/such"),
  break: () => {
    throw new Error("a fault");
  },
  hang: () => {
    stay();
    return "continued";
  },
};

const connections = new Map<number, Connection>();
const controllers = new Map<number, AbortController>();
const others: EndedChild[] = [];
const { mounter, writeAccess, dismiss, stopAll, ended } = createWorkers();

/** 1 gives back what it is given, 2 tells who asks and whom, 3 never answers, 4 gives as many bytes as it is asked for. */
const echo: RpcProgram = {
  program: 300_000,
  versions: new Map([
    [
      1,
      new Map<number, Procedure>([
        [1, (args) => args.fixed(args.remaining())],
        [2, (_args, { transport, address, ownAddress }) => native.encodeUtf8(`${transport} ${address} ${ownAddress}`)],
        [3, () => Promise.withResolvers<Uint8Array>().promise],
        [4, (args) => new Uint8Array(args.uint32())],
      ]),
    ],
  ]),
};
let served: RpcServer | undefined;

const vipEvents: VipEvent[] = [];
let keptVip: KeptVip | undefined;

function lookAfter(pid: number): number {
  void awaitProgram(pid).then((child) => others.push(child));
  return pid;
}

function controller(id: number): AbortController {
  const found = controllers.get(id) ?? new AbortController();
  controllers.set(id, found);
  return found;
}

function connection(id: number): Connection {
  const found = connections.get(id);
  if (found === undefined) throw new Error(`no connection ${id}`);
  return found;
}

/** What can be asked. Bytes are text of one character a byte, `signal` is a number that `abort` names. */
const operations = {
  dial: async (id: number, address: string, port: number, signal: number, options: DialOptions) => {
    const made = await dial(address, port, controller(signal).signal, options);
    connections.set(id, made);
    return { reservedPort: made.reservedPort };
  },
  abort: (signal: number) => controller(signal).abort(),
  send: (id: number, text: string) => connection(id).send(native.encodeLatin1(text)),
  receive: async (id: number) => {
    const bytes = await connection(id).receive();
    return bytes === undefined ? null : native.decodeLatin1(bytes);
  },
  /** How many bytes come until the end. */
  receiveToEnd: async (id: number) => {
    let count = 0;
    for (;;) {
      const bytes = await connection(id).receive();
      if (bytes === undefined) return count;
      count += bytes.byteLength;
    }
  },
  close: (id: number) => connection(id).close(),
  /** Serves `echo` there. */
  serveRpc: (at: RpcAddress, limits?: RpcLimits) => {
    served ??= rpcServer((error) => {
      throw error;
    }, limits);
    return served.listen(at, [echo]);
  },
  /** Gives how it is held, or why it is not. */
  keepVip: async (vip: Vip, timeoutMs: number) => {
    const tell = (event: VipEvent) => void vipEvents.push(event);
    const kept = await keepVip(vipWorld, vip, tell, AbortSignal.timeout(timeoutMs));
    if (!("held" in kept)) return kept;
    keptVip = kept;
    return kept.held;
  },
  vipEvents: () => vipEvents,
  releaseVip: () => keptVip?.release(),
  /** Answers when another host has it. */
  vipLost: () => keptVip?.lost,
  /** Writes once to clients whose connections to it were lost. */
  resetVip: (lost: readonly ClientConnection[]) => {
    const rounds = [lost];
    return keptVip?.reset(async () => rounds.shift() ?? []);
  },
  closeRpc: () => {
    served?.close();
    served = undefined;
  },
  /** Writes texts in turn, each as soon as the one before is written, on top of what was found: that, and what each write gave. */
  writeInTurn: (directory: string, texts: readonly string[]) => {
    const parse = (text: string) => {
      const [sequence, said] = text.split(" ");
      return said === undefined ? undefined : { sequence: Number(sequence), said };
    };
    const { found, keep } = openInTurn(directory, ["one", "two"], 1_024, parse);
    const gave = texts.map((text) => keep((sequence) => `${sequence} ${text}`) ?? "written");
    return { found: found?.said ?? "nothing", gave };
  },
  resolve: (name: string, timeoutMs: number) => resolveName(name, AbortSignal.timeout(timeoutMs)),

  statfs: (path: string, timeoutMs: number) => mounter.statfs(path, timeoutMs),
  umount: (path: string, timeoutMs: number) => mounter.umount(path, "lazy", timeoutMs),
  look: (path: string, timeoutMs: number) => mounter.look(path, false, timeoutMs),
  prepare: async (path: string, timeoutMs: number) => {
    const { kind } = await mounter.prepare(path, undefined, timeoutMs);
    return kind;
  },
  hold: async (path: string, timeoutMs: number) => {
    const release = await mounter.hold(path, timeoutMs);
    await release();
  },
  mount: (target: string) =>
    mounter.mount({ source: "nas:/", target, fstype: "nfs", flags: 0, data: "" }, AbortSignal.timeout(60_000)),
  runHelper: (file: string) => mounter.runHelper(file, [], AbortSignal.timeout(60_000)),
  writeAccess: (path: string, timeoutMs: number) => writeAccess(path, undefined, timeoutMs),
  dismissOften: async (times: number) => {
    for (let time = 0; time < times; time++) await dismiss();
  },
  stopAll,
  ended,

  inChild: (what: Work, timeoutMs: number | null, signal: number): Promise<ChildAnswer<string>> =>
    inChild(work[what], timeoutMs ?? undefined, controller(signal).signal),
  /** A child of our own that stays; what it tells first. */
  stayingChild: () =>
    startChild<string>((tell) => {
      tell("stays");
      stay();
    }).next(),
  /** As many children as there are codes, that end with them, and what each one's waiter is told. */
  endings: (codes: readonly number[]) =>
    Promise.all(
      codes.map((code) => {
        const pid = native.fork(() => native.exit(code), []);
        return new Promise<{ readonly pid: number; readonly told: EndedChild }>((resolve) => {
          awaitChild(pid, (told) => resolve({ pid, told }));
        });
      }),
    ),
  /** A child that is no worker; it ends with `code`, or stays. */
  otherChild: (code: number | null) => lookAfter(native.fork(() => (code === null ? stay() : native.exit(code)), [])),
  otherProgram: (argv: readonly string[]) =>
    lookAfter(native.spawn({ file: argv[0] ?? "", argv, env: native.environ(), newGroup: true })),
  /** Those of them that have ended. */
  others: () => others,
  killDescendants,
  /** How many are open. */
  descriptors: () => listDirectory("/proc/self/fd").length,
};

export type Operations = typeof operations;

/** A call. */
export interface Asked {
  readonly call: number;
  readonly name: keyof Operations;
  readonly args: readonly unknown[];
}

/** What came of it. */
export type Answered =
  | { readonly call: number; readonly value?: unknown }
  | { readonly call: number; readonly error: { readonly message: string; readonly code?: unknown } };

function say(answer: Answered): void {
  writeAll(1, native.encodeUtf8(`${JSON.stringify(answer)}\n`));
}

async function answerTo({ call, name, args }: Asked): Promise<void> {
  try {
    const operation = operations[name] as (...given: readonly unknown[]) => unknown;
    say({ call, value: await operation(...args) });
  } catch (error) {
    const { message } = error as Error;
    say({
      call,
      error: { message, ...("code" in (error as Error) ? { code: (error as { code?: unknown }).code } : {}) },
    });
  }
}

takeFaults();
openSignalInbox();
let pending = "";
native.watch(0, native.POLLIN, () => {
  const bytes = native.read(0, 65_536);
  if (bytes.byteLength === 0) native.exit(0);
  const lines = (pending + native.decodeUtf8(bytes)).split("\n");
  pending = lines.pop() ?? "";
  for (const line of lines) void answerTo(JSON.parse(line) as Asked);
});
