// Puts the rooms together that tell others how the shares are: the board, the state file, the HTTP server.
import type { ListenAddress } from "../../config/values.ts";
import { isSameOrBelow } from "../../shares/paths.ts";
import * as native from "native";
import type { Config } from "../../config/config.ts";
import { clock } from "../../host/clock.ts";
import { readMountstats } from "../../host/mounts.ts";
import { bootId, pidNamespace, processStartedMs } from "../../host/process-facts.ts";
import { openStateFile } from "../../host/state-file.ts";
import type { Log } from "../../lifecycle/log.ts";
import { createBoard, type Board } from "../../report/board.ts";
import { refresher, staleAfterMs } from "../../report/refresh.ts";
import { formatState } from "../../report/state.ts";
import type { StatusBoard } from "../../watch/status.ts";

export interface Publishing {
  /** Where the stages say what they see. */
  readonly board: StatusBoard;
  /** Takes back what was published; soon over, whatever hangs. */
  readonly stop: () => Promise<void>;
}

/** Roles that stay while the shares are used. */
const publishers: ReadonlySet<string> = new Set(["run", "sidecar"]);

/**
 * Publishes from now on, where the role is one that stays: the state file where there are shares, HTTP where NFS_LISTEN says
 * so. With NFS_EXEC nobody is left to publish, so nothing is.
 */
export function startPublishing(log: Log, { settings, shares }: Config, role: string, version: string): Publishing {
  const { nowMs } = clock;
  const { watchIntervalMs: intervalMs, watchTimeoutMs, listen = "off" } = settings;
  const board = createBoard(
    nowMs,
    {
      program: version,
      role,
      bootId: bootId(),
      startedMs: processStartedMs("self") ?? nowMs(),
      staleAfterMs: staleAfterMs(intervalMs, watchTimeoutMs),
    },
    shares,
  );
  const isReplaced = role === "run" && settings.exec;
  if (isReplaced || !publishers.has(role)) {
    if (isReplaced && listen !== "off")
      say(log, "with NFS_EXEC nobody is left to answer, NFS_LISTEN has no effect", listen);
    return { board, stop: async () => {} };
  }
  const withdrawState = shares.length > 0 ? publishState(log, board, settings.stateDir, intervalMs) : undefined;
  const closeServer = listen === "off" ? undefined : serve(log, board, listen, shares);
  return {
    board,
    stop: async () => {
      closeServer?.();
      await withdrawState?.();
    },
  };
}

function publishState(log: Log, board: Board, stateDir: string, intervalMs: number): () => Promise<void> {
  const file = openStateFile(stateDir, (reason) =>
    log("warn", "the state cannot be published, check and status do not work", {
      stage: "watch",
      path: stateDir,
      reason,
    }),
  );
  const instance = { pid: native.getpid(), pidNamespace: pidNamespace() };
  const { news, stop } = refresher(
    {
      nowMs: clock.nowMs,
      later: (ms, call) => {
        const timer = setTimeout(call, ms);
        return () => clearTimeout(timer);
      },
      write: () => file.write(() => formatState(board.current(), instance)),
    },
    intervalMs,
  );
  board.subscribe(news);
  return () => {
    stop();
    return file.withdraw();
  };
}

/** Gives what closes it. The server is loaded only where it is wanted. */
function serve(log: Log, board: Board, address: ListenAddress, shares: Config["shares"]): () => void {
  if (address.kind === "socket" && shares.some(({ target }) => isSameOrBelow(address.path, target))) {
    say(log, "the socket of NFS_LISTEN would lie on a share, it is not made", address);
    return () => {};
  }
  let isClosed = false;
  let close = () => {
    isClosed = true;
  };
  const take = () => ({
    status: board.current(),
    mountstats: readMountstats(),
    nowMs: clock.nowMs(),
    wallMs: Date.now(),
  });
  void Promise.all([import("../../host/http-server.ts"), import("../../report/responses.ts")]).then(
    ([http, { respond }]) => {
      if (isClosed) return;
      ({ close } = http.serveHttp(address, (method, url) => respond(method, url, take), {
        onListening: () => log("info", "answering over HTTP", { stage: "watch", address: nameOf(address) }),
        onTrouble: (reason) => say(log, "cannot listen where NFS_LISTEN says, trying again", address, reason),
      }));
    },
  );
  return () => close();
}

function say(log: Log, message: string, address: ListenAddress, reason?: string): void {
  log("warn", message, { stage: "watch", address: nameOf(address), ...(reason === undefined ? {} : { reason }) });
}

function nameOf(address: ListenAddress): string {
  if (address.kind === "socket") return address.path;
  return `${address.host.includes(":") ? `[${address.host}]` : address.host}:${address.port}`;
}
