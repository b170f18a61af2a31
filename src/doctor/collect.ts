// Asks everything doctor wants to know of a share's servers, side by side and each question within its time.
import { lastOf } from "../shares/options.ts";
import { versionsToTry, type ExactVersion } from "../kinds/nfs/versions.ts";
import type { Share } from "../shares/share.ts";
import { isSameOrBelow } from "../shares/paths.ts";
import { findRefusedOption, isOptionErrno, type OptionPorts } from "../mount/refused-option.ts";
import { kerberosFlavor } from "../kinds/nfs/kerberos.ts";
import { kernelMount, wantsHelper } from "../kinds/nfs/mount-data.ts";
import type { KernelMount } from "../kinds/mounting.ts";
import type { Identity } from "../init/identity.ts";
import type { Mounter } from "../mount/ports.ts";
import { rpcClient, type RpcClient } from "../rpc/client.ts";
import { ports as wellKnown, programs, type Credential } from "../rpc/message.ts";
import { listExports, mountPath, unmountPath, type ExportsAnswer, type MountAnswer } from "../rpc/mountd.ts";
import { checkAccess, type AccessAnswer } from "../rpc/nfs3.ts";
import type { MinorVersion } from "../rpc/nfs4-compound.ts";
import { lookupPath, type LookupAnswer } from "../rpc/nfs4.ts";
import { ownerOf } from "../rpc/owner.ts";
import { askPort } from "../ask/service.ts";
import { dumpPorts, type PortsAnswer } from "../rpc/rpcbind.ts";
import type { Network } from "../ask/network.ts";
import { mountAddresses, questionOf, type ServerQuestion } from "../wait/readiness.ts";
import {
  wantsLocks,
  type AccessFact,
  type AddressFacts,
  type Asked,
  type DoctorFacts,
  type MountPointFact,
  type NameFact,
  type Path3Fact,
  type Path4Fact,
  type PortFact,
  type RouteFact,
  type ServiceFact,
  type ShareFacts,
  type TrialFact,
} from "./facts.ts";
import { refusalOf } from "./rights.ts";

/** A trial in one version. */
export interface TrialRequest {
  readonly version: string;
  readonly call: KernelMount;
}

/** What the questions need of the machine. */
export interface DoctorPorts {
  readonly network: Network;
  /** Milliseconds that never jump. */
  readonly nowMs: () => number;
  /** Which way an address would be reached, without a packet. */
  readonly route: (address: string) => RouteFact;
  /** A TCP connection to a port, made and closed. */
  readonly tryPort: (address: string, port: number, signal: AbortSignal) => Promise<PortFact>;
  /** Everything that is told by this machine alone; shares are given for the harmless mount(2) calls. */
  readonly machine: (shares: readonly Share[]) => Pick<DoctorFacts, "engine" | "process" | "kernel" | "fstab"> & {
    readonly locks: Omit<DoctorFacts["locks"], "ownRpcbind">;
  };
  readonly mountPoint: (share: Share, timeoutMs: number) => Promise<MountPointFact>;
  /** Mounts for a moment, in a mount namespace of its own, one version after another until one works. */
  readonly trial: (share: Share, requests: readonly TrialRequest[], signal: AbortSignal) => Promise<TrialFact>;
  readonly readOptions: Mounter["readOptions"];
  /** Who doctor itself is. */
  readonly self: { readonly uid: number; readonly gid: number; readonly machineName: string };
}

/** How long the questions may take, in milliseconds; each is also bounded by the whole. */
const limits = {
  nameMs: 3_000,
  /** A neighbour that does not answer ARP is reported after 3.1 s. */
  connectMs: 3_600,
  questionMs: 2_000,
  trialMs: 3_500,
  mountPointMs: 2_000,
} as const;

