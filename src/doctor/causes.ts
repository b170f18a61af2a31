// Why a share does not mount, as its facts tell: for each address and version the first thing in the way, and of these the one that got furthest.
import { inNamesOf } from "../config/share-names.ts";
import { hasOption, lastOf } from "../shares/options.ts";
import { versionsToTry, type ExactVersion } from "../kinds/nfs/versions.ts";
import { isSameOrBelow } from "../shares/paths.ts";
import { kerberosFlavor } from "../kinds/nfs/kerberos.ts";
import { reachOf } from "../kinds/nfs/failures.ts";
import { ports as wellKnown, programs, type RpcFailure } from "../rpc/message.ts";
import { questionOf, type ServerQuestion } from "../kinds/nfs/question.ts";
import { accessCause } from "./access-causes.ts";
import type { Cause, CauseId } from "./cause.ts";
import { inWordsOf, type Engine } from "./engine.ts";
import { matchClient } from "./export-match.ts";
import { wantsLocks, type AddressFacts, type DoctorFacts, type ServiceFact, type ShareFacts } from "./facts.ts";
import { failedMount, kerberosCause } from "./mount-causes.ts";
import { refusalOf, type Forbidden } from "./rights.ts";

/** All causes, the likeliest first: what stops everything, then share by share what stops it, then what does not. */
export function causesOf(facts: DoctorFacts): readonly Cause[] {
  const ofShares = facts.shares.flatMap((share) => shareCauses(share, facts));
  return [
    ...processCauses(facts),
    ...ofShares.filter(({ isFatal }) => isFatal),
    ...ofShares.filter(({ isFatal }) => !isFatal),
  ];
}

const forbiddenBecause: Readonly<Record<Forbidden, string>> = {
  capability: "this process lacks the capability CAP_SYS_ADMIN",
  seccomp: "a seccomp profile forbids mount(2), although CAP_SYS_ADMIN is there",
  "user-namespace": "it runs in a user namespace, where the kernel allows no NFS mounts",
  "security-profile": "the security profile of this container forbids mounting NFS",
  "not-permitted": "mount(2) is not permitted here",
};

function processCauses({ process, engine }: DoctorFacts): readonly Cause[] {
  const refusal = refusalOf(process);
  if (refusal === undefined) return [];
  const { forbidden } = refusal;
  const change: Readonly<Record<Forbidden, string>> = {
    capability: inWordsOf(engine, "add-capability"),
    seccomp: inWordsOf(engine, "allow-mount-in-seccomp"),
    "user-namespace": inWordsOf(engine, "leave-user-namespace"),
    "security-profile": inWordsOf(engine, "allow-mount-in-profile"),
    "not-permitted": inWordsOf(engine, "add-capability"),
  };
  const label = forbidden === "security-profile" && process.securityLabel ? ` (${process.securityLabel})` : "";
  const because = `${forbiddenBecause[forbidden]}${label}`;
  return [{ id: forbidden, share: undefined, isFatal: true, because, change: change[forbidden] }];
}

function shareCauses(facts: ShareFacts, doctor: DoctorFacts): readonly Cause[] {
  const causes: Cause[] = [];
  const add = (isFatal: boolean, found: Found | undefined) => {
    if (found === undefined) return;
    const { id, because, change } = found;
    causes.push({ id, share: facts.share.label, isFatal, because, change: inNamesOf(facts.share, change) });
  };
  const point = mountPointCause(facts);
  add(point?.isFatal === true, point);
  const { state } = facts.mountPoint;
  if (state.kind === "mounted" && state.isThisShare && state.errno === undefined) {
    add(false, accessCause(facts, doctor));
    return causes;
  }
  const { trial } = facts;
  const mounted = trial.kind === "tried" ? trial.calls.find(({ errno }) => errno === "")?.version : undefined;
  if (mounted === undefined) add(true, serverCause(facts, doctor));
  else add(false, detourCause(facts, doctor, mounted));
  add(true, lockCause(facts, doctor));
  add(false, accessCause(facts, doctor));
  return causes;
}

