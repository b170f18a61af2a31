// What is on the target of a share before it is mounted: the share itself, a stale one, or another.
import { isShareMount, isShareOf } from "../kinds/kinds.ts";
import { isOnTop, topMountOn, type MountRecord } from "../shares/mountinfo.ts";
import type { Share } from "../shares/share.ts";
import { isAlive, isNotStarted, silence } from "./answers.ts";
import { failed, type AttemptNotice, type AttemptPorts, type AttemptResult } from "./attempt-ports.ts";
import type { Mounter } from "./ports.ts";
import { detachMount } from "./umount.ts";

/** Whether somebody else has mounted a share that is only watched, and it answers. */
export async function findMounted(mounter: Mounter, share: Share, timeoutMs: number): Promise<AttemptResult> {
  const there = topMountOn(mounter.mounts(), share.realTarget);
  if (there === undefined || !isShareMount(there)) return failed("it is not mounted yet, and only watched by nfs-init");
  if (!isShareOf(there, share)) return failed(`${there.source} is mounted there, and not what is to be watched`);
  const answer = await mounter.statfs(share.realTarget, timeoutMs);
  if (isAlive(answer)) {
    return { kind: "mounted", version: undefined, isOurs: false };
  }
  return failed(`it is mounted and ${silence(answer)}`);
}

export const lockedElsewhere = failed("another nfs-init in this container holds the mount point");

/**
 * A mount that is on the target already: the same share is used when it answers, detached when it is stale, waited for when
 * it does not answer. Undefined where the target is free, or has been freed.
 */
export async function useLeftover(
  ports: AttemptPorts,
  share: Share,
  timeoutMs: number,
  notYet: () => void,
): Promise<AttemptResult | undefined> {
  const { mounter } = ports;
  const there = topMountOn(mounter.mounts(), share.realTarget);
  if (there === undefined || !isShareMount(there)) return undefined;
  if (!isShareOf(there, share)) {
    // Only what an earlier instance of nfs-init mounted here may be replaced; the plan found that out.
    if (there.source !== share.replaces) return failed(`${there.source} has been mounted on it by somebody else`);
    return detach(ports, share, there, timeoutMs, { kind: "replaced-detached", share, source: there.source });
  }
  const answer = await mounter.statfs(share.realTarget, timeoutMs);
  if (isAlive(answer)) {
    return { kind: "mounted", version: undefined, isOurs: false };
  }
  if (answer.kind !== "failed" || answer.errno !== "ESTALE") {
    const next = isNotStarted(answer) ? "" : "; its server is waited for";
    return failed(`it is mounted already and ${silence(answer)}${next}`);
  }
  // On a soft mount ESTALE proves nothing while the server is away.
  await ports.serverReady(share, notYet);
  const again = await mounter.statfs(share.realTarget, timeoutMs);
  // Somebody else may have mounted it afresh meanwhile.
  if (again.kind !== "failed" || again.errno !== "ESTALE" || !isOnTop(there, mounter.mounts())) {
    return failed("it is mounted already and answers differently each time");
  }
  return detach(ports, share, there, timeoutMs, { kind: "stale-detached", share });
}

/** Detaches what is on the target, unless an instance that is running looks after it; undefined where the target is free then. */
async function detach(
  { mounter, clock, lock, tell, onDetaching }: AttemptPorts,
  share: Share,
  there: MountRecord,
  timeoutMs: number,
  notice: AttemptNotice,
): Promise<AttemptResult | undefined> {
  if (lock(share).kind === "busy") return lockedElsewhere;
  onDetaching(share);
  if (!(await detachMount(mounter, clock, there, timeoutMs))) {
    return failed("what is mounted on the target cannot be detached");
  }
  tell(notice);
  return undefined;
}
