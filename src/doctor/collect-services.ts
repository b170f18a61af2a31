// Asks which services an address has: its port, NFS, rpcbind, mountd.
import { within } from "../abort.ts";
import { askExports } from "../ask/path.ts";
import { type Service, askPort, timeNull } from "../ask/service.ts";
import { type NfsQuestion, askMountHost } from "../kinds/nfs/question.ts";
import { rpcClient } from "../rpc/client.ts";
import { ports as wellKnown, programs } from "../rpc/message.ts";
import { type PortsAnswer, dumpPorts } from "../rpc/rpcbind.ts";
import { type Case, type DoctorPorts, limits } from "./collect-ports.ts";
import type { AddressFacts, RouteFact, ServiceFact } from "./facts.ts";

export type Reached = Omit<AddressFacts, "path4" | "path3" | "access">;

/** An address of which only the way there is known. */
export function unasked(address: string, route: RouteFact): Reached {
  return {
    address,
    route,
    port: undefined,
    usualPort: undefined,
    rpcbind: undefined,
    nfs4: undefined,
    nfs3: undefined,
    mountd: undefined,
    mountdPort: undefined,
    mountdAddress: address,
    exports: undefined,
  };
}

/** The way to an address, its port, and the services behind it. */
export async function reach({ ports, whole }: Case, question: NfsQuestion, address: string): Promise<Reached> {
  const route = ports.route(address);
  const nothing = unasked(address, route);
  if (route.kind === "no-route") return nothing;
  const nfsPort = question.port ?? wellKnown.nfs;
  const rpcbindAnswer = dump(ports, address, whole);
  const port = await ports.tryPort(address, nfsPort, within(ports.clock, limits.connectMs, whole));
  const nfs = (version: number, at: number) =>
    askNull(ports, { address, port: at, program: programs.nfs, version }, whole);
  const [nfs4, ofVersion3, usualPort] = await Promise.all([
    port.kind === "open" ? nfs(4, nfsPort) : undefined,
    (async () => {
      const rpcbind = await rpcbindAnswer;
      const at = question.port ?? registered(rpcbind, programs.nfs) ?? wellKnown.nfs;
      const isClosed = at === nfsPort && port.kind === "closed";
      const [itsNfs3, itsMountd] = await Promise.all([
        isClosed ? undefined : nfs(3, at),
        reachMountd(ports, question, address, rpcbind, whole),
      ]);
      return { nfs3: itsNfs3, ...itsMountd };
    })(),
    nfsPort === wellKnown.nfs ? undefined : nfs(question.version4 ? 4 : 3, wellKnown.nfs),
  ]);
  return {
    ...nothing,
    port,
    usualPort,
    rpcbind: await rpcbindAnswer,
    nfs4,
    ...ofVersion3,
  };
}

async function reachMountd(
  ports: DoctorPorts,
  question: NfsQuestion,
  address: string,
  rpcbind: PortsAnswer,
  whole: AbortSignal,
): Promise<Pick<Reached, "mountd" | "mountdPort" | "mountdAddress" | "exports">> {
  const { dial } = ports.network;
  const host = await askMountHost(ports.network, question, address, within(ports.clock, limits.nameMs, whole));
  const mountdAddress = host.kind === "address" ? host.address : address;
  let port = question.mountPort;
  if (port === undefined && mountdAddress === address) port = registered(rpcbind, programs.mountd);
  else if (port === undefined) {
    const found = await askPort(dial, mountdAddress, programs.mountd, 3, within(ports.clock, limits.questionMs, whole));
    port = found.kind === "port" ? found.port : undefined;
  }
  const silent = { mountdAddress, mountdPort: undefined, exports: undefined };
  if (port === undefined) return { ...silent, mountd: undefined };
  const mountd = await askNull(ports, { address: mountdAddress, port, program: programs.mountd, version: 3 }, whole);
  if (mountd.kind === "no-answer") {
    const mountdPort = await ports.tryPort(mountdAddress, port, within(ports.clock, limits.questionMs, whole));
    return { ...silent, mountd, mountdPort };
  }
  if (mountd.kind !== "success") return { ...silent, mountd };
  const exports = await askExports(
    dial,
    { address: mountdAddress, port },
    within(ports.clock, limits.questionMs, whole),
  );
  return { ...silent, mountd, exports };
}

/** The TCP port rpcbind has for version 3 of a program. */
export function registered(rpcbind: PortsAnswer, program: number): number | undefined {
  if (rpcbind.kind !== "ports") return undefined;
  return rpcbind.ports.find((one) => one.program === program && one.version === 3 && one.transport === "tcp")?.port;
}

/** What rpcbind has registered; a port that is not open is told by connect(2)'s own errno. */
export async function dump(
  { clock, network, tryPort }: DoctorPorts,
  address: string,
  whole: AbortSignal,
): Promise<PortsAnswer> {
  const port = await tryPort(address, wellKnown.portmapper, within(clock, limits.connectMs, whole));
  if (port.kind === "closed") return { kind: "no-answer", reason: port.reason, errno: port.errno };
  const client = rpcClient(network.dial, { address, port: port.port });
  try {
    return await dumpPorts(client, within(clock, limits.questionMs, whole));
  } finally {
    client.close();
  }
}

async function askNull({ clock, network }: DoctorPorts, service: Service, whole: AbortSignal): Promise<ServiceFact> {
  const answer = await timeNull(network.dial, service, clock.nowMs, within(clock, limits.questionMs, whole));
  return { ...answer, port: service.port };
}