interface Found extends Omit<Cause, "share" | "isFatal"> {
  /** How far it got; greater is further. */
  readonly stage?: number;
}

/** How far a mount gets before something is in its way. */
const stages = {
  name: 10,
  route: 20,
  port: 30,
  service: 40,
  version: 50,
  minor: 55,
  rpcbind: 60,
  mountd: 65,
  path: 70,
};

function mountPointCause({
  share,
  mountPoint: { state },
  addresses,
}: ShareFacts): (Found & { readonly isFatal: boolean }) | undefined {
  const variable = "NFS_MOUNT_POINT";
  switch (state.kind) {
    case "not-a-directory":
      return {
        id: "mount-point-not-a-directory",
        isFatal: true,
        because: `the mount point ${share.target} is a file and not a directory`,
        change: `remove the file, or name another directory in ${variable}`,
      };
    case "cannot-be-made":
      return {
        id: "mount-point-cannot-be-made",
        isFatal: true,
        because: `the mount point ${share.target} is not there and cannot be made in ${state.above} (${state.errno})`,
        change: `make the directory in the image or on a volume, or name another one in ${variable}`,
      };
    case "mounted": {
      if (!state.isThisShare || state.errno === undefined) return undefined;
      if (state.errno === "ESTALE") {
        return {
          id: "stale-leftover",
          isFatal: false,
          because: `a stale mount of ${state.source} is left on ${share.target} (ESTALE)`,
          change: `nfs-init run and mount detach it and mount afresh; by hand it is umount -l ${share.target}`,
        };
      }
      const isServed = addresses.some(({ nfs4, nfs3 }) => nfs4?.kind === "success" || nfs3?.kind === "success");
      if (!isServed) return undefined;
      return {
        id: "hung-leftover",
        isFatal: true,
        because: `a mount of ${state.source} is left on ${share.target} and does not answer although its server does`,
        change: `restart the container, or detach it by umount -l ${share.target}`,
      };
    }
    case "empty":
    case "not-empty":
    case "absent":
    case "on-a-share":
      return undefined;
  }
}

/** What is in the way between here and a mount, the mount(2) of the trial included. */
function serverCause(facts: ShareFacts, doctor: DoctorFacts): Found | undefined {
  const { share, name, addresses, trial } = facts;
  const { engine } = doctor;
  const { host } = share.source;
  switch (name.kind) {
    case "unknown":
      return {
        id: "name-unknown",
        because: `the name ${host} is not known here (${name.reason})`,
        change: `correct NFS_HOST, or give the server's address${serviceNames[engine]}`,
      };
    case "no-answer":
      return {
        id: "name-server-silent",
        because: `the name server does not answer when it is asked for ${host}`,
        change:
          "check the nameserver lines of /etc/resolv.conf and the way to it, or put the server's address into NFS_HOST",
      };
    case "failed":
      return {
        id: "name-unresolved",
        because: `the name ${host} cannot be resolved (${name.reason})`,
        change: "check /etc/resolv.conf and /etc/nsswitch.conf, or put the server's address into NFS_HOST",
      };
    case "wrong-family":
      return {
        id: "no-address-of-family",
        because: `${host} has no IPv${name.family} address (it has ${name.addresses.join(", ")}), which proto= in the options asks for`,
        change: "remove proto= from NFS_OPTIONS, or use tcp or tcp6 as fits the address",
      };
    case "resolved":
      break;
  }
  const question = questionOf(share);
  const versions = versionsToTry(share.version);
  const standings = addresses.flatMap((address) =>
    versions.map((version) => ({
      version,
      blocked: version === "3" ? blocked3(facts, address, question, engine) : blocked4(facts, address, version, engine),
    })),
  );
  const free = standings.filter(({ blocked }) => blocked === undefined).map(({ version }) => version);
  if (free.length === 0) return furthest(standings.flatMap(({ blocked }) => blocked ?? []));
  if (trial.kind === "not-tried") return undefined;
  // The call that got furthest speaks, alone.
  const calls = trial.calls.filter(({ version }) => free.some((one) => one === version));
  const [failed] = (calls.length > 0 ? calls : trial.calls).toSorted(
    (one, other) => reachOf(other.errno) - reachOf(one.errno),
  );
  if (failed === undefined) return undefined;
  return kerberosCause(facts, failed) ?? failedMount(doctor, failed);
}

