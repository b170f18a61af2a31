// The lines of doctor's page: what was looked at, what was found, and what to do where it is wrong.
import { inNamesOf } from "../config/share-names.ts";
import { isReadOnly } from "../shares/options.ts";
import { versionsToTry, type ExactVersion } from "../kinds/nfs/versions.ts";
import { classifyErrno } from "../kinds/nfs/failures.ts";
import { mayWrite, ownerOf } from "../rpc/owner.ts";
import { coverOf, localAddressOf, statdProgram, wordsFor } from "./causes.ts";
import { inWordsOf } from "./engine.ts";
import { matchClient } from "./export-match.ts";
import { wantsLocks, type AddressFacts, type DoctorFacts, type ServiceFact, type ShareFacts } from "./facts.ts";
import { hasSysAdmin, isNamespaced, refusalOf } from "./rights.ts";

export type CheckStatus = "ok" | "warning" | "fails" | "not-applicable";

export interface Check {
  /** What was looked at: `CAP_SYS_ADMIN`, `port of 10.0.0.2`. */
  readonly name: string;
  readonly status: CheckStatus;
  /** What was found. */
  readonly fact: string;
  /** What to do; only where it is not in order. */
  readonly next?: string;
}

function ok(name: string, fact: string): Check {
  return { name, status: "ok", fact };
}

function notApplicable(name: string, fact: string): Check {
  return { name, status: "not-applicable", fact };
}

function warning(name: string, fact: string, next?: string): Check {
  return { name, status: "warning", fact, ...(next === undefined ? {} : { next }) };
}

function fails(name: string, fact: string, next?: string): Check {
  return { name, status: "fails", fact, ...(next === undefined ? {} : { next }) };
}

/** What does not depend on a share. */
export function machineChecks(facts: DoctorFacts): readonly Check[] {
  return [...processChecks(facts), ...kernelChecks(facts), ...lockChecks(facts), fstabCheck(facts)];
}

function processChecks({ process, engine }: DoctorFacts): readonly Check[] {
  const forbidden = refusalOf(process)?.forbidden;
  const { seccompMode, noNewPrivileges, securityLabel, remountErrno, nfsErrno } = process;
  const mayMount = hasSysAdmin(process);
  const seccomp =
    seccompMode === undefined
      ? "its mode cannot be read"
      : (["off", "strict", "a filter is on"][seccompMode] ?? `mode ${seccompMode}`);
  const label = securityLabel === undefined || securityLabel === "" ? "none" : securityLabel;
  const asked = `mount(2) says ${remountErrno} to a call that can only fail${nfsErrno === undefined ? "" : `, and ${nfsErrno} to one of NFS without a server`}`;
  return [
    mayMount === undefined
      ? notApplicable("CAP_SYS_ADMIN", "/proc/self/status cannot be read")
      : mayMount
        ? ok("CAP_SYS_ADMIN", "this process has it")
        : fails("CAP_SYS_ADMIN", "this process lacks it", inWordsOf(engine, "add-capability")),
    forbidden === "seccomp"
      ? fails("seccomp", `${seccomp} and forbids mount (${asked})`, inWordsOf(engine, "allow-mount-in-seccomp"))
      : forbidden === undefined
        ? ok("seccomp", `${seccomp}; ${asked}`)
        : notApplicable("seccomp", seccomp),
    forbidden === "security-profile"
      ? fails(
          "security profile",
          `${label} forbids mounting NFS (${asked})`,
          inWordsOf(engine, "allow-mount-in-profile"),
        )
      : ok("security profile", label),
    isNamespaced(process)
      ? forbidden === "user-namespace"
        ? fails(
            "user namespace",
            "ids are mapped, and the kernel allows no NFS there",
            inWordsOf(engine, "leave-user-namespace"),
          )
        : warning("user namespace", "ids are mapped; few kernels allow NFS there")
      : ok("user namespace", "that of the host"),
    ok(
      "no_new_privs",
      noNewPrivileges === undefined
        ? "cannot be read"
        : noNewPrivileges
          ? "set; mounting does not need it clear"
          : "not set",
    ),
  ];
}

function kernelChecks({ kernel, shares }: DoctorFacts): readonly Check[] {
  const { filesystems, loaded, onDisk, release = "unknown" } = kernel;
  const doesNotDecide = "which does not decide: mount(2) has the host load its modules";
  const errnos = shares.flatMap(({ trial }) => (trial.kind === "tried" ? trial.calls : []));
  const isMissing = errnos.length > 0 && errnos.every(({ errno }) => errno === "ENODEV");
  const seen =
    filesystems.length === 0 ? "no nfs in /proc/filesystems" : `${filesystems.join(", ")} in /proc/filesystems`;
  const modules = loaded.length === 0 ? "no NFS module in /proc/modules" : `${loaded.join(", ")} loaded`;
  const disk =
    onDisk === undefined
      ? "/lib/modules is not to be seen"
      : onDisk.length === 0
        ? "none in /lib/modules"
        : `${onDisk.join(", ")} in /lib/modules`;
  const fact = `Linux ${release}: ${seen}, ${modules}, ${disk}`;
  const next = "load nfs, nfsv3 and nfsv4 on the host";
  if (isMissing) return [fails("NFS in the kernel", `${fact}; mount(2) says ENODEV`, next)];
  return [
    filesystems.length === 0
      ? warning("NFS in the kernel", `${fact}, ${doesNotDecide}`)
      : ok("NFS in the kernel", fact),
  ];
}

