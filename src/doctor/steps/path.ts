// The exported path, by version 4 and by version 3.
import { kerberosFlavor } from "../../kinds/nfs/kerberos.ts";
import { isSameOrBelow } from "../../shares/paths.ts";
import { type Check, fails, ok, warning } from "../check.ts";
import type { Engine } from "../engine.ts";
import { matchClient } from "../export-match.ts";
import type { AddressFacts, ShareFacts } from "../facts.ts";
import { type Found, stages } from "../found.ts";
import { failureWords } from "../../rpc/failure.ts";
import {
  coverOf,
  kerberosOnly,
  localAddressOf,
  missingPath,
  notExported,
  refusedClient,
  refusedPort,
} from "./exports.ts";
import { mountdCause, mountdHangs } from "./registration.ts";
import { hangs } from "./service.ts";

export function path4Cause(facts: ShareFacts, address: AddressFacts, engine: Engine): Found | undefined {
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

export function path3Cause(
  facts: ShareFacts,
  address: AddressFacts,
  engine: Engine,
  orVersion4: string,
): Found | undefined {
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
      return mountdCause(address, answer, address.mountd?.port ?? 0, orVersion4);
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

export function pathChecks({ path4, path3 }: AddressFacts, of: string): readonly Check[] {
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
      const words = answer.kind === "nfs-error" ? `${answer.status} at ${answer.path}` : failureWords(answer);
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
      const words = answer.kind === "mount-error" ? answer.status : failureWords(answer);
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