function furthest(causes: readonly Found[]): Found | undefined {
  return causes.toSorted((one, other) => (other.stage ?? 0) - (one.stage ?? 0))[0];
}

const serviceNames: Readonly<Record<Engine, string>> = {
  docker: "; a Compose service's name is known only on a network that both share, and while that service runs",
  podman: "; a container's name is known only on a network that both share",
  kubernetes:
    "; a Service of another namespace is SERVICE.NAMESPACE.svc, and with hostNetwork dnsPolicy must be ClusterFirstWithHostNet",
  balena: "; a service's name is known only without network_mode: host, with it use localhost or the device's address",
  host: "",
};

/** It mounts, but not the way one would think. */
function detourCause(facts: ShareFacts, { engine }: DoctorFacts, mounted: string): Found | undefined {
  const { share, addresses, trial } = facts;
  if (mounted !== "3" || !questionOf(share).version4 || trial.kind !== "tried") return undefined;
  const newer = addresses
    .flatMap((address) => blocked4(facts, address, "4.2", engine) ?? [])
    .find(({ id }) => id === "root-export");
  if (newer !== undefined) return { ...newer, because: `in version 3 only, because ${newer.because}` };
  if (!addresses.some(({ path4 }) => path4?.asMounted?.kind === "found")) return undefined;
  const call = trial.calls.find(({ version }) => version !== "3");
  if (call === undefined) return undefined;
  const failed = failedMount({ engine }, call);
  return { ...failed, because: `in version 3 only, because ${failed.because}` };
}

/** Version 3 with locks is mounted by mount.nfs, which wants statd, which wants rpcbind, all in this container. */
function lockCause({ share }: ShareFacts, { locks }: DoctorFacts): Found | undefined {
  if (!wantsLocks(share)) return undefined;
  const instead = "add nolock to NFS_OPTIONS, or use version 4, whose locks need nothing";
  if (locks.mountHelper === undefined) {
    return {
      id: "helper-missing",
      because: "version 3 with locks is mounted by mount.nfs, and this image has none",
      change: `install nfs-common (Debian, Ubuntu) or nfs-utils (Alpine) in the image, or ${instead}`,
    };
  }
  const known = locks.ownRpcbind?.kind === "ports" ? locks.ownRpcbind.ports : undefined;
  if (known?.some(({ program }) => program === statdProgram) === true) return undefined;
  // mount.nfs starts statd by itself where rpcbind runs.
  if (known !== undefined && locks.statd !== undefined) return undefined;
  return {
    id: "statd-missing",
    because: `version 3 with locks needs rpc.statd in this container, and ${known === undefined ? "no rpcbind answers here for it" : "the image has none"}`,
    change: `${instead}, or run rpcbind and rpc.statd in this container`,
  };
}

/** RFC 1094 and rpc(5): the status monitor. */
export const statdProgram = 100_024;

/** What is in the way of a mount by version 4 from an address; undefined where nothing is seen to be. */
function blocked4(facts: ShareFacts, address: AddressFacts, version: ExactVersion, engine: Engine): Found | undefined {
  const before = unreachable(facts, address, engine);
  if (before !== undefined) return before;
  const service = serviceCause(address, address.nfs4, 4, facts);
  if (service !== undefined) return service;
  const { path4 } = address;
  if (path4 === undefined) return undefined;
  if (path4.unspoken.includes(version)) {
    return {
      id: "minor-not-spoken",
      stage: stages.minor,
      because: `the server at ${address.address} speaks version 4 but not ${path4.unspoken.join(", ")} (NFS4ERR_MINOR_VERS_MISMATCH)`,
      change: `set NFS_VERSION to auto or another 4.x, or turn ${path4.unspoken[0] ?? version} on at the server (vers${path4.unspoken[0] ?? version}=y in nfs.conf)`,
    };
  }
  return path4Cause(facts, address, engine);
}

