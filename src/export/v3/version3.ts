// What clients of version 3 need beside nfsd: a portmapper, the MOUNT service and a status monitor, started and ended together.
import { within } from "../../abort.ts";
import { errnoOf, messageOf } from "../../errors.ts";
import { ports } from "../../rpc/message.ts";
import type { RpcProgram } from "../../rpc/service.ts";
import type { Dial } from "../../rpc/transport.ts";
import { startRecords, type Monitored, type MonitorRecords } from "./monitor-records.ts";
import { mountService, type MountPort } from "./mount-service.ts";
import { portmapper, registry, type Netid, type Registration } from "./portmapper.ts";
import { hasPortmapper, register, unregister } from "./registration.ts";
import { notifyPeers, tellLockd, type Notice, type NoticePort } from "./restart-notices.ts";
import { statusMonitor } from "./status-monitor.ts";

/** Where to listen; a Unix socket lets in root alone. */
export type ListenAt =
  | { readonly transport: "tcp" | "udp"; readonly address: string; readonly port: number }
  | { readonly transport: "local"; readonly path: string };

export interface Version3World extends Omit<NoticePort, "dial"> {
  readonly dial: Dial;
  /** Serves programs there until `closeAll`; throws the system's error where it cannot. Gives the port. */
  readonly listen: (at: ListenAt, programs: readonly RpcProgram[]) => number;
  readonly closeAll: () => void;
  readonly mount: MountPort;
  /** The records of an earlier instance. */
  readonly loadRecords: () => MonitorRecords | undefined;
  readonly saveRecords: (records: MonitorRecords) => void;
  /** The state that lockd tells its peers (/proc/sys/fs/nfs/nsm_local_state); nothing is lost where it cannot be set. */
  readonly setLocalState: (state: number) => void;
  /** Ends the time in which only locks of before may be taken (/proc/fs/lockd/nlm_end_grace). */
  readonly endLockGrace: () => void;
  readonly onEvent: (event: Version3Event) => void;
}

export type Version3Event =
  /** A client that held locks has been told that they are to be taken back, or could not be reached. */
  | ({ readonly kind: "peer" } & Notice)
  /** A client has started again: its locks were freed, or lockd could not be told. */
  | { readonly kind: "client-restarted"; readonly client: string; readonly isFreed: boolean };

export interface Version3Ports {
  readonly mountd: number;
  readonly statd: number;
}

/** Why version 3 cannot be served. */
export interface Version3Failure {
  readonly kind: "failed";
  /** "port 111 (portmapper): address already in use" */
  readonly reason: string;
}

export interface Version3 {
  readonly kind: "serving";
  /** Whose portmapper it is. */
  readonly portmapper: "own" | "other";
  /**
   * To be called once nfsd and lockd serve: tells clients that had locks before the restart to take them back. Settles when all
   * have been told or given up, or `close` is called.
   */
  readonly announce: () => Promise<void>;
  readonly close: () => Promise<void>;
}

const registerMs = 5_000;
const lockdMs = 10_000;
/** Between two restarts of one client that lockd is told of. */
const restartedEveryMs = 10_000;
/** The kernel looks for it there (net/sunrpc/rpcb_clnt.c). */
const rpcbindPath = "/run/rpcbind.sock";

/** Starts all three. nfsd must not be given its sockets before: it registers with the portmapper. */
export async function startVersion3(world: Version3World, wanted: Version3Ports): Promise<Version3 | Version3Failure> {
  const life = new AbortController();
  const registered = registry();
  const monitor = startMonitor(world, life.signal);
  const isOwn = !(await hasPortmapper(world.dial, world.clock.timeout(registerMs)));
  const services = [
    { name: "portmapper", port: ports.portmapper, program: portmapper(registered, world.clock.timeOfDayMs) },
    { name: "MOUNT service", port: wanted.mountd, program: mountService(world.mount) },
    { name: "status monitor", port: wanted.statd, program: monitor.program },
  ];
  const registrations: Registration[] = [];
  for (const service of isOwn ? services : services.slice(1)) {
    const found = listenEverywhere(world, service);
    if ("kind" in found) {
      world.closeAll();
      return found;
    }
    registrations.push(...found);
  }
  if (isOwn) {
    for (const one of registrations) registered.set(one);
    listenQuietly(world, services[0]?.program);
  } else {
    const refused = await register(world.dial, registrations, world.clock.timeout(registerMs));
    const needed = refused.find(({ netid }) => netid === "tcp");
    if (needed !== undefined) {
      world.closeAll();
      return { kind: "failed", reason: `the portmapper of this machine does not take program ${needed.program}` };
    }
  }
  return {
    kind: "serving",
    portmapper: isOwn ? "own" : "other",
    announce: () => monitor.announce(),
    close: async () => {
      life.abort();
      if (!isOwn) await unregister(world.dial, registrations, world.clock.timeout(registerMs));
      world.closeAll();
    },
  };
}

