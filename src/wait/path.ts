// Could a share be mounted now: the exported path asked of a server that answers, as a client would that mounts it.
import { versionsToTry, type ExactVersion } from "../kinds/nfs/versions.ts";
import type { Share } from "../shares/share.ts";
import { rpcClient } from "../rpc/client.ts";
import { ports, programs, type Credential, type RpcFailure } from "../rpc/message.ts";
import { listExports, mountPath, unmountPath, type Export, type MountAnswer } from "../rpc/mountd.ts";
import { lookupPath, type LookupAnswer } from "../rpc/nfs4.ts";
import { getPort } from "../rpc/rpcbind.ts";
import type { Dial } from "../rpc/transport.ts";
import { questionOf } from "./readiness.ts";
import type { Ready } from "./wait.ts";

export type PathReadiness =
  /** It is there, or the server's refusal has a cause that a mount would not meet. */
  { readonly kind: "ready" } | { readonly kind: "not-ready"; readonly reason: string };

/** What one version says of a path. */
type Verdict =
  | PathReadiness
  /** Another version may say otherwise. */
  | { readonly kind: "ask-next"; readonly reason: string };

const ready: PathReadiness = { kind: "ready" };
const minorVersions = { "4.0": 0, "4.1": 1, "4.2": 2 } as const;

/** mount(2) asks as root. */
const root: Credential = { kind: "sys", machineName: "nfs-init", uid: 0, gid: 0 };

/** Asks for the path in each version that the share may use, the newest first, until one has it. */
export async function askPath(
  dial: Dial,
  share: Pick<Share, "source" | "options" | "version">,
  { address, unspoken }: Ready,
  signal: AbortSignal,
): Promise<PathReadiness> {
  const versions = versionsToTry(share.version).filter((version) => !unspoken.includes(version));
  let reason: string | undefined;
  for (const version of versions) {
    if (version === "3") continue;
    const verdict = await askVersion4(dial, share, address, version, signal);
    if (verdict.kind === "ready") return ready;
    reason ??= verdict.reason;
    // The minor versions show the same exports: only where this one is not spoken is the next asked.
    if (verdict.kind === "not-ready") break;
  }
  if (versions.includes("3")) {
    // An export with fsid=0 is found by version 3 only.
    const verdict = await askMountd(dial, share, address, signal);
    if (verdict.kind === "ready") return ready;
    reason ??= verdict.reason;
  }
  return { kind: "not-ready", reason: reason ?? "the server speaks none of the versions the share may use" };
}

async function askVersion4(
  dial: Dial,
  share: Pick<Share, "source" | "options" | "version">,
  address: string,
  version: Exclude<ExactVersion, "3">,
  signal: AbortSignal,
): Promise<Verdict> {
  const port = questionOf(share).port ?? ports.nfs;
  const nfs = rpcClient(dial, { address, port, reserved: true, credential: root });
  try {
    const { path } = share.source;
    const answer = await lookupPath(nfs, { path, minorVersion: minorVersions[version] }, signal);
    return judgeLookup(answer, nfs.reservedPort() === true);
  } finally {
    nfs.close();
  }
}

/** Judges what a server of version 4 says of a path; `reservedPort`: asked from a port below 1024. */
export function judgeLookup(answer: LookupAnswer, reservedPort: boolean): Verdict {
  switch (answer.kind) {
    case "found":
      return answer.type === "directory" || answer.type === "symbolic link"
        ? ready
        : { kind: "not-ready", reason: `the exported path is a ${answer.type}, no directory` };
    case "nfs-error":
      switch (answer.status) {
        case "NFS4ERR_MINOR_VERS_MISMATCH":
          return { kind: "ask-next", reason: "the server does not speak that minor version" };
        case "NFS4ERR_PERM":
          // An export with `secure`, the default, wants a port that only root may have; mount(2) has one.
          return reservedPort ? refusal(answer) : ready;
        case "NFS4ERR_SYMLINK":
        case "NFS4ERR_WRONGSEC":
        case "NFS4ERR_MOVED":
          return ready;
        default:
          return refusal(answer);
      }
    case "refused":
      return answer.cause === "authentication" && answer.stat === authTooWeak
        ? ready
        : { kind: "not-ready", reason: `the server refuses this client: ${answer.reason}` };
    default:
      return failure(answer);
  }
}