function path4Cause(facts: ShareFacts, address: AddressFacts, engine: Engine): Found | undefined {
  const { share } = facts;
  const answer = address.path4?.asMounted;
  const { path } = share.source;
  if (answer === undefined || answer.kind === "found") return undefined;
  switch (answer.kind) {
    case "no-answer":
      return mountdHangs(address) ?? hangs(address, address.nfs4, `does not answer the question for ${path}`);
    case "refused":
      return answer.cause === "authentication"
        ? refusedClient(facts, address, engine, `RPC ${answer.stat}`)
        : undefined;
    case "version-mismatch":
    case "program-unavailable":
    case "malformed":
      return undefined;
    case "nfs-error":
      break;
  }
  const { status } = answer;
  switch (status) {
    case "NFS4ERR_NOENT":
      return missing4(facts, address, engine, answer.path);
    case "NFS4ERR_PERM":
      return refusedPort(facts, address, answer.reservedPort, address.path4?.otherPort?.kind === "found", status);
    case "NFS4ERR_WRONGSEC":
      // It was asked without Kerberos.
      return kerberosFlavor(share) === undefined ? kerberosOnly(share.source.path, address, status) : undefined;
    case "NFS4ERR_ACCESS":
      return {
        id: "path-forbidden",
        stage: stages.path,
        because: `the server does not let root of this client enter ${answer.path} (${status})`,
        change: `give the directories above ${path} mode o+x on the server, or export with no_root_squash`,
      };
    case "NFS4ERR_NOTDIR":
      return {
        id: "path-missing",
        stage: stages.path,
        because: `${answer.path} on the server is not a directory`,
        change: "correct NFS_HOST_MOUNT",
      };
    case "NFS4ERR_SYMLINK":
      return undefined;
    default:
      return {
        id: "server-refuses",
        stage: stages.path,
        because: `the server answers ${status} for ${answer.path}`,
        change: "look at the server's log",
      };
  }
}

/** What is in the way of a mount by version 3. */
function blocked3(
  facts: ShareFacts,
  address: AddressFacts,
  question: ServerQuestion,
  engine: Engine,
): Found | undefined {
  const before = address.nfs3 === undefined ? unreachable(facts, address, engine) : undefined;
  if (before !== undefined) return before;
  const service = serviceCause(address, address.nfs3, 3, facts);
  if (service !== undefined) return service;
  const { rpcbind, mountd, mountdAddress } = address;
  const needsRpcbind = question.port === undefined || question.mountPort === undefined;
  // Where version 4 was tried it did not help.
  const orVersion4 = question.version4 ? "" : ", or use version 4";
  const withoutRpcbind = `${orVersion4 === "" ? "" : "use version 4, which needs port 2049 alone, or "}give port= and mountport= in NFS_OPTIONS`;
  if (needsRpcbind && rpcbind !== undefined && rpcbind.kind !== "ports") {
    const isRefused = rpcbind.kind === "no-answer" && rpcbind.errno === "ECONNREFUSED";
    return {
      id: "rpcbind-down",
      stage: stages.rpcbind,
      because: `rpcbind on port 111 of ${address.address} does not answer (${wordsFor(rpcbind)}), and version 3 needs it`,
      change: `${isRefused ? "start rpcbind on the server" : "let port 111 through the firewall"}, or ${withoutRpcbind}`,
    };
  }
  if (mountd === undefined) {
    return {
      id: "mountd-not-registered",
      stage: stages.mountd,
      because: `mountd is not registered with rpcbind of ${mountdAddress}, and version 3 needs it`,
      change: `start rpc.mountd on the server${orVersion4}`,
    };
  }
  if (mountd.kind !== "success")
    return mountdHangs(address) ?? mountdCause(address, wordsFor(mountd), mountd.port, orVersion4);
  return path3Cause(facts, address, engine, orVersion4);
}