/** The facts of all shares; what is not answered within `budgetMs` counts as not answered. */
export async function collectFacts(
  ports: DoctorPorts,
  shares: readonly Share[],
  identity: Identity | undefined,
  budgetMs: number,
): Promise<DoctorFacts> {
  const startedMs = ports.nowMs();
  const whole = AbortSignal.timeout(budgetMs);
  const machine = ports.machine(shares);
  const mayMount = refusalOf(machine.process) === undefined;
  const [ownRpcbind, ...shareFacts] = await Promise.all([
    shares.some(wantsLocks) ? dump(ports, "127.0.0.1", whole) : undefined,
    ...shares.map((share) => collectShare({ ports, share, identity, mayMount, whole })),
  ]);
  return {
    ...machine,
    locks: { ...machine.locks, ownRpcbind },
    identity,
    shares: shareFacts,
    tookMs: ports.nowMs() - startedMs,
  };
}

interface Case {
  readonly ports: DoctorPorts;
  readonly share: Share;
  readonly identity: Identity | undefined;
  readonly mayMount: boolean;
  /** Aborts when doctor's whole time is over. */
  readonly whole: AbortSignal;
}

function within(ms: number, whole: AbortSignal): AbortSignal {
  return AbortSignal.any([whole, AbortSignal.timeout(ms)]);
}

async function collectShare(one: Case): Promise<ShareFacts> {
  const { ports, share, whole } = one;
  const question = questionOf(share);
  const mountPoint = ports.mountPoint(share, limits.mountPointMs);
  const { name, addresses } = await resolve(ports, question, whole);
  const reached = await Promise.all(addresses.map((address) => reach(one, question, address)));
  const [trial, ...complete] = await Promise.all([
    tryMount(one, question, reached),
    ...reached.map((facts) => lookAtPath(one, question, facts)),
  ]);
  return { share, mountPoint: await mountPoint, name, addresses: complete, trial };
}

async function resolve(
  { network }: DoctorPorts,
  { host, family }: ServerQuestion,
  whole: AbortSignal,
): Promise<{ readonly name: NameFact; readonly addresses: readonly string[] }> {
  const resolved = await network.resolveName(host, within(limits.nameMs, whole), family);
  if (resolved.kind === "unresolved") {
    const { reason } = resolved;
    const kind = /not known/.test(reason) ? "unknown" : /does not answer/.test(reason) ? "no-answer" : "failed";
    return { name: { kind, reason }, addresses: [] };
  }
  const all = [...new Set(resolved.addresses)];
  const addresses = all.filter((address) => family === undefined || (family === 6) === address.includes(":"));
  if (addresses.length === 0 && family !== undefined) {
    return { name: { kind: "wrong-family", family, addresses: all }, addresses };
  }
  return { name: { kind: "resolved" }, addresses };
}

type Reached = Omit<AddressFacts, "path4" | "path3" | "access">;

