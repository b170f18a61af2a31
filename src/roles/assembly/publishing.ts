// Puts the rooms together that tell others how the shares are: the board, the state file, the HTTP server.
import type { ListenAddress } from "../../config/values.ts";
import { isSameOrBelow } from "../../shares/paths.ts";
import * as native from "native";
import type { Config } from "../../config/config.ts";
import { clock } from "../../host/clock.ts";
import { readMountstats } from "../../host/mounts.ts";
import { bootId, pidNamespace, processStartedMs } from "../../host/process-facts.ts";
import { openStateFile, type PublishedState } from "../../host/state-file.ts";
import type { Request } from "../../report/http-request.ts";
import type { Log } from "../../report/log.ts";
import { createBoard, type Board } from "../../report/board.ts";
import { refresher, staleAfterMs } from "../../report/refresh.ts";
import { formatState } from "../../report/state.ts";
import type { Frame } from "./frame.ts";

const { nowMs, timeOfDayMs, later } = clock;

/** Where the stages say what they see of the configured shares. */
export function boardOf({ invocation, version }: Frame, { settings, shares }: Config): Board {
  return createBoard(
    nowMs,
    {
      program: version,
      role: invocation.role.name,
      bootId: bootId(),
      startedMs: processStartedMs("self") ?? nowMs(),
      staleAfterMs: staleAfterMs(settings.watchIntervalMs, settings.watchTimeoutMs),
    },
    shares,
  );
}

/**
 * Publishes from now on: the state file where there are shares, HTTP where NFS_LISTEN says so. With NFS_EXEC nobody is left to
 * publish, so nothing is. Gives what takes it back; that is soon over, whatever hangs.
 */
export function publish(log: Log, board: Board, { settings, shares }: Config): () => Promise<void> {
  const { watchIntervalMs, listen = "off" } = settings;
  if (settings.exec) {
    if (listen !== "off") say(log, "with NFS_EXEC nobody is left to answer, NFS_LISTEN has no effect", listen);
    return async () => {};
  }
  const { stateDir } = settings;
  const state = shares.length > 0 ? { stateDir, intervalMs: watchIntervalMs } : undefined;
  const targets = shares.map(({ target }) => target);
  return publishBoard(log, board, { state, listen, targets });
}

/** What of a board is published. */
export type PublishedBoard = Pick<Board, "current" | "subscribe">;

export interface Publication {
  /** Where the state file lies, if there is to be one, and how often it is written. */
  readonly state: PublishedState | undefined;
  readonly listen: ListenAddress | "off";
  /** Mount points, on which no socket can lie. */
  readonly targets: readonly string[];
}

export function publishBoard(
  log: Log,
  board: PublishedBoard,
  { state, listen, targets }: Publication,
): () => Promise<void> {
  const withdrawState = state && publishState(log, board, state);
  const closeServer = listen === "off" ? undefined : serve(log, board, listen, targets);
  return async () => {
    closeServer?.();
    await withdrawState?.();
  };
}

function publishState(log: Log, board: PublishedBoard, state: PublishedState): () => Promise<void> {
  const { stateDir, intervalMs } = state;
  const file = openStateFile(state, (reason) =>
    log("warn", "the state cannot be published, check and status do not work", {
      stage: "watch",
      path: stateDir,
      reason,
    }),
  );
  const instance = { pid: native.getpid(), pidNamespace: pidNamespace() };
  const { news, stop } = refresher(
    {
      nowMs,
      later,
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
function serve(log: Log, board: PublishedBoard, address: ListenAddress, targets: readonly string[]): () => void {
  if (address.kind === "socket" && targets.some((target) => isSameOrBelow(address.path, target))) {
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
    nowMs: nowMs(),
    wallMs: timeOfDayMs(),
  });
  void Promise.all([
    import("../../host/http-server.ts"),
    import("../../report/http-answer.ts"),
    import("../../report/responses.ts"),
    import("../../report/status-page.ts"),
  ]).then(([http, { answerTo }, { respond }, { createStatusPage }]) => {
    if (isClosed) return;
    const page = createStatusPage({ take, later });
    board.subscribe(page.news);
    const answer = (request: Request) =>
      page.answer(request) ?? answerTo(request, (method, url) => respond(method, url, take));
    ({ close } = http.serveHttp(
      address,
      { answer },
      {
        onListening: () => log("info", "answering over HTTP", { stage: "watch", address: nameOf(address) }),
        onTrouble: (reason) => say(log, "cannot listen where NFS_LISTEN says, trying again", address, reason),
      },
    ));
  });
  return () => close();
}

function say(log: Log, message: string, address: ListenAddress, reason?: string): void {
  log("warn", message, { stage: "watch", address: nameOf(address), ...(reason === undefined ? {} : { reason }) });
}

function nameOf(address: ListenAddress): string {
  if (address.kind === "socket") return address.path;
  return `${address.host.includes(":") ? `[${address.host}]` : address.host}:${address.port}`;
}