/**
 * mountd takes the connection and says nothing. The server's kernel asks it, in every version, who may mount what
 * (nfs-utils support/export/cache.c): until it answers, mount calls wait there.
 */
function mountdHangs({ mountd, mountdPort, mountdAddress }: AddressFacts): Found | undefined {
  if (mountd?.kind !== "no-answer" || mountd.errno !== "ETIMEDOUT" || mountdPort?.kind !== "open") return undefined;
  return {
    id: "mountd-hangs",
    stage: stages.mountd,
    because: `rpc.mountd of ${mountdAddress} hangs: it takes the connection on port ${mountd.port} and answers nothing, and the server asks it in every version who may mount what`,
    change: "restart rpc.mountd on the server (systemctl restart nfs-mountd) and look at its log",
  };
}

function mountdCause({ mountdAddress }: AddressFacts, words: string, port: number, orVersion4: string): Found {
  const isRefused = /refused/.test(words);
  return {
    id: "mountd-unreachable",
    stage: stages.mountd,
    because: `mountd on port ${port} of ${mountdAddress} does not answer (${words}), and version 3 needs it`,
    change: `${isRefused ? "start rpc.mountd on the server, or" : "see that rpc.mountd runs,"} let port ${port} through the firewall (fix it with port= in the [mountd] section of nfs.conf)${orVersion4}`,
  };
}

function path3Cause(facts: ShareFacts, address: AddressFacts, engine: Engine, orVersion4: string): Found | undefined {
  const { path } = facts.share.source;
  const answer = address.path3?.asMounted;
  const other = address.path3?.otherPort;
  if (answer === undefined) return undefined;
  switch (answer.kind) {
    case "mounted": {
      const isPlain = answer.flavors.length === 0 || answer.flavors.some((flavor) => flavor === 0 || flavor === 1);
      return isPlain || kerberosFlavor(facts.share) !== undefined
        ? undefined
        : kerberosOnly(path, address, `flavors ${answer.flavors.join(", ")}`);
    }
    case "no-answer":
      return mountdCause(address, answer.reason, address.mountd?.port ?? 0, orVersion4);
    case "refused":
      return answer.cause === "authentication" ? refusedClient(facts, address, engine, answer.stat) : undefined;
    case "version-mismatch":
    case "program-unavailable":
    case "malformed":
      return undefined;
    case "mount-error":
      break;
  }
  const { status } = answer;
  if (status === "MNT3ERR_NOENT" || status === "MNT3ERR_NOTDIR") return missingPath(path, path, address, status);
  if (status === "MNT3ERR_ACCES" || status === "MNT3ERR_PERM") {
    if (other?.kind === "mounted") return refusedPort(facts, address, answer.reservedPort, true, status);
    if (address.exports?.kind === "exports" && coverOf(address, path) === undefined)
      return notExported(facts, address, status);
    return refusedClient(facts, address, engine, status);
  }
  return {
    id: "server-refuses",
    stage: stages.path,
    because: `mountd of the server answers ${status} for ${path}`,
    change: "look at the server's log",
  };
}

