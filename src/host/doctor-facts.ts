// What doctor asks of this machine: /proc, the routing table, the mount point, and a mount that nobody else sees.
import { isShareMount, isShareOf } from "../kinds/kinds.ts";
import type { SecretsFileFact } from "../kinds/diagnosis.ts";
import type { SecretsFile } from "../kinds/mounting.ts";
import { mountAround, topMountOn, type MountRecord } from "../shares/mountinfo.ts";
import { isAlive } from "../mount/answers.ts";
import type { Share } from "../shares/share.ts";
import { isSameOrBelow } from "../shares/paths.ts";
import * as native from "native";
import type { DoctorPorts } from "../doctor/collect-ports.ts";
import { engineOf } from "../doctor/engine.ts";
import type {
  FstabFact,
  KernelFacts,
  LockFacts,
  MountPointFact,
  ProcessFacts,
  SecurityFacts,
} from "../doctor/facts.ts";
import { isNamespaced, kindOfFirst } from "../doctor/rights.ts";
import { errnoOf } from "../errors.ts";
import type { Mounter } from "../mount/ports.ts";
import { clock } from "./clock.ts";
import { tryMount } from "./doctor-trial.ts";
import { readFstab } from "./fstab-file.ts";
import { findHelper } from "./helper.ts";
import { readMounts } from "./mounts.ts";
import { withIds } from "../kinds/efs/names.ts";
import type { SecurityNeeds } from "../kinds/nfs/security.ts";
import { resolveName } from "./names.ts";
import { mountRights } from "./process-facts.ts";
import { isDirectory, listDirectory, lookAt, nearestThere, parentOf, readLink, readText } from "./small-files.ts";
import { dial, routeTo, tryPort } from "./sockets.ts";

/** What doctor is given besides the machine. */
export interface DoctorSurroundings {
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** The fstab that `run` would write, or "none". */
  readonly fstab: string;
  readonly mounter: Pick<Mounter, "statfs" | "readOptions">;
}

export function doctorPorts({ environment, fstab, mounter }: DoctorSurroundings): DoctorPorts {
  return {
    network: withIds(clock, { dial, resolveName }, environment),
    clock,
    route: routeTo,
    tryPort,
    machine: (shares) => ({
      engine: engineOf({
        environment,
        hasDockerFile: lookAt("/.dockerenv") !== undefined,
        hasPodmanFile: lookAt("/run/.containerenv") !== undefined,
        cgroup: readText("/proc/self/cgroup") ?? "",
      }),
      process: processFacts(shares),
      kernel: kernelFacts(),
      locks: lockFacts(),
      fstab: fstabFact(fstab),
    }),
    mountPoint: (share, timeoutMs) => mountPointFact(share, mounter.statfs, timeoutMs),
    readOptions: mounter.readOptions,
    secretsFile: secretsFileFact,
    security: securityFacts,
    trial: (share, requests, signal) => tryMount(trialDirectory(share), requests, signal),
    self: { uid: native.geteuid(), gid: native.getegid(), machineName: native.uname().nodename },
  };
}

function processFacts(shares: readonly Share[]): ProcessFacts {
  const [first] = shares;
  const status = readText("/proc/self/status") ?? "";
  const field = (name: string) => new RegExp(`^${name}:\\s*(\\d+)$`, "m").exec(status)?.[1];
  const rights = mountRights(first?.label ?? "127.0.0.1:/", first?.realTarget ?? "/", kindOfFirst(shares).harmless);
  const remountErrno = rights.remountErrno();
  const { effectiveCapabilities, uidMap, securityLabel } = rights;
  const seccomp = field("Seccomp");
  const noNew = field("NoNewPrivs");
  return {
    effectiveCapabilities,
    uidMap,
    securityLabel,
    seccompMode: seccomp === undefined ? undefined : Number(seccomp),
    noNewPrivileges: noNew === undefined ? undefined : noNew === "1",
    remountErrno,
    nfsErrno: remountErrno === "EACCES" || isNamespaced({ uidMap }) ? rights.harmlessErrno() : undefined,
  };
}

function kernelFacts(): KernelFacts {
  const filesystems = (readText("/proc/filesystems") ?? "").match(/^.*\bnfs4?$/gm) ?? [];
  const loaded = (readText("/proc/modules") ?? "").match(/^nfs(?:v3|v4)?(?= )/gm) ?? [];
  const { release } = native.uname();
  const modules = `/lib/modules/${release}`;
  return {
    release,
    filesystems: filesystems.map((line) => line.replace(/^.*\s/, "")),
    loaded: [...loaded],
    onDisk: isDirectory(modules) ? modulesBelow(modules) : undefined,
  };
}

/** Those of the NFS client that lie where the kernel's build puts them, or are built in. */
function modulesBelow(modules: string): readonly string[] {
  const builtIn = readText(`${modules}/modules.builtin`) ?? "";
  const listed = readText(`${modules}/modules.dep`) ?? "";
  return ["nfs", "nfsv3", "nfsv4"].filter((name) => new RegExp(`/nfs/${name}\\.ko`).test(`${builtIn}\n${listed}`));
}

