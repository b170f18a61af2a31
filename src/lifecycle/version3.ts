// What clients of version 3 need beside the kernel's server, while that is served: started before it, told of it, ended after it.
import type { ServerValues } from "../config/exports.ts";
import { wantsVersion3 } from "../config/server-settings.ts";
import { AppError, exitCodes } from "../errors.ts";
import { formatClient, type Network } from "../export/clients.ts";
import type { ExportTable } from "../export/exports.ts";
import type { KernelServer, ServedVersion, ServerAnswer, ServerRequest } from "../export/server.ts";
import type { MountPort } from "../export/v3/mount-service.ts";
import type { Version3, Version3Event, Version3Failure } from "../export/v3/version3.ts";
import type { Log } from "../report/log.ts";
import { bytesOfHex } from "../text/hex.ts";

/** What it is started with. */
export interface Version3Start {
  readonly stateDirectory: string;
  readonly mountdPort: number;
  readonly statdPort: number;
  readonly mount: MountPort;
  readonly ownAddresses: readonly string[];
  readonly setLocalState: (state: number) => void;
  readonly endLockGrace: () => void;
  readonly onEvent: (event: Version3Event) => void;
}

export interface Version3LifePorts {
  readonly log: Log;
  readonly startVersion3: (start: Version3Start) => Promise<Version3 | Version3Failure>;
  /** The networks of this machine. */
  readonly attachedNetworks: () => readonly Network[];
}

/** Requests to whoever drives the kernel's server. */
export interface ServerRequests {
  /** Waits until there is a server; a refusal where that has ended. */
  readonly ask: (request: ServerRequest) => Promise<ServerAnswer>;
  readonly connect: (kernel: Pick<KernelServer, "request">) => void;
  readonly answered: (number: number, answer: ServerAnswer) => void;
  readonly end: () => void;
}

export function serverRequests(): ServerRequests {
  const waiting = new Map<number, (answer: ServerAnswer) => void>();
  const connected = Promise.withResolvers<Pick<KernelServer, "request"> | undefined>();
  const none: ServerAnswer = { kind: "mount-error", status: "SERVERFAULT" };
  let isOver = false;
  let last = 0;
  return {
    ask: async (request) => {
      const kernel = await connected.promise;
      if (kernel === undefined || isOver) return none;
      const number = (last += 1);
      const { promise, resolve } = Promise.withResolvers<ServerAnswer>();
      waiting.set(number, resolve);
      kernel.request(number, request);
      return promise;
    },
    connect: connected.resolve,
    answered: (number, answer) => {
      waiting.get(number)?.(answer);
      waiting.delete(number);
    },
    end: () => {
      isOver = true;
      connected.resolve(undefined);
      for (const resolve of waiting.values()) resolve(none);
      waiting.clear();
    },
  };
}

/** What there is for version 3 while the server is; its versions are without 3 where that cannot be served and was not asked for. */
export interface Version3Life {
  readonly versions: readonly ServedVersion[] | undefined;
  /** To be called once requests are served, with the versions that are. */
  readonly serving: (versions: readonly string[]) => void;
  readonly close: () => Promise<void>;
}

/** Throws AppError 32 where version 3 was asked for by name and cannot be served. */
export async function startVersion3Life(
  { log, startVersion3, attachedNetworks }: Version3LifePorts,
  values: ServerValues,
  table: ExportTable,
  { ask }: Pick<ServerRequests, "ask">,
): Promise<Version3Life> {
  const { serverVersions: wanted, serverVip } = values;
  if (!wantsVersion3(values)) return { versions: wanted, serving: () => {}, close: () => Promise.resolve() };
  const started = await startVersion3({
    stateDirectory: values.serverState,
    mountdPort: values.mountdPort,
    statdPort: values.statdPort,
    mount: mountPort(table, ask, attachedNetworks),
    ownAddresses: serverVip === undefined ? [] : [serverVip.address],
    setLocalState: (state) => void ask({ kind: "lock-state", state }),
    endLockGrace: () => void ask({ kind: "end-lock-grace" }),
    onEvent: (event) => say(log, event),
  });
  if (started.kind === "failed") {
    const hint = "end what has it, set another port, or leave version 3 out with NFS_SERVER_VERSIONS=4";
    if (wanted !== undefined) {
      throw new AppError(`cannot serve version 3: ${started.reason}`, exitCodes.mountFailed, { hint });
    }
    log("warn", "version 3 is not served", { stage: "serve", reason: started.reason, hint });
    return { versions: ["4.0", "4.1", "4.2"], serving: () => {}, close: () => Promise.resolve() };
  }
  let closed: Promise<void> | undefined;
  const close = () => (closed ??= started.close());
  const serving = (versions: readonly string[]): void => {
    // A kernel without version 3: nobody is to be told of services that lead nowhere.
    void (versions.includes("3") ? started.announce() : close());
  };
  return { versions: wanted, serving, close };
}

function mountPort(table: ExportTable, ask: ServerRequests["ask"], attached: () => readonly Network[]): MountPort {
  const fault = { kind: "mount-error", status: "SERVERFAULT" } as const;
  return {
    allow: async (client, path) => {
      const answer = await ask({ kind: "allow", client, path });
      return answer.kind === "allowed" || answer.kind === "mount-error" ? answer : fault;
    },
    fileHandle: async (domain, path, mostBytes) => {
      const answer = await ask({ kind: "handle", domain, path, mostBytes });
      if (answer.kind === "handle") return { kind: "handle", handle: bytesOfHex(answer.hex) };
      return answer.kind === "mount-error" ? answer : fault;
    },
    exports: () =>
      table.exports.map(({ path, rules }) => {
        const clients = rules.flatMap((rule) => rule.clients);
        const isForAll = clients.some(({ kind }) => kind === "any");
        return { path, clients: isForAll ? [] : clients.flatMap((client) => formatClient(client, attached())) };
      }),
  };
}

function say(log: Log, event: Version3Event): void {
  const stage = "serve";
  switch (event.kind) {
    case "peer":
      return event.isTold
        ? log("info", "a client was told to take its locks back", { stage, client: event.peer })
        : log("warn", "a client could not be told to take its locks back", { stage, client: event.peer });
    case "client-restarted":
      return event.isFreed
        ? log("info", "a client has started again, its locks were freed", { stage, client: event.client })
        : log("warn", "a client has started again, its locks could not be freed", { stage, client: event.client });
  }
}