/** No way to the address, or its port is not open. */
function unreachable({ share }: ShareFacts, facts: AddressFacts, engine: Engine): Found | undefined {
  const { address, route, port, usualPort, rpcbind } = facts;
  if (route.kind === "no-route") {
    return {
      id: "no-route",
      stage: stages.route,
      because: `there is no route to ${address} from here (${route.reason})`,
      change: `correct NFS_HOST, or give the container a network that leads there${networks[engine]}`,
    };
  }
  if (port === undefined || port.kind === "open") return undefined;
  const stage = stages.port;
  const { port: number, errno } = port;
  const isStated = number !== wellKnown.nfs || hasOption(share.options, "port");
  const known =
    rpcbind?.kind === "ports"
      ? rpcbind.ports.filter(({ program, transport }) => program === programs.nfs && transport === "tcp")
      : [];
  const elsewhere = usualPort?.kind === "success" ? wellKnown.nfs : known.find((one) => one.port !== number)?.port;
  if (elsewhere !== undefined && !known.some((one) => one.port === number)) {
    return {
      id: "wrong-port",
      stage,
      because: `port ${number} of ${address} is not the server's: NFS answers on port ${elsewhere}`,
      change: isStated
        ? `write port=${elsewhere} in NFS_OPTIONS, or leave port= out`
        : `add port=${elsewhere} to NFS_OPTIONS`,
    };
  }
  const isRegistered = known.some((one) => one.port === number);
  const itsHostAnswers = rpcbind !== undefined && (rpcbind.kind !== "no-answer" || rpcbind.errno === "ECONNREFUSED");
  switch (errno) {
    case "ECONNREFUSED":
      if (isRegistered) {
        return {
          id: "port-rejected",
          stage,
          because: `port ${number} of ${address} refuses connections although the server's rpcbind has NFS there, so a firewall rejects them`,
          change: `let TCP port ${number} from this client through the firewall of the server or on the way`,
        };
      }
      return {
        id: "port-refused",
        stage,
        because: `nothing listens on port ${number} of ${address} (connection refused)`,
        change:
          "start the NFS server there (systemctl start nfs-server), or correct NFS_HOST, or let the port through a firewall that rejects it",
      };
    case "ETIMEDOUT":
      if (itsHostAnswers) {
        return {
          id: "port-dropped",
          stage,
          because: `port ${number} of ${address} gives no answer while its port 111 does, so a firewall drops the packets`,
          change: `let TCP port ${number} from this client through the firewall of the server or on the way`,
        };
      }
      return {
        id: "host-silent",
        stage,
        because: `no packet comes back from ${address} (connection timed out), so a firewall drops them, or no server is there`,
        change: `check the address, that the server is up, and that TCP port ${number} passes every firewall on the way`,
      };
    case "EHOSTUNREACH":
    case "EHOSTDOWN":
      return itsHostAnswers
        ? {
            id: "port-rejected",
            stage,
            because: `port ${number} of ${address} is unreachable while its port 111 is not, so a firewall rejects it`,
            change: `let TCP port ${number} from this client through the firewall of the server or on the way`,
          }
        : {
            id: "host-unreachable",
            stage,
            because: `no machine answers at ${address} (no route to host)`,
            change: "check the address, and that the server is up and on this network",
          };
    default:
      return {
        id: "port-unusable",
        stage,
        because: `port ${number} of ${address} cannot be connected to (${port.reason}, ${errno})`,
        change: "check the firewall of this container and its host",
      };
  }
}

const networks: Readonly<Record<Engine, string>> = {
  docker: " (not network_mode: none or an internal network)",
  podman: " (not --network none or an internal network)",
  kubernetes: " (see the pod's network policies and, for a node's network, hostNetwork: true)",
  balena: " (network_mode: host reaches what the device reaches)",
  host: "",
};

/** What answers there is not NFS in that version. */
function serviceCause(
  { address, usualPort }: AddressFacts,
  service: ServiceFact | undefined,
  version: 3 | 4,
  { share }: ShareFacts,
): Found | undefined {
  if (service === undefined || service.kind === "success") return undefined;
  const { port } = service;
  const at = `port ${port} of ${address}`;
  const stage = stages.service;
  if (service.kind !== "version-mismatch" && usualPort?.kind === "success") {
    return {
      id: "wrong-port",
      stage,
      because: `${at} is not the server's: NFS answers on port ${usualPort.port}`,
      change: `write port=${usualPort.port} in NFS_OPTIONS, or leave port= out`,
    };
  }
  switch (service.kind) {
    case "version-mismatch": {
      const { lowest, highest } = service;
      const spoken = lowest === highest ? `${lowest}` : `${lowest} to ${highest}`;
      return {
        id: "version-not-spoken",
        stage: stages.version,
        because: `the server at ${address} speaks NFS version ${spoken} only, and the share asks for version ${share.version}`,
        change: `set NFS_VERSION=auto or ${lowest}, or turn version ${version} on at the server`,
      };
    }
    case "no-answer":
      if (service.errno === "ETIMEDOUT") return { ...hangs({ address }, service, "answers nothing"), stage };
      return notNfs(at, `it hangs up: ${service.reason}`);
    case "malformed":
      return notNfs(at, `what comes back ${service.reason}`);
    case "program-unavailable":
      return notNfs(at, "an RPC service that says it is not NFS");
    case "refused":
      return notNfs(at, service.reason);
  }
}

