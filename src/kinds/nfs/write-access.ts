// Asks the server itself whether a mounted share can be written to: access(2) is answered from the client's cache for minutes.
import type { AskWriteAccess } from "../server.ts";
import type { MountRecord } from "../../shares/mountinfo.ts";
import { hasOption, optionValue } from "../../shares/options.ts";
import { askAccess3, askMountd, askPath4, root, type User } from "../../ask/path.ts";
import { askPort } from "../../ask/service.ts";
import { minorVersionsOf } from "./question.ts";
import { versionsToTry } from "./versions.ts";
import { ports, programs } from "../../rpc/message.ts";
import type { AccessAnswer } from "../../rpc/nfs3.ts";
import type { LookupAnswer } from "../../rpc/nfs4.ts";
import { mayWrite, ownerOf } from "../../rpc/owner.ts";
import type { Dial } from "../../rpc/transport.ts";

/** The root handles of version 3 by mount: mountd, which writes down whom it gave one, is asked for each only once. */
type Handles = Map<MountRecord["id"], Uint8Array>;

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
  const stated = optionValue(superOptions, "vers") ?? "";
  const version = versionsToTry(stated).find((one) => one === stated);
  if (address === undefined || version === undefined) return undefined;
  const port = Number(optionValue(superOptions, "port") ?? 0) || ports.nfs;
  // It must come from such a port as the mount's: servers may tell them apart.
  const reserved = !hasOption(superOptions, "noresvport");
  const unlessHigh = <T extends { readonly reservedPort: boolean }>(answer: T) =>
    reserved && !answer.reservedPort ? undefined : answer;
  const nfs = { address, port, reserved };
  const [minorVersion] = minorVersionsOf([version]);
  if (minorVersion !== undefined) {
    return async (user, signal) => unlessHigh(await askPath4(dial, { ...nfs, user }, { path, minorVersion }, signal));
  }
  const mountdAddress = optionValue(superOptions, "mountaddr") ?? address;
  const askHandle = async (signal: AbortSignal): Promise<Uint8Array | undefined> => {
    const mountd = await mountdPort(dial, mountdAddress, superOptions, signal);
    if (mountd === undefined) return undefined;
    const asker = { address: mountdAddress, port: mountd, reserved, user: root };
    const answer = unlessHigh(await askMountd(dial, asker, path, () => signal));
    return answer?.kind === "mounted" ? answer.handle : undefined;
  };
  return async (user, signal) => {
    const handle = handles.get(mount.id) ?? (await askHandle(signal));
    if (handle === undefined) return undefined;
    const answer = unlessHigh(await askAccess3(dial, { ...nfs, user }, handle, signal));
    if (answer?.kind === "nfs-error") handles.delete(mount.id);
    else handles.set(mount.id, handle);
    return answer;
  };
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
  return registered.kind === "port" ? registered.port : undefined;
}