/** Another flavor is wanted, which mount(2) may have (RFC 5531 section 9). */
const authTooWeak = "AUTH_TOOWEAK";

function refusal({ status, path }: Extract<LookupAnswer, { kind: "nfs-error" }>): Verdict {
  const what = status === "NFS4ERR_NOENT" ? "does not exist, or is not exported to this client" : `answers ${status}`;
  return { kind: "not-ready", reason: `${path === "" ? "/" : path} on the server ${what}` };
}

const notExported: PathReadiness = { kind: "not-ready", reason: "mountd: the path is not exported to this client" };

async function askMountd(
  dial: Dial,
  share: Pick<Share, "source" | "options" | "version">,
  address: string,
  signal: AbortSignal,
): Promise<PathReadiness> {
  const port = await mountdPort(dial, share, address, signal);
  if (typeof port !== "number") return port;
  const mountd = rpcClient(dial, { address, port, reserved: true, credential: root });
  try {
    const answer = await mountPath(mountd, share.source.path, signal);
    if (answer.kind === "mounted") await unmountPath(mountd, share.source.path, signal);
    const verdict = judgeMount(answer, mountd.reservedPort() === true);
    if (verdict.kind !== "ready" || answer.kind === "mounted") return verdict;
    // A refusal of a high port tells nothing; that no export holds the path does.
    const list = await listExports(mountd, signal);
    const { path } = share.source;
    const holdsPath = ({ directory }: Export) =>
      directory === "/" || path === directory || path.startsWith(`${directory}/`);
    return list.kind !== "exports" || list.exports.some(holdsPath) ? verdict : notExported;
  } finally {
    mountd.close();
  }
}

async function mountdPort(
  dial: Dial,
  share: Pick<Share, "source" | "options" | "version">,
  address: string,
  signal: AbortSignal,
): Promise<number | PathReadiness> {
  const known = questionOf(share).mountPort;
  if (known !== undefined) return known;
  const rpcbind = rpcClient(dial, { address, port: ports.portmapper });
  try {
    const answer = await getPort(rpcbind, { program: programs.mountd, version: 3, transport: "tcp" }, signal);
    switch (answer.kind) {
      case "port":
        return answer.port;
      case "not-registered":
        // Registered for UDP only: rpcbind's word has to do.
        return ready;
      default:
        return failure(answer);
    }
  } finally {
    rpcbind.close();
  }
}

/** Judges what mountd says of a path; `reservedPort`: asked from a port below 1024. */
export function judgeMount(answer: MountAnswer, reservedPort: boolean): PathReadiness {
  switch (answer.kind) {
    case "mounted":
      return ready;
    case "mount-error":
      if (answer.status === "MNT3ERR_ACCES") {
        return reservedPort ? notExported : ready;
      }
      return {
        kind: "not-ready",
        reason:
          answer.status === "MNT3ERR_NOENT" ? "mountd: the path does not exist" : `mountd answers ${answer.status}`,
      };
    default:
      return failure(answer);
  }
}

function failure(answer: RpcFailure): PathReadiness {
  switch (answer.kind) {
    case "no-answer":
    case "refused":
    case "malformed":
      return { kind: "not-ready", reason: answer.reason };
    case "program-unavailable":
      return { kind: "not-ready", reason: "another service answers there" };
    case "version-mismatch":
      return { kind: "not-ready", reason: `the server speaks version ${answer.lowest} to ${answer.highest} only` };
  }
}
