// serve: prepare the directories, start the kernel's server, ask whether every export is served, hand over, watch, end clean.
import { AppError, exitCodes } from "../errors.ts";
import { serverSettings } from "../config/server-settings.ts";
import type { Settings } from "../config/config.ts";
import type { ExportConfig, ServerValues } from "../config/exports.ts";
import { askExport, type Asked } from "../export/ask.ts";
import type { KernelServer, ServedVersion, ServerNews, ServerSettings } from "../export/server.ts";
import { troubleError } from "../export/troubles.ts";
import type { ClientConnection } from "../export/vip/connections.ts";
import type { Command } from "../init/command.ts";
import { endCommand, type EndingPorts } from "../init/ending.ts";
import { exitCodeOf } from "../init/exit-status.ts";
import { startCommand, type InitPorts, type Running } from "../init/supervise.ts";
import type { ExportBoard } from "../report/export-board.ts";
import type { Log } from "../report/log.ts";
import { makeStateDirectory, prepareDirectory, type ExportDirectoryPorts } from "../lifecycle/export-directories.ts";
import { abortedBy, Stopped } from "../lifecycle/stop.ts";
import { undoStack, type UndoStack } from "../lifecycle/undo.ts";
import {
  serverRequests,
  startVersion3Life,
  type ServerRequests,
  type Version3LifePorts,
} from "../lifecycle/version3.ts";
import { holdAddress, type HeldAddress, type VirtualAddressPorts } from "../lifecycle/virtual-address.ts";
import type { Clock } from "../clock.ts";
import type { Space } from "../mount/ports.ts";
import type { Dial } from "../rpc/transport.ts";
import { reasonLog } from "../wait/reasons.ts";

/** What `serve` needs of the machine. */
export interface ServePorts
  extends Pick<EndingPorts, "killDescendants">, Pick<VirtualAddressPorts, "keepVip">, Version3LifePorts {
  readonly log: Log;
  readonly clock: Clock;
  readonly dial: Dial;
  readonly init: InitPorts;
  /** Called with the first stop signal while there is no COMMAND. */
  readonly onStop: (stop: (signal: number) => void) => void;
  readonly directories: ExportDirectoryPorts;
  /** Takes the network namespace, which has one NFS server, and gives what lets it go; undefined while another instance has it. */
  readonly claimNetwork: () => (() => void) | undefined;
  readonly startServer: (settings: ServerSettings) => KernelServer;
  readonly board: Pick<ExportBoard, "asked" | "used">;
  /** How much room the file system of a path has; undefined where it does not answer. */
  readonly space: (path: string) => Promise<Space | undefined>;
}

/** Pause between two questions whether an export is served, before all have been. */
const askEveryMs = 100;
/** Pause between two looks whether another instance still serves, and between two lines that say so. */
const claimEveryMs = 250;
const remindMs = 30_000;
/** Longest time that threads are given to end. */
const stopMs = 10_000;

/** Gives the exit code: COMMAND's, or 0 after a stop where there is none. Throws AppError 32, 75 or 78. */
export async function serve(
  ports: ServePorts,
  settings: Settings,
  { table, preparations, server: values, isAttachedOnly }: ExportConfig,
  command: Command | undefined,
): Promise<number> {
  const { log, clock } = ports;
  const undo = undoStack((error) => log("warn", "could not undo a step", { stage: "serve", reason: String(error) }));
  const stop = new AbortController();
  ports.onStop((signal) => stop.abort(new Stopped(signal)));
  const stopped = abortedBy(stop.signal);
  stopped.catch(() => {});
  if (isAttachedOnly) {
    const hint = "set NFS_EXPORT_CLIENTS to networks or * to let others in";
    log("info", "only networks that this machine is attached to may mount", { stage: "config", hint });
  }
  try {
    undo.push(await claimNetwork(ports, stop.signal));
    const address = await takeAddress(ports, values, stop.signal, undo);
    const addressLost = address === undefined ? [] : [address.lost];
    const interrupted = [stopped, ...addressLost];
    for (const one of preparations)
      undo.push(await Promise.race([prepareDirectory(ports.directories, one, stop.signal), ...interrupted]));
    makeStateDirectory(ports.directories, values.serverState);
    const startedMs = clock.nowMs();
    const server = await startServer(ports, values, table, undo);
    // Given back before the server is stopped: clients are not to find a host that refuses them.
    if (address !== undefined) undo.push(address.release);
    const versions = await Promise.race([server.serving, ...interrupted]);
    const { serverPort: port, mountdPort } = values;
    const asked = { address: "127.0.0.1", port, versions, mountdPort, exports: table.exports };
    const ask = (write: boolean) => askAll(ports, table.exports, asked, write, values.serverCheckTimeoutMs);
    await Promise.race([untilServed(ports, ask, values, stop.signal), ...interrupted, server.lost]);
    const elapsedMs = Math.round(clock.nowMs() - startedMs);
    log("info", "serving", {
      stage: "serve",
      exports: table.exports.map(({ path }) => path).join(" "),
      version: versions.at(-1) ?? "",
      elapsedMs,
    });
    void address?.announce();
    void address?.reset(() => lostConnections(server));
    const look = () => lookAtUse(ports, server, table.exports);
    void look();
    const unhealthy = watchServer(ports, ask, look, values, stop.signal);
    if (command === undefined) {
      await Promise.race([...interrupted, server.lost, unhealthy]);
      return exitCodes.ok;
    }
    log("info", "starting the process", { stage: "init", command: new TextDecoder().decode(command.argv[0]) });
    const running = await startCommand(ports.init, command, { map: settings.signalMap });
    return await besideCommand(ports, settings, running, [...addressLost, server.lost, unhealthy]);
  } catch (error) {
    if (!(error instanceof Stopped)) throw error;
    log("info", "stopped", { stage: "serve", signal: error.signal });
    return command === undefined ? exitCodes.ok : exitCodes.signalBase + error.signal;
  } finally {
    stop.abort(new Error("nfs-init ends"));
    await undo.unwind();
  }
}

