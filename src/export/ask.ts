// Is every export served? Asked over the wire, as a client asks that is about to mount it.
import { failureWords } from "../rpc/failure.ts";
import { rpcClient } from "../rpc/client.ts";
import { mountPath, unmountPath } from "../rpc/mountd.ts";
import { checkAccess } from "../rpc/nfs3.ts";
import type { MinorVersion } from "../rpc/nfs4-compound.ts";
import { lookupPath, tryFile, type LookupAnswer, type TrialAnswer } from "../rpc/nfs4.ts";
import type { Dial } from "../rpc/transport.ts";
import { pathInVersion4, type Export } from "./exports.ts";
import { exportFlags } from "./options.ts";
import type { ServedVersion } from "./server.ts";

const minorVersions: Readonly<Record<Exclude<ServedVersion, "3">, MinorVersion>> = { "4.0": 0, "4.1": 1, "4.2": 2 };

export interface Asked {
  readonly address: string;
  readonly port: number;
  /** The versions that are served, in their order: the highest one is asked, and version 3 beside it. */
  readonly versions: readonly ServedVersion[];
  readonly mountdPort: number;
  /** All that is exported: where version 4 has one may depend on another. */
  readonly exports: readonly Export[];
}

export type Served =
  | { readonly kind: "served" }
  /** It answers, but nothing could be written, which starting again would not mend. */
  | { readonly kind: "not-writable"; readonly reason: string }
  | { readonly kind: "not-served"; readonly reason: string };

/** Words of a server that answers, and has a reason not to take a file: nobody may write there, it is full, or clients come back. */
const writeRefusals: ReadonlySet<string> = new Set([
  "NFS4ERR_ACCESS",
  "NFS4ERR_PERM",
  "NFS4ERR_ROFS",
  "NFS4ERR_NOSPC",
  "NFS4ERR_DQUOT",
  "NFS4ERR_GRACE",
]);
/** The directory's owner may not write, or not yet: that is as it should be. */
const usualRefusals: ReadonlySet<string> = new Set(["NFS4ERR_ACCESS", "NFS4ERR_PERM", "NFS4ERR_GRACE"]);

/** The file that is written, read back and removed. */
const trialName = ".nfs-init-check";

/** Whether an export is served; with `write` a file is written too, as the owner of the directory, where the export takes any. */
export async function askExport(
  dial: Dial,
  one: Export,
  asked: Asked,
  write: boolean,
  signal: AbortSignal,
): Promise<Served> {
  if (asked.versions.includes("3")) {
    const answer = await askVersion3(dial, one.path, asked, signal);
    if (answer.kind === "not-served") return answer;
  }
  const highest = asked.versions.at(-1) ?? "3";
  return highest === "3" ? { kind: "served" } : askVersion4(dial, one, asked, minorVersions[highest], write, signal);
}

const outside: Served = {
  kind: "not-served",
  reason: "version 4 begins at the export with fsid=0, and this one does not lie below it: leave fsid=0 out",
};

/** Its MOUNT service gives a handle, and the server knows that. */
async function askVersion3(
  dial: Dial,
  path: string,
  { address, port, mountdPort }: Asked,
  signal: AbortSignal,
): Promise<Served> {
  const notServed = (reason: string): Served => ({ kind: "not-served", reason: `version 3: ${reason}` });
  const mountd = rpcClient(dial, { address, port: mountdPort, reserved: true });
  const nfs = rpcClient(dial, { address, port, reserved: true });
  try {
    const mounted = await mountPath(mountd, path, signal);
    if (mounted.kind === "mount-error") return notServed(mounted.status);
    if (mounted.kind !== "mounted") return notServed(failureWords(mounted));
    await unmountPath(mountd, path, signal);
    const answer = await checkAccess(nfs, mounted.handle, signal);
    if (answer.kind === "access") return { kind: "served" };
    return notServed(answer.kind === "nfs-error" ? answer.status : failureWords(answer));
  } finally {
    mountd.close();
    nfs.close();
  }
}

async function askVersion4(
  dial: Dial,
  one: Export,
  { address, port, versions, exports }: Asked,
  minorVersion: MinorVersion,
  write: boolean,
  signal: AbortSignal,
): Promise<Served> {
  const path = pathInVersion4(exports, one);
  if (path === undefined) return versions.includes("3") ? { kind: "served" } : outside;
  const client = rpcClient(dial, { address, port, reserved: true });
  let found: LookupAnswer;
  try {
    found = await lookupPath(client, { path, minorVersion }, signal);
  } finally {
    client.close();
  }
  const reason = wordsOf(found);
  if (reason !== undefined) return { kind: "not-served", reason };
  const isReadOnly = one.rules.every(({ options }) => (options.flags & exportFlags.readOnly) !== 0);
  if (!write || isReadOnly || minorVersion === 0 || found.kind !== "found") return { kind: "served" };
  const [uid, gid] = [found.owner, found.group].map((id) => (/^\d+$/.test(id ?? "") ? Number(id) : 0));
  const credential = { kind: "sys", machineName: "nfs-init", uid: uid ?? 0, gid: gid ?? 0 } as const;
  const writer = rpcClient(dial, { address, port, reserved: true, credential });
  try {
    return judge(await tryFile(writer, { path, name: trialName, minorVersion }, signal));
  } finally {
    writer.close();
  }
}

function judge(answer: TrialAnswer): Served {
  if (answer.kind === "written") return { kind: "served" };
  if (answer.kind === "differs") return { kind: "not-served", reason: "a file is not read back as it was written" };
  const reason = wordsOf(answer);
  if (answer.kind !== "nfs-error" || !writeRefusals.has(answer.status)) {
    return { kind: "not-served", reason: reason ?? "it refuses its own root" };
  }
  return usualRefusals.has(answer.status)
    ? { kind: "served" }
    : { kind: "not-writable", reason: reason ?? answer.status };
}

function wordsOf(answer: LookupAnswer | Exclude<TrialAnswer, { kind: "written" | "differs" }>): string | undefined {
  switch (answer.kind) {
    case "found":
      return undefined;
    case "nfs-error":
      // It is there, and kept from whoever asks without a name: a directory that is closed to others.
      return answer.status === "NFS4ERR_ACCESS" ? undefined : `${answer.status} at ${answer.path}`;
    case "program-unavailable":
      return "no NFS server answers at its port";
    case "version-mismatch":
      return "the server does not speak version 4";
    case "refused":
    case "no-answer":
    case "malformed":
      return answer.reason;
  }
}