function notNfs(at: string, evidence: string): Found {
  return {
    id: "other-service",
    stage: stages.service,
    because: `what listens on ${at} is another service and not NFS (${evidence})`,
    change: "correct NFS_HOST or port= in NFS_OPTIONS, or look at what runs on that port there",
  };
}

function hangs({ address }: Pick<AddressFacts, "address">, service: ServiceFact | undefined, what: string): Found {
  return {
    id: "service-hangs",
    stage: stages.service,
    because: `port ${service?.port ?? wellKnown.nfs} of ${address} is open, but what runs there hangs: it takes the connection and ${what}`,
    change: "look at the server: its log, its disks, whether its NFS threads are stuck, or restart its NFS service",
  };
}

/** The export that a path lies in, the nearest that mountd lists. */
export function coverOf({ exports }: Pick<AddressFacts, "exports">, path: string) {
  if (exports?.kind !== "exports") return undefined;
  return exports.exports
    .filter(({ directory }) => isSameOrBelow(path, directory))
    .toSorted((one, other) => other.directory.length - one.directory.length)[0];
}

/** This client's address on the way to the server. */
export function localAddressOf({ route }: Pick<AddressFacts, "route">): string | undefined {
  return route.kind === "route" ? route.localAddress : undefined;
}

function missing4(facts: ShareFacts, address: AddressFacts, engine: Engine, failing: string): Found {
  const { path } = facts.share.source;
  const { path4, path3 } = address;
  const cover = coverOf(address, path);
  if (path4?.instead !== undefined || path3?.asMounted.kind === "mounted") {
    const where = path4?.instead === undefined ? "the path below that export" : path4.instead;
    return {
      id: "root-export",
      stage: stages.path,
      because: `the server exports ${cover?.directory ?? "another directory"} with fsid=0, so version 4 knows no ${path}: there the path begins below that export`,
      change: `set NFS_HOST_MOUNT=${where} for version 4, or NFS_VERSION=3 or auto, or remove fsid=0 on the server`,
    };
  }
  const local = localAddressOf(address);
  if (cover !== undefined) {
    const match = local === undefined ? undefined : matchClient(cover.groups, local);
    if (match?.kind === "not-named") return refusedClient(facts, address, engine, "NFS4ERR_NOENT");
    if (isSameOrBelow(failing, cover.directory) && failing !== cover.directory) {
      return missingPath(path, failing, address, "NFS4ERR_NOENT");
    }
    if (match?.kind === "cannot-tell") return refusedClient(facts, address, engine, "NFS4ERR_NOENT");
    return missingPath(path, failing, address, "NFS4ERR_NOENT");
  }
  return notExported(facts, address, `NFS4ERR_NOENT at ${failing}`);
}

function missingPath(path: string, failing: string, { address }: AddressFacts, status: string): Found {
  return {
    id: "path-missing",
    stage: stages.path,
    because: `the path ${path} does not exist on the server ${address}: there is no ${failing} (${status})`,
    change: `correct NFS_HOST_MOUNT, or make the directory on the server`,
  };
}

function notExported(facts: ShareFacts, address: AddressFacts, status: string): Found {
  const { path } = facts.share.source;
  const listed =
    address.exports?.kind === "exports" ? address.exports.exports.map(({ directory }) => directory) : undefined;
  if (listed?.length === 0) {
    return {
      id: "nothing-exported",
      stage: stages.path,
      because: `the server ${address.address} exports nothing (${status})`,
      change: `add ${path} to /etc/exports on the server and run exportfs -ra there`,
    };
  }
  return {
    id: "not-exported",
    stage: stages.path,
    because:
      listed === undefined
        ? `the server ${address.address} shows no ${path} to this client: it is not exported, or not to this client, or not there (${status})`
        : `the server ${address.address} does not export ${path} (${status}), it exports ${shortList(listed)}`,
    change: `correct NFS_HOST_MOUNT, or add ${path} to /etc/exports on the server and run exportfs -ra there`,
  };
}