/** Programs are known by their names, and are seen in this pid namespace alone. */
function securityFacts({ program, module, files }: SecurityNeeds): SecurityFacts {
  const network = readLink("/proc/self/ns/net");
  const found = listDirectory("/proc").filter(
    (pid) => /^\d/.test(pid) && readText(`/proc/${pid}/comm`) === `${program}\n`,
  );
  const here = found.find((pid) => readLink(`/proc/${pid}/ns/net`) === network);
  // Its files are those of its own root.
  const root = here === undefined ? "" : `/proc/${here}/root`;
  const { release } = native.uname();
  const builtIn = readText(`/lib/modules/${release}/modules.builtin`) ?? "";
  const loaded = readText("/proc/modules") ?? "";
  return {
    release,
    hasModule: module === undefined || `\n${loaded}`.includes(`\n${module} `) || builtIn.includes(`/${module}.ko`),
    program: here !== undefined ? "here" : found.length > 0 ? "elsewhere" : "unseen",
    missing: files.filter((file) => lookAt(`${root}${file}`) === undefined),
  };
}

function secretsFileFact({ path, parse }: SecretsFile): SecretsFileFact {
  try {
    const { type, mode } = native.stat(path);
    if (type === "directory") return { path, errno: "EISDIR" };
    native.access(path, native.R_OK);
    const read = parse(readText(path) ?? "");
    return { path, mode: mode & 0o777, has: read && [...read.keys()] };
  } catch (error) {
    return { path, errno: errnoOf(error) ?? "EIO" };
  }
}

function lockFacts(): Omit<LockFacts, "ownRpcbind"> {
  return { mountHelper: findHelper("mount.nfs"), statd: findHelper("rpc.statd") };
}

function fstabFact(path: string): FstabFact {
  if (path === "none") return { path, unwritable: undefined };
  const found = readFstab(path);
  return { path, unwritable: found.kind === "refused" ? found.reason : refusalToWrite(path) };
}

/** errno where a file could not be written or made. */
function refusalToWrite(path: string): string | undefined {
  const failure = accessFailure(path);
  return failure === "ENOENT" ? accessFailure(parentOf(path)) : failure;
}

function accessFailure(path: string): string | undefined {
  try {
    native.access(path, native.W_OK);
    return undefined;
  } catch (error) {
    return errnoOf(error) ?? "EIO";
  }
}

/** Nothing on or below an NFS mount is touched here: that could block for ever. */
async function mountPointFact(share: Share, statfs: Mounter["statfs"], timeoutMs: number): Promise<MountPointFact> {
  const mounts = readMounts();
  const { realTarget } = share;
  const top = topMountOn(mounts, realTarget);
  const around = mountAround(
    mounts.filter((mount) => mount.target !== realTarget || !isShareMount(mount)),
    realTarget,
  );
  if (top !== undefined && isShareMount(top)) {
    const isThisShare = isShareOf(top, share);
    const answer = await statfs(realTarget, timeoutMs);
    const state = { kind: "mounted", source: top.source, isThisShare } as const;
    if (isAlive(answer)) return { state, around };
    return { state: { ...state, errno: answer.kind === "failed" ? answer.errno : "" }, around };
  }
  const above = nfsAbove(mounts, realTarget) ?? share.parent?.realTarget;
  if (above !== undefined) return { state: { kind: "on-a-share", above }, around };
  return { state: localState(realTarget), around };
}

function nfsAbove(mounts: readonly MountRecord[], path: string): string | undefined {
  return mounts.find((mount) => isShareMount(mount) && isSameOrBelow(path, mount.target))?.target;
}

function localState(path: string): MountPointFact["state"] {
  try {
    if (native.stat(path).type !== "directory") return { kind: "not-a-directory" };
    return { kind: isEmpty(path) ? "empty" : "not-empty" };
  } catch {
    const above = nearestThere(parentOf(path));
    try {
      if (native.stat(above).type !== "directory") return { kind: "not-a-directory" };
    } catch (error) {
      return { kind: "cannot-be-made", above, errno: errnoOf(error) ?? "EIO" };
    }
    const errno = accessFailure(above);
    return errno === undefined ? { kind: "absent", above } : { kind: "cannot-be-made", above, errno };
  }
}

function isEmpty(path: string): boolean {
  try {
    return listDirectory(path).length === 0;
  } catch {
    return true;
  }
}

/**
 * Where the trial mounts: the mount point itself, since a security profile may allow nothing else; where that is not there or
 * has something of NFS on it or above it, another directory that is always there.
 */
function trialDirectory({ realTarget }: Share): string | undefined {
  const mounts = readMounts();
  const isUsable = (path: string) => nfsAbove(mounts, path) === undefined && isDirectory(path);
  return [realTarget, "/mnt", "/srv", "/tmp", "/run", "/var"].find(isUsable);
}