/** Waits until no other instance serves here: what a living one has started is not taken over. */
async function claimNetwork(
  { log, clock, claimNetwork: claim }: ServePorts,
  signal: AbortSignal,
): Promise<() => Promise<void>> {
  for (let sayAtMs = clock.nowMs(); ;) {
    const release = claim();
    if (release !== undefined) return async () => release();
    if (clock.nowMs() >= sayAtMs) {
      const hint = "a network has one NFS server: end that one, or give this one a network of its own";
      log("warn", "another nfs-init serves in this network, waiting until it ends", { stage: "serve", hint });
      sayAtMs = clock.nowMs() + remindMs;
    }
    await clock.sleep(claimEveryMs, signal);
  }
}

/** The virtual address, before a disk is touched that another host may still serve; undefined where there is none. */
async function takeAddress(
  ports: ServePorts,
  { serverVip }: ServerValues,
  signal: AbortSignal,
  undo: UndoStack,
): Promise<HeldAddress | undefined> {
  if (serverVip === undefined) return undefined;
  const address = await holdAddress(ports, serverVip, signal);
  undo.push(address.release);
  return address;
}

/** COMMAND's end; where the server is lost first, COMMAND is ended for it. */
async function besideCommand(
  { log, clock, killDescendants }: ServePorts,
  settings: Settings,
  running: Running,
  losses: readonly Promise<never>[],
): Promise<number> {
  try {
    const exitCode = exitCodeOf(await Promise.race([running.ended, ...losses]));
    log("info", "the process has ended", { stage: "init", exitCode });
    return exitCode;
  } catch (error) {
    const ending: EndingPorts = { killDescendants, nowMs: clock.nowMs, sleep: clock.sleep };
    const { stopSignal, stopGraceMs: graceMs } = settings;
    const how = await endCommand(ending, running, { stopSignal, graceMs });
    if (how !== "ended") log("warn", "the process was killed, it did not end in time", { stage: "init" });
    throw error;
  }
}

interface Server {
  /** The versions that are served, once requests are. */
  readonly serving: Promise<readonly ServedVersion[]>;
  /** Rejects when it serves no more. */
  readonly lost: Promise<never>;
  readonly ask: ServerRequests["ask"];
}

/** Starts the kernel's server, and says what is heard of it until it ends. */
async function startServer(
  ports: ServePorts,
  values: ServerValues,
  table: ServerSettings["table"],
  undo: UndoStack,
): Promise<Server> {
  const { log, clock } = ports;
  const requests = serverRequests();
  // The kernel's server registers with a portmapper as soon as it has a socket.
  const version3 = await startVersion3Life(ports, values, table, requests);
  undo.push(version3.close);
  const kernel = ports.startServer(serverSettings(values, table, version3.versions));
  requests.connect(kernel);
  const serving = Promise.withResolvers<readonly ServedVersion[]>();
  const lost = Promise.withResolvers<never>();
  lost.promise.catch(() => {});
  serving.promise.catch(() => {});
  const fail = (error: AppError) => {
    serving.reject(error);
    lost.reject(error);
  };
  let isStopping = false;
  const stopped = Promise.withResolvers<void>();
  const hear = async (): Promise<void> => {
    for (let news = await kernel.next(); news !== undefined; news = await kernel.next()) {
      say(log, news);
      if (news.kind === "trouble") fail(troubleError(news.trouble));
      if (news.kind === "answer") requests.answered(news.number, news.answer);
      if (news.kind === "serving") {
        version3.serving(news.versions);
        serving.resolve(news.versions);
      }
      if (news.kind === "stopped") stopped.resolve();
    }
    requests.end();
    stopped.resolve();
    if (isStopping) return;
    fail(new AppError("the process that answers the kernel has ended", exitCodes.lost, { hint: "start it again" }));
  };
  void hear();
  undo.push(async () => {
    isStopping = true;
    kernel.stop();
    await Promise.race([stopped.promise, clock.sleep(stopMs)]);
    kernel.kill();
    await Promise.race([kernel.ended, clock.sleep(stopMs)]);
  });
  return { serving: serving.promise, lost: lost.promise, ask: requests.ask };
}