interface Service {
  readonly name: string;
  readonly port: number;
  readonly program: RpcProgram;
}

/** All transports of a service on one port. IPv6 is left out where this machine has none. */
function listenEverywhere(world: Version3World, service: Service): readonly Registration[] | Version3Failure {
  const found: Registration[] = [];
  let { port } = service;
  for (const netid of ["tcp", "udp", "tcp6", "udp6"] as const) {
    try {
      port = world.listen({ ...whereOf(netid), port }, [service.program]);
    } catch (error) {
      const errno = errnoOf(error);
      if (netid.endsWith("6") && (errno === "EAFNOSUPPORT" || errno === "EADDRNOTAVAIL")) continue;
      return { kind: "failed", reason: `port ${port} (${service.name}): ${messageOf(error)}` };
    }
    for (const version of service.program.versions.keys())
      found.push({ program: service.program.program, version, netid, address: "", port });
  }
  return found;
}

function whereOf(netid: Netid): { readonly transport: "tcp" | "udp"; readonly address: string } {
  const transport = netid.startsWith("tcp") ? "tcp" : "udp";
  return { transport, address: netid.endsWith("6") ? "::" : "0.0.0.0" };
}

/** The kernel asks by this path first, and by TCP where it is not there. */
function listenQuietly(world: Version3World, program: RpcProgram | undefined): void {
  try {
    if (program !== undefined) world.listen({ transport: "local", path: rpcbindPath }, [program]);
  } catch {
    // As said.
  }
}

interface RunningMonitor {
  readonly program: RpcProgram;
  readonly announce: () => Promise<void>;
}

function startMonitor(world: Version3World, signal: AbortSignal): RunningMonitor {
  const restarted = restartTeller(world, signal);
  const start = startRecords(world.loadRecords(), world.clock.timeOfDayMs());
  const monitor = statusMonitor(start, {
    save: world.saveRecords,
    onRestarted: restarted,
    onCrashSimulated: () => void announce(),
  });
  const announce = async (): Promise<void> => {
    const { state, toNotify: peers } = monitor.records();
    world.setLocalState(state);
    // Nobody held a lock: whoever wants one, of version 4 too, need not wait.
    if (peers.length === 0) world.endLockGrace();
    const onDone = (notice: Notice) => {
      monitor.forget([notice.peer]);
      world.onEvent({ kind: "peer", ...notice });
    };
    await notifyPeers(world, { peers, state }, onDone, signal);
  };
  saveQuietly(world, start);
  return { program: monitor.program, announce };
}

/** Where the records cannot be kept, each client that asks for a lock is told so. */
function saveQuietly(world: Version3World, records: MonitorRecords): void {
  try {
    world.saveRecords(records);
  } catch {
    // As said.
  }
}

/**
 * Tells lockd of each client that has started again, once for a state of it however often it says so, and once in a while whatever it
 * says: of what comes meanwhile the last word counts. No host starts twice in so short a time, and one that says so costs little.
 */
function restartTeller(world: Version3World, signal: AbortSignal): (one: Monitored, state: number) => void {
  const told = new Map<string, { readonly one: Monitored; readonly state: number }>();
  const busy = new Set<string>();
  const tell = async (name: string): Promise<void> => {
    for (let last = told.get(name); last !== undefined && !signal.aborted;) {
      const { one, state } = last;
      const isFreed = await tellLockd(world.dial, one, state, within(world.clock, lockdMs, signal));
      world.onEvent({ kind: "client-restarted", client: name, isFreed });
      if (!isFreed && told.get(name) === last) told.delete(name);
      await world.clock.sleep(restartedEveryMs, signal).catch(() => {});
      const next = told.get(name);
      last = next === last ? undefined : next;
    }
    busy.delete(name);
  };
  return (one, state) => {
    if (told.get(one.name)?.state === state) return;
    told.set(one.name, { one, state });
    if (busy.has(one.name)) return;
    busy.add(one.name);
    void tell(one.name);
  };
}
