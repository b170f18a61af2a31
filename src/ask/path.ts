// Is an exported path there, and what may be done with it: asked of NFS and of mountd, as a client asks that mounts it.
import { rpcClient, type RpcClient } from "../rpc/client.ts";
import { listExports, mountPath, unmountPath, type ExportsAnswer, type MountAnswer } from "../rpc/mountd.ts";
import { checkAccess, type AccessAnswer } from "../rpc/nfs3.ts";
import type { MinorVersion } from "../rpc/nfs4-compound.ts";
import { lookupPath, type LookupAnswer } from "../rpc/nfs4.ts";
import type { Dial } from "../rpc/transport.ts";

/** A user as AUTH_SYS tells it. */
export interface User {
  readonly uid: number;
  readonly gid: number;
  readonly groups?: readonly number[];
}

/** mount(2) asks as root. */
export const root: User = { uid: 0, gid: 0 };

/** Whom to ask, as whom, and from where. */
export interface Asker {
  readonly address: string;
  readonly port: number;
  readonly user: User;
  /** From a port below 1024, where this process may have one. */
  readonly reserved: boolean;
  /** `nfs-init` unless given. */
  readonly machineName?: string;
}

/** An answer, and whether it was asked for from a port below 1024, which an export with `secure` wants. */
export type Asked<T> = T & { readonly reservedPort: boolean };

async function asking<T>(dial: Dial, asker: Asker, question: (client: RpcClient) => Promise<T>): Promise<Asked<T>> {
  const { address, port, user, reserved, machineName = "nfs-init" } = asker;
  const { uid, gid, groups = [] } = user;
  const client = rpcClient(dial, {
    address,
    port,
    reserved,
    credential: { kind: "sys", machineName, uid, gid, gids: groups },
  });
  try {
    const answer = await question(client);
    return { ...answer, reservedPort: client.reservedPort() === true };
  } finally {
    client.close();
  }
}

/** Looks a path up in one minor version of 4. */
export function askPath4(
  dial: Dial,
  asker: Asker,
  question: { readonly path: string; readonly minorVersion: MinorVersion },
  signal: AbortSignal,
): Promise<Asked<LookupAnswer>> {
  return asking(dial, asker, (nfs) => lookupPath(nfs, question, signal));
}

/** What the minor versions say of a path: they show the same exports, so the first that is spoken speaks for all. */
export interface Path4Answer {
  /** Those that the server turned away before. */
  readonly unspoken: readonly MinorVersion[];
  /** Undefined where it turned all of them away. */
  readonly spoken: { readonly minorVersion: MinorVersion; readonly answer: Asked<LookupAnswer> } | undefined;
}

/** Looks a path up in the first minor version that the server speaks; `limit` gives the signal that ends one question. */
export async function askMinorVersions(
  dial: Dial,
  asker: Asker,
  path: string,
  minorVersions: readonly MinorVersion[],
  limit: () => AbortSignal,
): Promise<Path4Answer> {
  const unspoken: MinorVersion[] = [];
  for (const minorVersion of minorVersions) {
    const answer = await askPath4(dial, asker, { path, minorVersion }, limit());
    const isTurnedAway = answer.kind === "nfs-error" && answer.status === "NFS4ERR_MINOR_VERS_MISMATCH";
    if (!isTurnedAway) return { unspoken, spoken: { minorVersion, answer } };
    unspoken.push(minorVersion);
  }
  return { unspoken, spoken: undefined };
}

/** Asks mountd for the handle of a path, and takes the note back that mountd makes of that. */
export function askMountd(
  dial: Dial,
  asker: Asker,
  path: string,
  limit: () => AbortSignal,
): Promise<Asked<MountAnswer>> {
  return asking(dial, asker, async (mountd) => {
    const answer = await mountPath(mountd, path, limit());
    if (answer.kind === "mounted") await unmountPath(mountd, path, limit());
    return answer;
  });
}

/** Asks NFS version 3 what may be done with a file. */
export function askAccess3(
  dial: Dial,
  asker: Asker,
  handle: Uint8Array,
  signal: AbortSignal,
): Promise<Asked<AccessAnswer>> {
  return asking(dial, asker, (nfs) => checkAccess(nfs, handle, signal));
}

/** Asks mountd what is exported, and to whom; as nobody. */
export async function askExports(
  dial: Dial,
  { address, port }: Pick<Asker, "address" | "port">,
  signal: AbortSignal,
): Promise<ExportsAnswer> {
  const client = rpcClient(dial, { address, port });
  try {
    return await listExports(client, signal);
  } finally {
    client.close();
  }
}
