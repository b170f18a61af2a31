// Could a share be mounted now: the exported path asked of a server that answers, as a client would that mounts it.
import { failureWords } from "../../rpc/failure.ts";
import { askExports, askMinorVersions, askMountd, root, type Asked, type Asker } from "../../ask/path.ts";
import type { Network } from "../../ask/network.ts";
import { askPort, type Registration } from "../../ask/service.ts";
import { askMountHost, minorVersionsOf, mountHostWords, questionOf } from "./question.ts";
import { versionsToTry } from "./versions.ts";
import { isSameOrBelow } from "../../shares/paths.ts";
import { ports, programs } from "../../rpc/message.ts";
import type { Export, MountAnswer } from "../../rpc/mountd.ts";
import type { MinorVersion } from "../../rpc/nfs4-compound.ts";
import type { LookupAnswer } from "../../rpc/nfs4.ts";
import type { Share } from "../../shares/share.ts";
import type { ReadyServer } from "../mounting.ts";
import type { PathReadiness } from "../server.ts";

const ready: PathReadiness = { kind: "ready" };

type Asking = Pick<Share, "source" | "options" | "version">;

/** Asks for the path in each version that the share may use, the newest first, until one has it. */
export async function askPath(
  network: Network,
  share: Asking,
  { address, unspoken }: ReadyServer,
  signal: AbortSignal,
): Promise<PathReadiness> {
  const versions = versionsToTry(share.version).filter((version) => !unspoken.includes(version));
  const inVersion4 = await askVersion4(network, share, address, minorVersionsOf(versions), signal);
  if (inVersion4?.kind === "ready") return ready;
  // An export with fsid=0 is found by version 3 only.
  const inVersion3 = versions.includes("3") ? await askVersion3(network, share, address, signal) : undefined;
  if (inVersion3?.kind === "ready") return ready;
  return inVersion4 ?? inVersion3 ?? notReady("the server speaks none of the versions the share may use");
}

function notReady(reason: string): PathReadiness {
  return { kind: "not-ready", reason };
}

/** Undefined where there is no minor version to ask in. */
async function askVersion4(
  { dial }: Network,
  share: Asking,
  address: string,
  minorVersions: readonly MinorVersion[],
  signal: AbortSignal,
): Promise<PathReadiness | undefined> {
  if (minorVersions.length === 0) return undefined;
  const asker: Asker = { address, port: questionOf(share).port ?? ports.nfs, user: root, reserved: true };
  const { spoken } = await askMinorVersions(dial, asker, share.source.path, minorVersions, () => signal);
  return spoken === undefined ? notReady("the server does not speak that minor version") : judgeLookup(spoken.answer);
}

/** Judges what a server of version 4 says of a path, in a minor version that it speaks. */
export function judgeLookup(answer: Asked<LookupAnswer>): PathReadiness {
  switch (answer.kind) {
    case "found":
      return answer.type === "directory" || answer.type === "symbolic link"
        ? ready
        : notReady(`the exported path is a ${answer.type}, no directory`);
    case "nfs-error":
      switch (answer.status) {
        case "NFS4ERR_PERM":
          // An export with `secure`, the default, wants a port that only root may have; mount(2) has one.
          return answer.reservedPort ? refusal(answer) : ready;
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
        : notReady(`the server refuses this client: ${answer.reason}`);
    default:
      return notReady(failureWords(answer));
  }
}

/** Another flavor is wanted, which mount(2) may have (RFC 5531 section 9). */
const authTooWeak = "AUTH_TOOWEAK";

function refusal({ status, path }: Extract<LookupAnswer, { kind: "nfs-error" }>): PathReadiness {
  const what = status === "NFS4ERR_NOENT" ? "does not exist, or is not exported to this client" : `answers ${status}`;
  return notReady(`${path === "" ? "/" : path} on the server ${what}`);
}

const notExported = notReady("mountd: the path is not exported to this client");

async function askVersion3(
  network: Network,
  share: Asking,
  address: string,
  signal: AbortSignal,
): Promise<PathReadiness> {
  const { dial } = network;
  const question = questionOf(share);
  const { mountPort } = question;
  const mountHost = await askMountHost(network, question, address, signal);
  if (mountHost.kind !== "address") return notReady(mountHostWords(question, mountHost));
  const found: Registration =
    mountPort === undefined
      ? await askPort(dial, mountHost.address, programs.mountd, 3, signal)
      : { kind: "port", port: mountPort };
  switch (found.kind) {
    case "port":
      break;
    case "udp-only":
    case "not-registered":
      // rpcbind's word has to do.
      return ready;
    default:
      return notReady(failureWords(found));
  }
  const { path } = share.source;
  const mountd: Asker = { address: mountHost.address, port: found.port, user: root, reserved: true };
  const answer = await askMountd(dial, mountd, path, () => signal);
  const verdict = judgeMount(answer);
  if (verdict.kind !== "ready" || answer.kind === "mounted") return verdict;
  // A refusal of a high port tells nothing; that no export holds the path does.
  const list = await askExports(dial, mountd, signal);
  const holdsPath = ({ directory }: Export) => isSameOrBelow(path, directory);
  return list.kind !== "exports" || list.exports.some(holdsPath) ? verdict : notExported;
}

/** Judges what mountd says of a path. */
export function judgeMount(answer: Asked<MountAnswer>): PathReadiness {
  switch (answer.kind) {
    case "mounted":
      return ready;
    case "mount-error":
      if (answer.status === "MNT3ERR_ACCES") return answer.reservedPort ? notExported : ready;
      return notReady(
        answer.status === "MNT3ERR_NOENT" ? "mountd: the path does not exist" : `mountd answers ${answer.status}`,
      );
    default:
      return notReady(failureWords(answer));
  }
}