function say(log: Log, news: ServerNews): void {
  const stage = "serve";
  switch (news.kind) {
    case "took-over":
      return log("warn", "took over from a server that was left behind", { stage, threads: news.threads });
    case "no-records":
      return log("warn", "no client records are kept, after a restart clients wait for the whole grace period", {
        stage,
        reason: news.reason,
      });
    case "grace-over":
      return log("info", "clients may open and lock anew, the grace period is over", { stage });
    case "refused":
      return log("warn", "a client was refused", {
        stage,
        client: news.address,
        hint: "set NFS_EXPORT_CLIENTS to let it in",
      });
    case "rejected":
      return log("warn", "the kernel did not take an answer", { stage, reason: `${news.errno}: ${news.what}` });
    case "trouble":
    case "answer":
    case "serving":
    case "stopped":
      return;
  }
}

type Answer = { readonly kind: "served" } | { readonly kind: "not-writable" | "not-served"; readonly reason: string };

/** The worst that is to be said of the exports, and of which one. */
async function askAll(
  { clock, dial, board }: Pick<ServePorts, "clock" | "dial" | "board">,
  exports: ExportConfig["table"]["exports"],
  asked: Asked,
  write: boolean,
  timeoutMs: number,
): Promise<Answer> {
  const signal = clock.timeout(timeoutMs);
  let worst: Answer = { kind: "served" };
  for (const one of exports) {
    const answer = await askExport(dial, one, asked, write, signal);
    const phase = answer.kind === "not-served" ? "not-served" : "served";
    board.asked(one.path, phase, answer.kind === "served" ? undefined : answer.reason);
    if (answer.kind === "served") continue;
    worst = { kind: answer.kind, reason: `${one.path}: ${answer.reason}` };
    if (answer.kind === "not-served") return worst;
  }
  return worst;
}

/** Tells the board who uses the server, and how much room there is. */
async function lookAtUse(
  { board, space }: Pick<ServePorts, "board" | "space">,
  { ask }: Pick<Server, "ask">,
  exports: ExportConfig["table"]["exports"],
): Promise<void> {
  const answer = await ask({ kind: "use" });
  if (answer.kind !== "use") return;
  const spaces = new Map<string, Space>();
  for (const { path } of exports) {
    const found = await space(path);
    if (found !== undefined) spaces.set(path, found);
  }
  board.used(answer.use, spaces);
}

/** Connections of clients to the server before, which had the address. */
async function lostConnections({ ask }: Pick<Server, "ask">): Promise<readonly ClientConnection[]> {
  const answer = await ask({ kind: "lost-connections" });
  return answer.kind === "connections" ? answer.connections : [];
}

type Ask = (write: boolean) => Promise<Answer>;

/** Settles when every export has been seen to be served. Throws AppError 75 where that takes too long. */
async function untilServed(
  { log, clock }: ServePorts,
  ask: Ask,
  values: ServerValues,
  signal: AbortSignal,
): Promise<void> {
  const { serverCheckTimeoutMs, serverCheckThreshold } = values;
  const giveUpMs = clock.nowMs() + serverCheckTimeoutMs * serverCheckThreshold;
  const reasons = reasonLog();
  for (;;) {
    const answer = await ask(false);
    if (answer.kind === "served") return;
    const { reason } = answer;
    if (reasons.isDue("exports", reason, clock.nowMs())) {
      log("warn", "waiting until every export is served", { stage: "serve", reason });
    }
    if (clock.nowMs() > giveUpMs)
      throw new AppError(`not served: ${reason}`, exitCodes.lost, { hint: "start it again" });
    await clock.sleep(askEveryMs, signal);
  }
}

/** Asks for every export again and again; rejects with AppError 75 after the threshold. */
async function watchServer(
  { log, clock }: ServePorts,
  ask: Ask,
  look: () => Promise<void>,
  { serverCheckIntervalMs, serverCheckThreshold }: ServerValues,
  signal: AbortSignal,
): Promise<never> {
  const reasons = reasonLog();
  let failed = 0;
  for (;;) {
    await clock.sleep(serverCheckIntervalMs, signal);
    const answer = await ask(true);
    await look();
    if (answer.kind !== "not-served") {
      if (failed > 0) log("info", "every export is served again", { stage: "serve" });
      failed = 0;
      if (answer.kind === "not-writable" && reasons.isDue("write", answer.reason, clock.nowMs())) {
        log("warn", "an export does not take a file", { stage: "serve", reason: answer.reason });
      }
      continue;
    }
    failed++;
    log("warn", "an export is not served", { stage: "serve", reason: answer.reason, failed });
    if (failed < serverCheckThreshold) continue;
    const hint = "start it again";
    throw new AppError(`an export is no longer served: ${answer.reason}`, exitCodes.lost, { hint });
  }
}