function refusedClient(facts: ShareFacts, address: AddressFacts, engine: Engine, status: string): Found {
  const { path } = facts.share.source;
  const { exports } = address;
  const local = localAddressOf(address) ?? "unknown";
  const cover = coverOf(address, path);
  if (exports?.kind === "exports" && exports.exports.length === 0) return notExported(facts, address, status);
  const behind = engine === "host" || engine === "balena" ? "" : ", or its host's where the container is behind NAT";
  const client = `this client's address is ${local}${behind}`;
  const change = `add this client's address to the export of ${path} in /etc/exports on the server and run exportfs -ra there`;
  const base = { id: "client-refused" satisfies CauseId, stage: stages.path, change } as const;
  if (cover === undefined) {
    return {
      ...base,
      because: `the server ${address.address} does not export ${path} to this client (${status}): ${client}`,
    };
  }
  const match = matchClient(cover.groups, local);
  const whom = shortList(cover.groups.length === 0 ? ["everyone"] : cover.groups);
  switch (match.kind) {
    case "not-named":
      return {
        ...base,
        because: `the server exports ${cover.directory} to ${whom} only and so not to this client (${status}): ${client}`,
      };
    case "cannot-tell":
      return {
        ...base,
        because: `the server exports ${cover.directory} to ${whom} and refuses this client (${status}): ${client}, and only the server can tell whether that name or netgroup holds it`,
      };
    case "named":
      return {
        ...base,
        because: `the server refuses this client (${status}) although it exports ${cover.directory} to ${whom}: ${client}, so it may see another one, or its list has not been read anew`,
      };
  }
}

/** NFS wants a source port below 1024 of clients of an export without `insecure`. */
function refusedPort(
  { share }: ShareFacts,
  { address }: AddressFacts,
  reservedPort: boolean,
  otherWorks: boolean,
  status: string,
): Found | undefined {
  const base = { id: "reserved-port" satisfies CauseId, stage: stages.path } as const;
  const serverSide = "export with insecure on the server";
  if (lastOf(share.options, "resvport", "noresvport") === "noresvport") {
    return {
      ...base,
      because: `the server ${address} wants a reserved source port (below 1024: the export is secure), and noresvport in the options asks for another (${status}${otherWorks ? "; from a reserved port it answers" : ""})`,
      change: `remove noresvport from NFS_OPTIONS, or ${serverSide}`,
    };
  }
  // Without CAP_NET_BIND_SERVICE doctor has no such port, while the kernel's own client has one.
  if (!reservedPort) return undefined;
  return {
    ...base,
    because: `the server ${address} wants a reserved source port (below 1024) and does not see the one that is used (${status}), so NAT on the way changes it`,
    change: `${serverSide}, or use the host's network (network_mode: host, hostNetwork: true)`,
  };
}

function kerberosOnly(path: string, { address }: AddressFacts, status: string): Found {
  return {
    id: "kerberos-only",
    stage: stages.path,
    because: `the server ${address} exports ${path} with Kerberos only (sec=krb5), and this mount uses sec=sys (${status})`,
    change: "add sys to sec= of the export on the server, or set sec=krb5 with a keytab and rpc.gssd on the host",
  };
}

function shortList(items: readonly string[]): string {
  const most = 4;
  return items.length <= most ? items.join(", ") : `${items.slice(0, most).join(", ")} and ${items.length - most} more`;
}

/** An RPC failure in a few words. */
export function wordsFor(failure: RpcFailure): string {
  switch (failure.kind) {
    case "version-mismatch":
      return `it speaks versions ${failure.lowest} to ${failure.highest} only`;
    case "program-unavailable":
      return "another service answers there";
    case "no-answer":
    case "malformed":
    case "refused":
      return failure.reason;
  }
}
