// Asks everything doctor wants to know of a share's servers, side by side and each question within its time.
import { lastOf } from "../shares/options.ts";
import { versionsToTry } from "../kinds/nfs/versions.ts";
import type { Share } from "../shares/share.ts";
import { isSameOrBelow } from "../shares/paths.ts";
import { findRefusedOption, isOptionErrno, type OptionPorts } from "../mount/refused-option.ts";
import { kerberosFlavor } from "../kinds/nfs/kerberos.ts";
import { kernelMount, wantsHelper } from "../kinds/nfs/mount-data.ts";
import type { KernelMount } from "../kinds/mounting.ts";
import type { Identity } from "../init/identity.ts";
import type { Mounter } from "../mount/ports.ts";
import { askAddresses } from "../ask/addresses.ts";
import type { Network } from "../ask/network.ts";
import {
  askAccess3,
  askExports,
  askMinorVersions,
  askMountd,
  askPath4,
  root,
  type Asker,
  type User,
} from "../ask/path.ts";
import { askPort, timeNull, type Service } from "../ask/service.ts";
import {
  askMountHost,
  minorVersionsOf,
  mountAddresses,
  questionOf,
  versionOfMinor,
  type ServerQuestion,
} from "../kinds/nfs/question.ts";
import { rpcClient } from "../rpc/client.ts";
import { ports as wellKnown, programs } from "../rpc/message.ts";
import type { MountAnswer } from "../rpc/mountd.ts";
import type { AccessAnswer } from "../rpc/nfs3.ts";
import type { LookupAnswer } from "../rpc/nfs4.ts";
import { mayWrite, ownerOf } from "../rpc/owner.ts";
import { dumpPorts, type PortsAnswer } from "../rpc/rpcbind.ts";
import {
  wantsLocks,
  type AccessFact,
  type AddressFacts,
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
  question: ServerQuestion,
  whole: AbortSignal,
): Promise<{ readonly name: NameFact; readonly addresses: readonly string[] }> {
  const found = await askAddresses(network, question, within(limits.nameMs, whole));
  switch (found.kind) {
    case "addresses":
      return { name: { kind: "resolved" }, addresses: found.addresses };
    case "unresolved":
      return { name: { kind: found.cause, reason: found.reason }, addresses: [] };
    case "no-address":
      return { name: { kind: "unknown", reason: "it has no address" }, addresses: [] };
    case "wrong-family":
      return { name: found, addresses: [] };
  }
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
  const { dial } = ports.network;
  const host = await askMountHost(ports.network, question, address, within(limits.nameMs, whole));
  const mountdAddress = host.kind === "address" ? host.address : address;
  let port = question.mountPort;
  if (port === undefined && mountdAddress === address) port = registered(rpcbind, programs.mountd);
  else if (port === undefined) {
    const found = await askPort(dial, mountdAddress, programs.mountd, 3, within(limits.questionMs, whole));
    port = found.kind === "port" ? found.port : undefined;
  }
  const unasked = { mountdAddress, mountdPort: undefined, exports: undefined };
  if (port === undefined) return { ...unasked, mountd: undefined };
  const mountd = await askNull(ports, { address: mountdAddress, port, program: programs.mountd, version: 3 }, whole);
  if (mountd.kind === "no-answer") {
    const mountdPort = await ports.tryPort(mountdAddress, port, within(limits.questionMs, whole));
    return { ...unasked, mountd, mountdPort };
  }
  if (mountd.kind !== "success") return { ...unasked, mountd };
  const exports = await askExports(dial, { address: mountdAddress, port }, within(limits.questionMs, whole));
  return { ...unasked, mountd, exports };
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

async function askNull({ network, nowMs }: DoctorPorts, service: Service, whole: AbortSignal): Promise<ServiceFact> {
  const answer = await timeNull(network.dial, service, nowMs, within(limits.questionMs, whole));
  return { ...answer, port: service.port };
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
    facts.nfs4?.kind === "success" && question.version4 ? await lookAtPath4(one, facts, facts.nfs4.port) : undefined;
  const isFound = path4?.asMounted?.kind === "found";
  const path3Answers =
    facts.mountd?.kind === "success" && (question.version3 || !isFound || kerberosFlavor(one.share) !== undefined)
      ? await lookAtPath3(one, facts, facts.mountd.port)
      : undefined;
  const instead =
    path4 !== undefined && !isFound ? await findInstead(one, facts, path4, path3Answers?.asMounted) : undefined;
  const handle = path3Answers?.asMounted.kind === "mounted" ? path3Answers.asMounted.handle : undefined;
  return {
    ...facts,
    path4: path4 === undefined ? undefined : { ...path4, instead },
    path3: path3Answers,
    access: await lookAtAccess(one, facts, path4, handle),
  };
}

/** Asks as the kernel does when it mounts: as root by AUTH_SYS, from the kind of port that the share's options say. */
function askerOf({ ports, share }: Case, address: string, port: number, user: User = root): Asker {
  const reserved = lastOf(share.options, "resvport", "noresvport") !== "noresvport";
  return { address, port, user, reserved, machineName: ports.self.machineName };
}

async function lookAtPath4(one: Case, { address }: Reached, port: number): Promise<Path4Fact> {
  const { ports, share, whole } = one;
  const { dial } = ports.network;
  const { path } = share.source;
  const asker = askerOf(one, address, port);
  const limit = () => within(limits.questionMs, whole);
  const minorVersions = minorVersionsOf(versionsToTry(share.version));
  const { unspoken, spoken } = await askMinorVersions(dial, asker, path, minorVersions, limit);
  const turnedAway = unspoken.map(versionOfMinor);
  const instead = undefined;
  if (spoken === undefined)
    return { unspoken: turnedAway, version: undefined, asMounted: undefined, otherPort: undefined, instead };
  const { minorVersion, answer: asMounted } = spoken;
  const wantsOther = asMounted.kind === "found" ? asMounted.reservedPort : isRefused4(asMounted);
  const otherPort = wantsOther
    ? await askPath4(dial, { ...asker, reserved: !asker.reserved }, { path, minorVersion }, limit())
    : undefined;
  return { unspoken: turnedAway, version: versionOfMinor(minorVersion), asMounted, otherPort, instead };
}

const refusals4: ReadonlySet<string> = new Set(["NFS4ERR_PERM", "NFS4ERR_ACCESS", "NFS4ERR_NOENT"]);

function isRefused4(answer: LookupAnswer): boolean {
  if (answer.kind === "nfs-error") return refusals4.has(answer.status);
  return answer.kind === "refused" && answer.cause === "authentication";
}

async function lookAtPath3(one: Case, { mountdAddress }: Reached, port: number): Promise<Path3Fact> {
  const { ports, share, whole } = one;
  const asker = askerOf(one, mountdAddress, port);
  const ask = (reserved: boolean) =>
    askMountd(ports.network.dial, { ...asker, reserved }, share.source.path, () => within(limits.questionMs, whole));
  const asMounted = await ask(asker.reserved);
  const isRefused =
    asMounted.kind === "mount-error" && (asMounted.status === "MNT3ERR_ACCES" || asMounted.status === "MNT3ERR_PERM");
  const tells = isRefused || (asMounted.kind === "mounted" && asMounted.reservedPort);
  return { asMounted, otherPort: tells ? await ask(!asker.reserved) : undefined };
}

/** With an export of fsid=0 the path that version 4 knows begins below that export's own. */
async function findInstead(
  one: Case,
  { address, nfs4, exports }: Reached,
  { version, asMounted }: Path4Fact,
  mounted: MountAnswer | undefined,
): Promise<string | undefined> {
  const isMissing = asMounted?.kind === "nfs-error" && asMounted.status === "NFS4ERR_NOENT";
  if (!isMissing || version === undefined || nfs4?.kind !== "success") return undefined;
  if (mounted?.kind !== "mounted" || exports?.kind !== "exports") return undefined;
  const { path } = one.share.source;
  const [minorVersion] = minorVersionsOf([version]);
  if (minorVersion === undefined) return undefined;
  for (const { directory } of exports.exports) {
    if (directory === "/" || !isSameOrBelow(path, directory)) continue;
    const candidate = path.slice(directory.length) || "/";
    const question = { path: candidate, minorVersion };
    const asker = askerOf(one, address, nfs4.port);
    const found = await askPath4(one.ports.network.dial, asker, question, within(limits.questionMs, one.whole));
    if (found.kind === "found") return candidate;
  }
  return undefined;
}

/** May COMMAND's user write to the root of the share? */
async function lookAtAccess(
  one: Case,
  { address, nfs4, nfs3 }: Reached,
  path4: Path4Fact | undefined,
  handle: Uint8Array | undefined,
): Promise<AccessFact | undefined> {
  const { share, identity, ports, whole } = one;
  const { uid, gid } = identity ?? ports.self;
  const { dial } = ports.network;
  const version = path4?.asMounted?.kind === "found" ? path4.version : handle === undefined ? undefined : "3";
  const service = version === "3" ? nfs3 : nfs4;
  if (version === undefined || service?.kind !== "success") return undefined;
  const [minorVersion] = minorVersionsOf([version]);
  const ask = (user: User): Promise<LookupAnswer | AccessAnswer> => {
    const asker = askerOf(one, address, service.port, user);
    const signal = within(limits.questionMs, whole);
    return minorVersion === undefined
      ? askAccess3(dial, asker, handle ?? new Uint8Array(0), signal)
      : askPath4(dial, asker, { path: share.source.path, minorVersion }, signal);
  };
  const answer = await ask({ uid, gid, groups: identity?.groups ?? [] });
  const owner = ownerOf(answer);
  const asOwner = mayWrite(answer) === false && owner !== undefined && owner.uid !== uid ? await ask(owner) : undefined;
  return { version, uid, gid, answer, asOwner };
}
