// May this process mount shares at all, and if not, what stands against it: the preflight's own judgement, with a name for each cause.
import type { KindMounting } from "../kinds/mounting.ts";
import { refusalOfRights, type MountRights, type Refusal } from "../mount/preflight.ts";
import { mountingOf } from "../kinds/mountings.ts";
import type { Share } from "../shares/share.ts";
import type { ProcessFacts } from "./facts.ts";

export type Forbidden = "capability" | "seccomp" | "user-namespace" | "security-profile" | "not-permitted";

const CAP_SYS_ADMIN = 21n;

/** What is asked of this process is asked for the first share, as it is before the first is mounted. */
export function kindOfFirst([first]: readonly Pick<Share, "kind">[]): KindMounting {
  return mountingOf(first ?? { kind: "nfs" });
}

/** undefined where the capabilities are not known. */
export function hasSysAdmin({
  effectiveCapabilities,
}: Pick<ProcessFacts, "effectiveCapabilities">): boolean | undefined {
  return effectiveCapabilities === undefined ? undefined : (effectiveCapabilities & (1n << CAP_SYS_ADMIN)) !== 0n;
}

/** Whether ids here are not those of the host (user_namespaces(7)). */
export function isNamespaced({ uidMap }: Pick<ProcessFacts, "uidMap">): boolean {
  return uidMap !== undefined && !/^\s*0\s+0\s+4294967295\s*$/.test(uidMap);
}

/** Why this process cannot mount shares of a kind, undefined where it can. */
export function refusalOf(
  facts: ProcessFacts,
  kind: Pick<KindMounting, "title" | "profileRule">,
): (Refusal & { readonly forbidden: Forbidden }) | undefined {
  const { remountErrno, nfsErrno = "EINVAL", effectiveCapabilities, uidMap, securityLabel } = facts;
  const rights: MountRights = {
    effectiveCapabilities,
    uidMap,
    securityLabel,
    remountErrno: () => remountErrno,
    harmlessErrno: () => nfsErrno,
  };
  const refusal = refusalOfRights(rights, kind);
  return refusal === undefined ? undefined : { ...refusal, forbidden: nameOf(facts) };
}

function nameOf(facts: ProcessFacts): Forbidden {
  if (hasSysAdmin(facts) === false) return "capability";
  if (facts.remountErrno === "EPERM") return facts.effectiveCapabilities === undefined ? "not-permitted" : "seccomp";
  if (facts.nfsErrno === "EACCES") return "security-profile";
  return isNamespaced(facts) ? "user-namespace" : "not-permitted";
}