function lockChecks({ locks, shares }: DoctorFacts): readonly Check[] {
  const names = ["mount.nfs", "rpc.statd", "rpcbind here"] as const;
  if (!shares.some(({ share }) => wantsLocks(share))) {
    const reason = "not needed: only version 3 with locks needs it";
    return names.map((name) => notApplicable(name, reason));
  }
  const { mountHelper, statd, ownRpcbind } = locks;
  const next = "add nolock to NFS_OPTIONS, or use version 4";
  const known = ownRpcbind?.kind === "ports" ? ownRpcbind.ports : undefined;
  const silent = ownRpcbind === undefined || ownRpcbind.kind === "ports" ? "not asked" : wordsFor(ownRpcbind);
  const runs = known?.some(({ program }) => program === statdProgram) === true;
  return [
    mountHelper === undefined ? fails(names[0], "the image has none", next) : ok(names[0], mountHelper),
    runs
      ? ok(names[1], "registered with rpcbind")
      : statd === undefined
        ? fails(names[1], "the image has none", next)
        : warning(names[1], `${statd} does not run; mount.nfs starts it where rpcbind runs`),
    known === undefined ? fails(names[2], silent, next) : ok(names[2], "answers"),
  ];
}

function fstabCheck({ fstab: { path, unwritable } }: DoctorFacts): Check {
  if (path === "none") return notApplicable("fstab", "none is kept (NFS_FSTAB)");
  if (unwritable === undefined) return ok("fstab", `${path} can be written`);
  return warning(
    "fstab",
    `${path} cannot be written (${unwritable}), mounting goes on without it`,
    "set NFS_FSTAB=none, or make it writable",
  );
}

/** Everything about one share, in the order in which a mount comes to it. */
export function shareChecks(facts: ShareFacts): readonly Check[] {
  const checks = [
    mountPointCheck(facts),
    propagationCheck(facts),
    nameCheck(facts),
    ...facts.addresses.flatMap((address) => addressChecks(facts, address)),
    trialCheck(facts),
  ];
  return checks.map((check) =>
    check.next === undefined ? check : { ...check, next: inNamesOf(facts.share, check.next) },
  );
}

function mountPointCheck({ share, mountPoint: { state } }: ShareFacts): Check {
  const name = "mount point";
  const { target, realTarget } = share;
  const path = realTarget === target ? target : `${target} (${realTarget})`;
  switch (state.kind) {
    case "empty":
      return ok(name, `${path} is an empty directory`);
    case "not-empty":
      return warning(name, `${path} is not empty; what lies there is hidden while the share is mounted`);
    case "absent":
      return ok(name, `${path} is not there yet and can be made in ${state.above}`);
    case "cannot-be-made":
      return fails(
        name,
        `${path} is not there and cannot be made in ${state.above} (${state.errno})`,
        "make it in the image or on a volume",
      );
    case "not-a-directory":
      return fails(name, `${path} is a file`, "remove it, or set NFS_MOUNT_POINT to another directory");
    case "on-a-share":
      return notApplicable(name, `${path} lies on the share mounted on ${state.above}, which is not looked into`);
    case "mounted": {
      const what = `${state.source} is mounted on ${path}`;
      if (!state.isThisShare) return warning(name, `${what}, which is another share`);
      if (state.errno === undefined) return ok(name, `${what} and answers`);
      if (state.errno === "ESTALE")
        return warning(
          name,
          `${what} and is stale (ESTALE)`,
          `nfs-init run detaches it by itself; by hand: umount -l ${target}`,
        );
      return fails(name, `${what} and ${state.errno === "" ? "does not answer" : `answers ${state.errno}`}`);
    }
  }
}

function propagationCheck({ mountPoint: { around } }: ShareFacts): Check {
  const name = "propagation";
  if (around === undefined) return notApplicable(name, "the mount it lies on is not known");
  const kind = around.optional.filter((field) => /^(?:shared|master|unbindable)/.test(field)).join(", ");
  const volume = /\/kubernetes\.io~empty-dir\//.test(around.root) ? ", an emptyDir of Kubernetes" : "";
  const fact = `it lies on ${around.fstype} mounted on ${around.target}${volume}, ${kind === "" ? "private" : kind}`;
  return volume !== "" && kind.includes("shared")
    ? fails(name, `${fact}: the kubelet empties it through the mount`, "use a hostPath volume")
    : ok(name, fact);
}

