// Asks the server itself whether a mounted share can be written to: access(2) is answered from the client's cache for minutes.
import type { MountRecord } from "../shares/mountinfo.ts";
import { hasOption, optionValue } from "../shares/options.ts";
import type { Share } from "../shares/share.ts";
import { rpcClient, type RpcClient } from "../rpc/client.ts";
import { ports, programs, type Credential } from "../rpc/message.ts";
import { mountPath, unmountPath } from "../rpc/mountd.ts";
import { checkAccess, type AccessAnswer } from "../rpc/nfs3.ts";
import { lookupPath, type LookupAnswer } from "../rpc/nfs4.ts";
import { mayWrite, ownerOf } from "../rpc/owner.ts";
import { askPort } from "../ask/service.ts";
import type { Dial } from "../rpc/transport.ts";

/** A user as AUTH_SYS tells it. */
export interface User {
  readonly uid: number;
  readonly gid: number;
  readonly groups?: readonly number[];
}

const root: User = { uid: 0, gid: 0 };
const minorVersions = { "4.0": 0, "4.1": 1, "4.2": 2 } as const;
const isMinor = (version: string): version is keyof typeof minorVersions => Object.hasOwn(minorVersions, version);

/** The root handles of version 3 by mount: mountd, which writes down whom it gave one, is asked for each only once. */
type Handles = Map<MountRecord["id"], Uint8Array>;

export type AskWriteAccess = (
  share: Pick<Share, "source">,
  mount: MountRecord,
  user: User,
  signal: AbortSignal,
) => Promise<boolean | undefined>;

/**
 * Gives the function that asks for ACCESS to the root of a share as the kernel's client would: may `user` write there, or else the
 * directory's owner, whom COMMAND may turn into where root is squashed? Undefined where what the server says would tell nothing
 * of the mount: that one has a security of its own, is read-only or on another transport, or comes from a port we cannot have.
 */
export function writeAccessAsker(dial: Dial): AskWriteAccess {
  const handles: Handles = new Map();
  return async (share, mount, user, signal) => {
    const ask = questionOf(dial, share.source.path, mount, handles);
    if (ask === undefined) return undefined;
    const answer = await ask(user, signal);
    const isLet = answer === undefined ? undefined : mayWrite(answer);
    if (answer === undefined || isLet !== false) return isLet;
    const owner = ownerOf(answer);
    if (owner === undefined || owner.uid === user.uid) return false;
    const asOwner = await ask(owner, signal);
    return asOwner === undefined ? undefined : mayWrite(asOwner);
  };
}

type Ask = (user: User, signal: AbortSignal) => Promise<LookupAnswer | AccessAnswer | undefined>;

function questionOf(dial: Dial, path: string, mount: MountRecord, handles: Handles): Ask | undefined {
  const { options, superOptions } = mount;
  const says = (name: string, ...values: readonly string[]) => {
    const value = optionValue(superOptions, name);
    return value === undefined || values.includes(value);
  };
  const isReadOnly = options.includes("ro") || superOptions.includes("ro");
  if (isReadOnly || !says("sec", "sys") || !says("xprtsec", "none") || !says("proto", "tcp", "tcp6")) return undefined;
  const address = optionValue(superOptions, "addr");
  const version = optionValue(superOptions, "vers") ?? "";
  if (address === undefined) return undefined;
  const port = Number(optionValue(superOptions, "port") ?? 0) || ports.nfs;
  const asking = askingFrom(dial, !hasOption(superOptions, "noresvport"));
  if (isMinor(version)) {
    const minorVersion = minorVersions[version];
    return (user, signal) => asking({ address, port }, user, (nfs) => lookupPath(nfs, { path, minorVersion }, signal));
  }
  if (version !== "3") return undefined;
  return async (user, signal) => {
    const handle = handles.get(mount.id) ?? (await rootHandle(dial, asking, path, superOptions, signal));
    if (handle === undefined) return undefined;
    const answer = await asking({ address, port }, user, (nfs) => checkAccess(nfs, handle, signal));
    if (answer?.kind === "nfs-error") handles.delete(mount.id);
    else handles.set(mount.id, handle);
    return answer;
  };
}

interface Server {
  readonly address: string;
  readonly port: number;
}
type Asking = <T>(server: Server, user: User, ask: (client: RpcClient) => Promise<T>) => Promise<T | undefined>;

/** Asks over a connection of its own, which must come from such a port as the mount's: servers may tell them apart. */
function askingFrom(dial: Dial, reserved: boolean): Asking {
  return async ({ address, port }, { uid, gid, groups = [] }, ask) => {
    const credential: Credential = { kind: "sys", machineName: "nfs-init", uid, gid, gids: groups };
    const client = rpcClient(dial, { address, port, reserved, credential });
    try {
      const answer = await ask(client);
      return reserved && client.reservedPort() !== true ? undefined : answer;
    } finally {
      client.close();
    }
  };
}

async function rootHandle(
  dial: Dial,
  asking: Asking,
  path: string,
  superOptions: MountRecord["superOptions"],
  signal: AbortSignal,
): Promise<Uint8Array | undefined> {
  const address = optionValue(superOptions, "mountaddr") ?? optionValue(superOptions, "addr") ?? "";
  const port = await mountdPort(dial, address, superOptions, signal);
  if (port === undefined) return undefined;
  const answer = await asking({ address, port }, root, async (mountd) => {
    const mounted = await mountPath(mountd, path, signal);
    if (mounted.kind === "mounted") await unmountPath(mountd, path, signal);
    return mounted;
  });
  return answer?.kind === "mounted" ? answer.handle : undefined;
}

async function mountdPort(
  dial: Dial,
  address: string,
  superOptions: readonly string[],
  signal: AbortSignal,
): Promise<number | undefined> {
  const known = Number(optionValue(superOptions, "mountport") ?? 0);
  const isTcp = optionValue(superOptions, "mountproto")?.startsWith("tcp") ?? false;
  if (known > 0 && isTcp) return known;
  const registered = await askPort(dial, address, programs.mountd, 3, signal);
  return registered.kind === "port" && registered.port > 0 && registered.protocol === "tcp"
    ? registered.port
    : undefined;
}