/** The way to an address, its port, and the services behind it. */
async function reach({ ports, whole }: Case, question: ServerQuestion, address: string): Promise<Reached> {
  const route = ports.route(address);
  const nothing = {
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
  if (route.kind === "no-route") return nothing;
  const nfsPort = question.port ?? wellKnown.nfs;
  const rpcbindAnswer = dump(ports, address, whole);
  const port = await ports.tryPort(address, nfsPort, within(limits.connectMs, whole));
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
  question: ServerQuestion,
  address: string,
  rpcbind: PortsAnswer,
  whole: AbortSignal,
): Promise<Pick<Reached, "mountd" | "mountdPort" | "mountdAddress" | "exports">> {
  const { network } = ports;
  let mountdAddress = address;
  let at = question.mountPort ?? registered(rpcbind, programs.mountd);
  if (question.mountHost !== undefined && question.mountHost !== question.host) {
    const resolved = await network.resolveName(question.mountHost, within(limits.nameMs, whole), question.family);
    if (resolved.kind === "addresses") mountdAddress = resolved.addresses[0] ?? address;
    const signal = within(limits.questionMs, whole);
    const found = await askPort(network.dial, mountdAddress, programs.mountd, 3, signal);
    at = question.mountPort ?? (found.kind === "port" && found.port !== 0 ? found.port : undefined);
  }
  const unasked = { mountdAddress, mountdPort: undefined, exports: undefined };
  if (at === undefined) return { ...unasked, mountd: undefined };
  const service = { address: mountdAddress, port: at, program: programs.mountd, version: 3 };
  const mountd = await askNull(ports, service, whole);
  if (mountd.kind === "no-answer") {
    return { ...unasked, mountd, mountdPort: await ports.tryPort(mountdAddress, at, within(limits.questionMs, whole)) };
  }
  if (mountd.kind !== "success") return { ...unasked, mountd };
  const client = rpcClient(network.dial, { address: mountdAddress, port: at });
  try {
    const exports: ExportsAnswer = await listExports(client, within(limits.questionMs, whole));
    return { ...unasked, mountd, exports };
  } finally {
    client.close();
  }
}

/** The TCP port rpcbind has for version 3 of a program. */
function registered(rpcbind: PortsAnswer, program: number): number | undefined {
  if (rpcbind.kind !== "ports") return undefined;
  return rpcbind.ports.find((one) => one.program === program && one.version === 3 && one.transport === "tcp")?.port;
}

/** What rpcbind has registered; a port that is not open is told by connect(2)'s own errno. */
async function dump({ network, tryPort }: DoctorPorts, address: string, whole: AbortSignal): Promise<PortsAnswer> {
  const port = await tryPort(address, wellKnown.portmapper, within(limits.connectMs, whole));
  if (port.kind === "closed") return { kind: "no-answer", reason: port.reason, errno: port.errno };
  const client = rpcClient(network.dial, { address, port: port.port });
  try {
    return await dumpPorts(client, within(limits.questionMs, whole));
  } finally {
    client.close();
  }
}

/** NULL four times: the first pays for the connection, the median of the others is the round trip. */
async function askNull(
  { network, nowMs }: DoctorPorts,
  { address, port, program, version }: { address: string; port: number; program: number; version: number },
  whole: AbortSignal,
): Promise<ServiceFact> {
  const client = rpcClient(network.dial, { address, port });
  const signal = within(limits.questionMs, whole);
  const tookMs: number[] = [];
  try {
    for (let times = 0; times < 4; times++) {
      const beganMs = nowMs();
      const answer = await client.ask(
        { program, version, procedure: 0, decode: () => ({ kind: "success" }) as const },
        signal,
      );
      if (answer.kind !== "success") return { ...answer, port };
      tookMs.push(nowMs() - beganMs);
    }
    const [, median = 0] = tookMs.slice(1).sort((one, other) => one - other);
    return { kind: "success", port, roundTripMs: median };
  } finally {
    client.close();
  }
}

/** Tries to mount from the first address whose services answer, in each version that they speak. */
async function tryMount(
  { ports, share, mayMount, whole }: Case,
  question: ServerQuestion,
  reached: readonly Reached[],
): Promise<TrialFact> {
  if (!mayMount) return { kind: "not-tried", reason: "this process may not mount" };
  const speaks = (facts: Reached) =>
    versionsToTry(share.version).filter((version) =>
      version === "3"
        ? facts.nfs3?.kind === "success" && facts.mountd?.kind === "success"
        : facts.nfs4?.kind === "success",
    );
  const from = reached.find((facts) => speaks(facts).length > 0);
  if (from === undefined) return { kind: "not-tried", reason: "no server answers that could be mounted from" };
  const signal = within(limits.trialMs, whole);
  const requests: TrialRequest[] = [];
  for (const version of speaks(from)) {
    const addresses = await mountAddresses(ports.network, question, from, version, signal);
    if (typeof addresses === "string") continue;
    // Locks are looked at by themselves: the kernel alone would mount without asking for statd.
    const options = version === "3" && wantsHelper(share, "3") ? [...share.options, "nolock"] : share.options;
    requests.push({ version, call: kernelMount({ label: share.label, options }, version, addresses) });
  }
  const trial = await ports.trial(share, requests, signal);
  if (trial.kind === "not-tried" || trial.calls.some(({ errno }) => !isOptionErrno(errno))) return trial;
  const [first, ...others] = trial.calls;
  const [request] = requests;
  if (first === undefined || request === undefined) return trial;
  const optionPorts: OptionPorts = {
    readOptions: (call, words) => ports.readOptions(call, words, limits.questionMs),
    tryCalls: async (_, version, calls) => {
      const again = calls.map((call) => ({ version, call }));
      return errnosOf(await ports.trial(share, again, within(limits.trialMs, whole)));
    },
  };
  const refused = await findRefusedOption(optionPorts, share, request.version, request.call);
  return { ...trial, calls: [refused === undefined ? first : { ...first, refused }, ...others] };
}

function errnosOf(trial: TrialFact): readonly string[] {
  return trial.kind === "tried" ? trial.calls.map(({ errno }) => errno) : [];
}

/** What the server says of the exported path and of writing there, by RPC and so without any right to mount. */
async function lookAtPath(one: Case, question: ServerQuestion, facts: Reached): Promise<AddressFacts> {
  const path4 =
    facts.nfs4?.kind === "success" && question.version4 ? await askPath4(one, facts, facts.nfs4.port) : undefined;
  const isFound = path4?.asMounted?.kind === "found";
  const path3Answers =
    facts.mountd?.kind === "success" && (question.version3 || !isFound || kerberosFlavor(one.share) !== undefined)
      ? await askPath3(one, facts, facts.mountd.port)
      : undefined;
  const instead =
    path4 !== undefined && !isFound ? await findInstead(one, facts, path4, path3Answers?.asMounted) : undefined;
  const handle = path3Answers?.asMounted.kind === "mounted" ? path3Answers.asMounted.handle : undefined;
  return {
    ...facts,
    path4: path4 === undefined ? undefined : { ...path4, instead },
    path3: path3Answers,
    access: await askAccess(one, facts, path4, handle),
  };
}

const minorOf: Readonly<Record<Exclude<ExactVersion, "3">, MinorVersion>> = { "4.0": 0, "4.1": 1, "4.2": 2 };

function isVersion4(version: ExactVersion): version is Exclude<ExactVersion, "3"> {
  return version !== "3";
}

/** Asks as the kernel does when it mounts: as root by AUTH_SYS, from the kind of port that the share's options say. */
function clientOf(
  { ports }: Case,
  address: string,
  port: number,
  reserved: boolean,
  { uid, gid, gids = [] }: { readonly uid: number; readonly gid: number; readonly gids?: readonly number[] } = {
    uid: 0,
    gid: 0,
  },
): RpcClient {
  const credential: Credential = { kind: "sys", machineName: ports.self.machineName, uid, gid, gids };
  return rpcClient(ports.network.dial, { address, port, reserved, credential });
}

function usesReservedPort({ share }: Case): boolean {
  return lastOf(share.options, "resvport", "noresvport") !== "noresvport";
}

async function asking<T>(client: RpcClient, question: (client: RpcClient) => Promise<T>): Promise<Asked<T>> {
  try {
    const answer = await question(client);
    return { ...answer, reservedPort: client.reservedPort() === true };
  } finally {
    client.close();
  }
}

async function askPath4(one: Case, { address }: Reached, port: number): Promise<Path4Fact> {
  const { share, whole } = one;
  const unspoken: ExactVersion[] = [];
  const ask = (minorVersion: MinorVersion, reserved: boolean) =>
    asking<LookupAnswer>(clientOf(one, address, port, reserved), (client) =>
      lookupPath(client, { path: share.source.path, minorVersion }, within(limits.questionMs, whole)),
    );
  for (const version of versionsToTry(share.version).filter(isVersion4)) {
    const reserved = usesReservedPort(one);
    const minor = minorOf[version];
    const asMounted = await ask(minor, reserved);
    if (asMounted.kind === "nfs-error" && asMounted.status === "NFS4ERR_MINOR_VERS_MISMATCH") {
      unspoken.push(version);
      continue;
    }
    const wantsOther = asMounted.kind === "found" ? asMounted.reservedPort : isRefused4(asMounted);
    const otherPort = wantsOther ? await ask(minor, !reserved) : undefined;
    return { unspoken, version, asMounted, otherPort, instead: undefined };
  }
  return { unspoken, version: undefined, asMounted: undefined, otherPort: undefined, instead: undefined };
}

function isRefused4(answer: LookupAnswer): boolean {
  if (answer.kind === "nfs-error") return /_(?:PERM|ACCESS|NOENT)$/.test(answer.status);
  return answer.kind === "refused" && answer.cause === "authentication";
}

async function askPath3(one: Case, { mountdAddress }: Reached, port: number): Promise<Path3Fact> {
  const { share, whole } = one;
  const ask = (reserved: boolean) =>
    asking<MountAnswer>(clientOf(one, mountdAddress, port, reserved), async (client) => {
      const answer = await mountPath(client, share.source.path, within(limits.questionMs, whole));
      if (answer.kind === "mounted") {
        await unmountPath(client, share.source.path, within(limits.questionMs, whole));
      }
      return answer;
    });
  const reserved = usesReservedPort(one);
  const asMounted = await ask(reserved);
  const isRefused = asMounted.kind === "mount-error" && /_(?:ACCES|PERM)$/.test(asMounted.status);
  const otherPort =
    isRefused || (asMounted.kind === "mounted" && asMounted.reservedPort) ? await ask(!reserved) : undefined;
  return { asMounted, otherPort };
}

/** With an export of fsid=0 the path that version 4 knows begins below that export's own. */
async function findInstead(
  one: Case,
  { address, nfs4, exports }: Reached,
  { version, asMounted }: Path4Fact,
  mounted: MountAnswer | undefined,
): Promise<string | undefined> {
  const isMissing = asMounted?.kind === "nfs-error" && asMounted.status === "NFS4ERR_NOENT";
  if (!isMissing || version === undefined || version === "3" || nfs4?.kind !== "success") return undefined;
  if (mounted?.kind !== "mounted" || exports?.kind !== "exports") return undefined;
  const { path } = one.share.source;
  for (const { directory } of exports.exports) {
    if (directory === "/" || !isSameOrBelow(path, directory)) continue;
    const candidate = path.slice(directory.length) || "/";
    const minorVersion = minorOf[version];
    const found = await asking<LookupAnswer>(clientOf(one, address, nfs4.port, usesReservedPort(one)), (client) =>
      lookupPath(client, { path: candidate, minorVersion }, within(limits.questionMs, one.whole)),
    );
    if (found.kind === "found") return candidate;
  }
  return undefined;
}

/** May COMMAND's user write to the root of the share? */
async function askAccess(
  one: Case,
  { address, nfs4, nfs3 }: Reached,
  path4: Path4Fact | undefined,
  handle: Uint8Array | undefined,
): Promise<AccessFact | undefined> {
  const { share, identity, ports, whole } = one;
  const { uid, gid } = identity ?? ports.self;
  type User = { readonly uid: number; readonly gid: number; readonly gids?: readonly number[] };
  const version = path4?.asMounted?.kind === "found" ? path4.version : handle === undefined ? undefined : "3";
  const port =
    version === "3"
      ? nfs3?.kind === "success"
        ? nfs3.port
        : undefined
      : nfs4?.kind === "success"
        ? nfs4.port
        : undefined;
  if (version === undefined || port === undefined) return undefined;
  const ask = (user: User) =>
    asking<LookupAnswer | AccessAnswer>(clientOf(one, address, port, usesReservedPort(one), user), (client) => {
      const signal = within(limits.questionMs, whole);
      if (version !== "3")
        return lookupPath(client, { path: share.source.path, minorVersion: minorOf[version] }, signal);
      return checkAccess(client, handle ?? new Uint8Array(0), signal);
    });
  const answer = await ask({ uid, gid, gids: identity?.groups ?? [] });
  const owner = ownerOf(answer);
  const isDenied = (answer.kind === "found" || answer.kind === "access") && !answer.access.modify;
  const asOwner = isDenied && owner !== undefined && owner.uid !== uid ? await ask(owner) : undefined;
  return { version, uid, gid, answer, asOwner };
}