function nameCheck({ share, name, addresses }: ShareFacts): Check {
  const { host } = share.source;
  switch (name.kind) {
    case "resolved": {
      const all = addresses.map(({ address }) => address).join(", ");
      return ok("name", host === all ? `${host} is an address` : `${host} is ${all}`);
    }
    case "unknown":
    case "no-answer":
    case "failed":
      return fails("name", `${host}: ${name.reason}`, "check NFS_HOST and /etc/resolv.conf");
    case "wrong-family":
      return fails(
        "name",
        `${host} has no IPv${name.family} address, which proto= asks for`,
        "remove proto= from NFS_OPTIONS",
      );
  }
}

function addressChecks(facts: ShareFacts, address: AddressFacts): readonly Check[] {
  const { share } = facts;
  const versions = versionsToTry(share.version);
  const wants3 = versions.includes("3");
  const wants4 = versions.some((version) => version !== "3");
  const of = facts.addresses.length > 1 ? ` of ${address.address}` : "";
  const { route, port, nfs4, nfs3 } = address;
  const routeCheck =
    route.kind === "route"
      ? ok(`route${of}`, `from ${route.localAddress} to ${address.address}`)
      : fails(
          `route${of}`,
          `none to ${address.address} (${route.reason})`,
          "give the container a network that leads there",
        );
  if (route.kind === "no-route") return [routeCheck];
  const portCheck =
    port === undefined
      ? notApplicable(`port${of}`, "not asked")
      : port.kind === "open"
        ? ok(`port${of}`, `${port.port} is open`)
        : fails(
            `port${of}`,
            `${port.port}: ${port.errno === "ETIMEDOUT" ? "timed out" : port.reason}`,
            "start the server, or open the port in the firewall",
          );
  return [
    routeCheck,
    portCheck,
    serviceCheck(`NFS 4${of}`, nfs4, wants4, versions),
    serviceCheck(`NFS 3${of}`, nfs3, wants3, versions),
    ...registrationChecks(address, wants3, of),
    exportCheck(share.source.path, address, of),
    ...pathChecks(address, of),
    accessCheck(facts, address, of),
  ];
}

function serviceCheck(
  name: string,
  service: ServiceFact | undefined,
  isWanted: boolean,
  versions: readonly ExactVersion[],
): Check {
  if (service === undefined) return notApplicable(name, "not asked");
  if (service.kind === "success") {
    return ok(name, `answers on port ${service.port}, round trip ${service.roundTripMs.toFixed(1)} ms (median of 3)`);
  }
  const fact = `port ${service.port}: ${wordsFor(service)}`;
  if (!isWanted) return notApplicable(name, `${fact}; the share asks for ${versions.join(", ")}`);
  const isOther = service.kind === "version-mismatch" && versions.length > 3;
  return isOther ? warning(name, fact) : fails(name, fact, "see what runs there, and NFS_VERSION");
}

function registrationChecks(
  { rpcbind, mountd, mountdPort, mountdAddress }: AddressFacts,
  isNeeded: boolean,
  of: string,
): readonly Check[] {
  const judged = (name: string, fact: string, next: string) =>
    isNeeded ? warning(name, fact, next) : notApplicable(name, `${fact}; only version 3 needs it`);
  const checks: Check[] = [];
  if (rpcbind === undefined) checks.push(notApplicable(`rpcbind${of}`, "not asked"));
  else if (rpcbind.kind === "ports") {
    const versionsOf = (program: number) => {
      const found = rpcbind.ports.filter((one) => one.program === program && one.transport === "tcp");
      return found.length === 0 ? "none" : [...new Set(found.map((one) => `${one.version} on ${one.port}`))].join(", ");
    };
    checks.push(ok(`rpcbind${of}`, `knows NFS ${versionsOf(100_003)}; mountd ${versionsOf(100_005)}`));
  } else {
    checks.push(
      judged(`rpcbind${of}`, `port 111: ${wordsFor(rpcbind)}`, "start rpcbind on the server, or use version 4"),
    );
  }
  if (mountd === undefined) checks.push(notApplicable(`mountd${of}`, "its port is not known"));
  else if (mountd.kind === "success")
    checks.push(ok(`mountd${of}`, `answers on port ${mountd.port} of ${mountdAddress}`));
  else
    checks.push(
      judged(
        `mountd${of}`,
        `port ${mountd.port}: ${wordsFor(mountd)}`,
        mountdPort?.kind === "open"
          ? "it takes the connection and hangs: restart rpc.mountd on the server"
          : "open its port in the firewall, or use version 4",
      ),
    );
  return checks;
}

