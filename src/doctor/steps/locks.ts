// What version 3 with locks needs in this container.
import { type Check, fails, notApplicable, ok, warning } from "../check.ts";
import { type DoctorFacts, type ShareFacts, wantsLocks } from "../facts.ts";
import { type Found } from "../found.ts";
import { failureWords } from "../../rpc/failure.ts";

/** RFC 1094 and rpc(5): the status monitor. */
export const statdProgram = 100_024;

/** Version 3 with locks is mounted by mount.nfs, which wants statd, which wants rpcbind, all in this container. */
export function lockCause({ share }: ShareFacts, { locks }: DoctorFacts): Found | undefined {
  if (!wantsLocks(share)) return undefined;
  const instead = "add nolock to NFS_OPTIONS, or use version 4, whose locks need nothing";
  if (locks.mountHelper === undefined) {
    return {
      id: "helper-missing",
      because: "version 3 with locks is mounted by mount.nfs, and this image has none",
      change: `install nfs-common (Debian, Ubuntu) or nfs-utils (Alpine) in the image, or ${instead}`,
    };
  }
  const known = locks.ownRpcbind?.kind === "ports" ? locks.ownRpcbind.ports : undefined;
  if (known?.some(({ program }) => program === statdProgram) === true) return undefined;
  // mount.nfs starts statd by itself where rpcbind runs.
  if (known !== undefined && locks.statd !== undefined) return undefined;
  return {
    id: "statd-missing",
    because: `version 3 with locks needs rpc.statd in this container, and ${known === undefined ? "no rpcbind answers here for it" : "the image has none"}`,
    change: `${instead}, or run rpcbind and rpc.statd in this container`,
  };
}

export function lockChecks({ locks, shares }: DoctorFacts): readonly Check[] {
  const names = ["mount.nfs", "rpc.statd", "rpcbind here"] as const;
  if (!shares.some(({ share }) => wantsLocks(share))) {
    const reason = "not needed: only version 3 with locks needs it";
    return names.map((name) => notApplicable(name, reason));
  }
  const { mountHelper, statd, ownRpcbind } = locks;
  const next = "add nolock to NFS_OPTIONS, or use version 4";
  const known = ownRpcbind?.kind === "ports" ? ownRpcbind.ports : undefined;
  const silent = ownRpcbind === undefined || ownRpcbind.kind === "ports" ? "not asked" : failureWords(ownRpcbind);
  const runs = known?.some(({ program }) => program === statdProgram) === true;
  return [
    mountHelper === undefined ? fails(names[0], "the image has none", next) : ok(names[0], mountHelper),
    runs
      ? ok(names[1], "registered with rpcbind")
      : statd === undefined
        ? fails(names[1], "the image has none", next)
        : warning(names[1], `${statd} does not run; mount.nfs starts it where rpcbind runs`),
    known === undefined ? fails(names[2], silent, next) : ok(names[2], "answers"),
  ];
}
