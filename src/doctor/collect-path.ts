// Asks for the exported path, and for what may be done there.
import { within } from "../abort.ts";
import { type Asker, type User, askAccess3, askMinorVersions, askMountd, askPath4, root } from "../ask/path.ts";
import { kerberosFlavor } from "../kinds/nfs/kerberos.ts";
import { type NfsQuestion, minorVersionsOf, versionOfMinor } from "../kinds/nfs/question.ts";
import { versionsToTry } from "../kinds/nfs/versions.ts";
import type { MountAnswer } from "../rpc/mountd.ts";
import type { AccessAnswer } from "../rpc/nfs3.ts";
import type { LookupAnswer } from "../rpc/nfs4.ts";
import { mayWrite, ownerOf } from "../rpc/owner.ts";
import { lastOf } from "../shares/options.ts";
import { isSameOrBelow } from "../shares/paths.ts";
import { type Case, limits } from "./collect-ports.ts";
import type { Reached } from "./collect-services.ts";
import type { AccessFact, AddressFacts, Path3Fact, Path4Fact } from "./facts.ts";

/** What the server says of the exported path and of writing there, by RPC and so without any right to mount. */
export async function lookAtPath(one: Case, question: NfsQuestion, facts: Reached): Promise<AddressFacts> {
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
  const limit = () => within(ports.clock, limits.questionMs, whole);
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
    askMountd(ports.network.dial, { ...asker, reserved }, share.source.path, () =>
      within(ports.clock, limits.questionMs, whole),
    );
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
    const found = await askPath4(
      one.ports.network.dial,
      asker,
      question,
      within(one.ports.clock, limits.questionMs, one.whole),
    );
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
    const signal = within(ports.clock, limits.questionMs, whole);
    return minorVersion === undefined
      ? askAccess3(dial, asker, handle ?? new Uint8Array(0), signal)
      : askPath4(dial, asker, { path: share.source.path, minorVersion }, signal);
  };
  const answer = await ask({ uid, gid, groups: identity?.groups ?? [] });
  const owner = ownerOf(answer);
  const asOwner = mayWrite(answer) === false && owner !== undefined && owner.uid !== uid ? await ask(owner) : undefined;
  return { version, uid, gid, answer, asOwner };
}
