// What may be done on the share.
import { mayWrite, ownerOf } from "../../rpc/owner.ts";
import { isReadOnly } from "../../shares/options.ts";
import { type Check, notApplicable, ok, warning } from "../check.ts";
import type { AddressFacts, ShareFacts } from "../facts.ts";

export function accessCheck(facts: ShareFacts, { access }: AddressFacts, of: string): Check {
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