function exportCheck(path: string, address: AddressFacts, of: string): Check {
  const name = `export list${of}`;
  const { exports } = address;
  if (exports === undefined) return notApplicable(name, "mountd does not answer, or is not there");
  if (exports.kind !== "exports") return warning(name, wordsFor(exports));
  const cover = coverOf(address, path);
  if (cover === undefined) {
    const all = exports.exports.map(({ directory }) => directory).join(", ");
    return warning(
      name,
      `nothing that holds ${path}; exported: ${all === "" ? "nothing" : all}`,
      "add it to /etc/exports, exportfs -ra",
    );
  }
  const local = localAddressOf(address) ?? "";
  const match = matchClient(cover.groups, local);
  const to = `${cover.directory} is exported to ${cover.groups.length === 0 ? "everyone" : cover.groups.join(", ")}`;
  switch (match.kind) {
    case "named":
      return ok(name, `${to}; this client, ${local}, is among them`);
    case "not-named":
      return warning(name, `${to}; this client, ${local}, is not among them`, "add it in /etc/exports, exportfs -ra");
    case "cannot-tell":
      return ok(name, `${to}; whether ${local} is among them only the server can tell`);
  }
}

function pathChecks({ path4, path3 }: AddressFacts, of: string): readonly Check[] {
  const checks: Check[] = [];
  if (path4 !== undefined) {
    const name = `path by version ${path4.version ?? "4"}${of}`;
    const answer = path4.asMounted;
    if (answer === undefined)
      checks.push(
        fails(
          name,
          `the server turned away ${path4.unspoken.join(", ")} (NFS4ERR_MINOR_VERS_MISMATCH)`,
          "set NFS_VERSION=auto",
        ),
      );
    else if (answer.kind === "found") {
      checks.push(
        ok(name, `found, a ${answer.type}${portWords(answer.reservedPort, path4.otherPort?.kind === "found")}`),
      );
    } else {
      const words = answer.kind === "nfs-error" ? `${answer.status} at ${answer.path}` : wordsFor(answer);
      const instead = path4.instead === undefined ? "" : `; ${path4.instead} is found (fsid=0)`;
      const other =
        path4.otherPort?.kind === "found"
          ? `; from ${answer.reservedPort ? "a high" : "a reserved"} port it is found`
          : "";
      checks.push(warning(name, `${words}${instead}${other}`));
    }
  }
  if (path3 !== undefined) {
    const answer = path3.asMounted;
    const name = `path by version 3${of}`;
    if (answer.kind === "mounted") {
      checks.push(
        ok(
          name,
          `mountd gives its handle, flavors ${answer.flavors.join(", ")}${portWords(answer.reservedPort, path3.otherPort?.kind === "mounted")}`,
        ),
      );
    } else {
      const words = answer.kind === "mount-error" ? answer.status : wordsFor(answer);
      const other =
        path3.otherPort?.kind === "mounted"
          ? `; from ${answer.reservedPort ? "a high" : "a reserved"} port it is given`
          : "";
      checks.push(warning(name, `${words}${other}`));
    }
  }
  return checks;
}

/** What the two kinds of source port tell of an export that answers one of them. */
function portWords(reservedPort: boolean, otherWorks: boolean): string {
  if (!reservedPort) return "; from a high port (insecure)";
  return otherWorks ? "; from any port (insecure)" : "; from a port below 1024 only (secure), as a mount has it";
}

function accessCheck(facts: ShareFacts, { access }: AddressFacts, of: string): Check {
  const name = `writable${of}`;
  if (isReadOnly(facts.share.options)) return notApplicable(name, "the share is mounted read-only (ro)");
  if (access === undefined) return notApplicable(name, "not asked");
  const { uid, gid, answer } = access;
  const owner = ownerOf(answer);
  const has =
    owner === undefined ? "" : `; mode ${owner.mode.toString(8).padStart(4, "0")}, owner ${owner.uid}:${owner.gid}`;
  const may = mayWrite(answer);
  if (may === undefined) return warning(name, `the server does not tell uid ${uid} gid ${gid}`);
  return may
    ? ok(name, `by uid ${uid} gid ${gid}${has}`)
    : warning(
        name,
        `not by uid ${uid} gid ${gid}${has}`,
        "see owner, mode, ro and root_squash on the server, and NFS_USER",
      );
}

function trialCheck({ trial }: ShareFacts): Check {
  const name = "trial mount";
  if (trial.kind === "not-tried") return notApplicable(name, trial.reason);
  const said = trial.calls
    .map(
      ({ version, errno }) =>
        `${version}: ${errno === "" ? "mounted, and unmounted again" : classifyErrno(errno).reason}`,
    )
    .join("; ");
  return trial.calls.some(({ errno }) => errno === "") ? ok(name, said) : fails(name, said);
}
