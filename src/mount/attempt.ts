// One attempt to have a share mounted: what is there already, the lock, the server, the mount call, and the proof.
import { isReadOnly } from "../shares/options.ts";
import { versionsToTry, type ExactVersion } from "../kinds/nfs/versions.ts";
import { isShareMount, isShareOf } from "../kinds/kinds.ts";
import { isOnTop, topMountOn, type MountRecord } from "../shares/mountinfo.ts";
import type { Share } from "../shares/share.ts";
import { kernelMount } from "../kinds/nfs/mount-data.ts";
import type { MountAddresses, RefusedOption } from "../kinds/kind.ts";
import { withKerberosHint } from "../kinds/nfs/kerberos.ts";
import { describeRefusedOption } from "../kinds/nfs/option-hints.ts";
import { findRefusedOption, type OptionPorts } from "./refused-option.ts";
import { summarize } from "./round.ts";
import type { MountFailure } from "../kinds/failure.ts";
import type { Ready } from "../wait/wait.ts";
import { callMount } from "./call.ts";
import { notStartedWords, type Clock, type Mounter, type PathAnswer, type Prepared, type TargetLock } from "./ports.ts";
import { detachMount } from "./umount.ts";

export interface AttemptPorts {
  readonly mounter: Mounter;
  readonly clock: Clock;
  /** Takes the lock on a share's target, or gives the one this instance holds already. */
  readonly lock: (share: Share) => TargetLock;
  /**
   * Settles when the share's server could serve it; `notYet` is called each time it was asked and could not. It need not be asked
   * any more once `unneeded` aborts.
   */
  readonly serverReady: (share: Share, notYet: () => void, unneeded?: AbortSignal) => Promise<Ready>;
  readonly serverAnswers: (share: Share, signal: AbortSignal) => Promise<boolean>;
  /** The addresses the kernel is to mount from, the server's being one that was found ready; or why there are none. */
  readonly addresses: (
    share: Share,
    ready: Ready,
    version: ExactVersion,
    signal: AbortSignal,
  ) => Promise<MountAddresses | string>;
  /** Waits until no other instance is about to change what is mounted on a target, and keeps others out until released. */
  readonly enter: (share: Share) => Promise<() => void>;
  /** Mounts that nobody else sees, as `OptionPorts` has it. */
  readonly tryCalls: OptionPorts["tryCalls"];
  /** Loads the NFS modules where that is wanted and possible. */
  readonly loadModules: () => Promise<void>;
  readonly tell: (notice: AttemptNotice) => void;
  /** Called before a mount call: from here on a mount may appear, even if the call is cut short. */
  readonly onMounting: (share: Share) => void;
  /** Called before what is mounted on the target is detached, with everything below it. */
  readonly onDetaching: (share: Share) => void;
  /** Called once the mount point is ready: what is under the share from now on is the guard. */
  readonly guard: (share: Share, path: string) => Promise<void>;
  /** Whether the share is to have a guard and has none. */
  readonly lacksGuard: (share: Share) => boolean;
  readonly aside: AsidePorts;
}

/** A share that others lie below is built aside, with their guards, and moved to its mount point as a whole; see aside.ts. */
export interface AsidePorts {
  /** Makes the place and gives its path; undefined where the share needs none, or there is none to be had. */
  readonly open: (share: Share) => Promise<string | undefined>;
  /** Guards the mount points on the share, which is mounted on `at`; gives the reason where one cannot be reached now. */
  readonly guardBelow: (share: Share, at: string) => Promise<string | undefined>;
  /** What is built aside cannot be moved here: from now on `open` gives none. */
  readonly refuse: (share: Share, reason: string) => void;
  /** Takes away what is left at the place. */
  readonly close: (share: Share) => Promise<void>;
}

/** What an attempt wants said, whether or not it succeeds. */
export type AttemptNotice =
  | { readonly kind: "stale-detached"; readonly share: Share }
  | { readonly kind: "replaced-detached"; readonly share: Share; readonly source: string }
  | { readonly kind: "not-empty"; readonly share: Share }
  | { readonly kind: "no-lock"; readonly share: Share; readonly reason: string }
  /** A mount call that has not ended after so long. */
  | { readonly kind: "pending"; readonly share: Share; readonly version: ExactVersion; readonly forMs: number };

export type AttemptResult =
  | {
      readonly kind: "mounted";
      /** As the mount call was asked for it; undefined for a mount that was there. */
      readonly version: ExactVersion | undefined;
      /** Whether this instance made the mount, and so takes it down. */
      readonly isOurs: boolean;
    }
  | { readonly kind: "failed"; readonly failure: MountFailure };

export async function attemptShare(
  ports: AttemptPorts,
  share: Share,
  attemptTimeoutMs: number,
  signal: AbortSignal,
  notYet: () => void,
): Promise<AttemptResult> {
  const { mounter } = ports;
  if (share.watchOnly) return findMounted(mounter, share, attemptTimeoutMs);
  const present = await useLeftover(ports, share, attemptTimeoutMs, notYet);
  if (present !== undefined) return present;
  const lock = ports.lock(share);
  if (lock.kind === "busy") return lockedElsewhere;
  if (lock.kind === "unavailable") ports.tell({ kind: "no-lock", share, reason: lock.reason });

  const prepare = async (): Promise<Prepared> => {
    // Without the share above it the way leads to that one's guard, or to the local disk; it may go at any moment.
    if (lacksAbove(mounter, share)) return aboveIsGone;
    const prepared = await mounter.prepare(share.realTarget, share.parent?.realTarget, attemptTimeoutMs);
    if (prepared.kind === "refused" && lacksAbove(mounter, share)) return aboveIsGone;
    if (prepared.kind === "prepared") {
      if (!prepared.isEmpty) ports.tell({ kind: "not-empty", share });
      await ports.guard(share, prepared.path);
    }
    return prepared;
  };
  if (share.parent !== undefined && ports.lacksGuard(share)) {
    // The share above it is there: until the server of this one is as well, what is written here must not land on that.
    const prepared = await prepare();
    if (prepared.kind !== "prepared") return unusable(share, prepared);
    prepared.release();
  }

  // The server is asked while the mount point is made ready; the answer is judged below.
  signal.throwIfAborted();
  const unneeded = new AbortController();
  const askNoMore = () => unneeded.abort();
  signal.addEventListener("abort", askNoMore, { once: true });
  const asked = ports.serverReady(share, notYet, unneeded.signal);
  const forget = () => signal.removeEventListener("abort", askNoMore);
  asked.then(forget, forget);
  // A mount point on another share is looked at as late as can be: a look that is kept would hold that share busy.
  const early = share.parent === undefined ? await prepare() : undefined;
  if (early !== undefined && early.kind !== "prepared") {
    askNoMore();
    return unusable(share, early);
  }
  const ready = await asked;
  signal.throwIfAborted();
  const leave = await ports.enter(share);
  try {
    signal.throwIfAborted();
    const meanwhile = await useLeftover(ports, share, attemptTimeoutMs, notYet);
    if (meanwhile !== undefined) return meanwhile;

    const prepared = early ?? (await prepare());
    if (prepared.kind !== "prepared") return unusable(share, prepared);
    try {
      const round = () => mountWhole(ports, share, prepared.path, ready, attemptTimeoutMs, signal);
      return await (lock.kind === "locked" ? noted(lock.note, mounter, share, round) : round());
    } finally {
      prepared.release();
    }
  } finally {
    leave();
  }
}

/** Whether somebody else has mounted a share that is only watched, and it answers. */
async function findMounted(mounter: Mounter, share: Share, timeoutMs: number): Promise<AttemptResult> {
  const there = topMountOn(mounter.mounts(), share.realTarget);
  if (there === undefined || !isShareMount(there)) return failed("it is not mounted yet, and only watched by nfs-init");
  if (!isShareOf(there, share)) return failed(`${there.source} is mounted there, and not what is to be watched`);
  const answer = await mounter.statfs(share.realTarget, timeoutMs);
  if (answer.kind === "done" || (answer.kind === "failed" && isAlive(answer.errno))) {
    return { kind: "mounted", version: undefined, isOurs: false };
  }
  return failed(`it is mounted and ${silence(answer)}`);
}

const aboveIsGone: Prepared = { kind: "failed", reason: "the share above it is not mounted" };

function lacksAbove(mounter: Mounter, { parent }: Share): boolean {
  if (parent === undefined) return false;
  const there = topMountOn(mounter.mounts(), parent.realTarget);
  return there === undefined || !isShareOf(there, parent);
}

/** A mount point that cannot be had: for now where what lies above it does not answer, for good where it is refused. */
function unusable(share: Share, prepared: Exclude<Prepared, { kind: "prepared" }>): AttemptResult {
  const { realTarget, parent } = share;
  if (prepared.kind === "failed") return failed(`the mount point cannot be reached: ${prepared.reason}`);
  if (prepared.kind === "no-answer") {
    const { notStarted } = prepared;
    if (notStarted !== undefined) return failed(`the mount point cannot be made: ${notStartedWords(notStarted)}`);
    return failed(`the directory above ${realTarget} does not answer`);
  }
  const reason = `cannot use ${realTarget} as mount point: ${prepared.reason}`;
  const hint = refusalHint(prepared.reason, parent);
  return { kind: "failed", failure: { verdict: "permanent", everyVersion: true, reason, ...(hint && { hint }) } };
}

/** What to do where a mount point cannot be made. */
function refusalHint(reason: string, parent: Share | undefined): string | undefined {
  const cannotChange = /\bEROFS\b/.test(reason);
  if (!cannotChange && !/\b(?:EACCES|EPERM)\b/.test(reason)) return undefined;
  if (parent === undefined) return "make the directory in the image, or name a mount point that can be made";
  return cannotChange
    ? `make the directory on the server, or export ${parent.label} read-write and mount it so`
    : `make the directory on the server, or let root make it: export ${parent.label} with no_root_squash`;
}

function failed(reason: string): AttemptResult {
  return { kind: "failed", failure: { verdict: "transient", reason } };
}

const lockedElsewhere = failed("another nfs-init in this container holds the mount point");

/**
 * A mount that is on the target already: the same share is used when it answers, detached when it is stale, waited for when
 * it does not answer. Undefined where the target is free, or has been freed.
 */
async function useLeftover(
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
  if (answer.kind === "done" || (answer.kind === "failed" && isAlive(answer.errno))) {
    return { kind: "mounted", version: undefined, isOurs: false };
  }
  if (answer.kind === "no-answer" || answer.errno !== "ESTALE") {
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

/** A refusal is an answer: the share is alive. */
function isAlive(errno: string): boolean {
  return errno === "EACCES" || errno === "EPERM";
}

/** Mounts the share so that it is never seen without the guards that lie on it. */
async function mountWhole(
  ports: AttemptPorts,
  share: Share,
  mountPoint: string,
  ready: Ready,
  attemptTimeoutMs: number,
  signal: AbortSignal,
): Promise<AttemptResult> {
  const { aside, mounter } = ports;
  const place = await aside.open(share);
  if (place === undefined) {
    const inPlace = { path: mountPoint, seenAt: share.realTarget };
    return mountRound(ports, share, inPlace, ready, attemptTimeoutMs, signal);
  }
  try {
    const result = await mountRound(ports, share, { path: place, seenAt: place }, ready, attemptTimeoutMs, signal);
    if (result.kind === "failed") return result;
    const unguarded = await aside.guardBelow(share, place);
    if (unguarded !== undefined) return failed(unguarded);
    signal.throwIfAborted();
    const moved = await mounter.move(place, mountPoint, attemptTimeoutMs);
    if (moved.kind === "done") {
      const there = topMountOn(mounter.mounts(), share.realTarget);
      if (there !== undefined && isShareOf(there, share)) return result;
      return failed(`it was moved to its mount point, but mountinfo does not show it on ${share.realTarget}`);
    }
    if (moved.kind === "failed") aside.refuse(share, moved.errno);
    const reason = `it could not be moved to its mount point: ${moved.kind === "failed" ? moved.errno : (moved.notStarted ?? "no answer in time")}`;
    // What gave no answer may come about after all.
    return {
      kind: "failed",
      failure: { verdict: "transient", reason, cutShort: moved.kind === "no-answer" && !isNotStarted(moved) },
    };
  } finally {
    await aside.close(share);
  }
}

/**
 * A round with its intent noted before a mount can come about: whoever kills us in between leaves one that is known as ours. The
 * note goes again with a round that has left nothing of ours.
 */
async function noted(
  note: (source: string | undefined) => void,
  mounter: Mounter,
  share: Share,
  round: () => Promise<AttemptResult>,
): Promise<AttemptResult> {
  note(share.label);
  const result = await round();
  const there = topMountOn(mounter.mounts(), share.realTarget);
  const isLeft = there !== undefined && isShareOf(there, share);
  const mayBeOurs = result.kind === "mounted" ? result.isOurs : result.failure.cutShort === true || isLeft;
  if (!mayBeOurs) note(undefined);
  return result;
}

/** Tries the versions the share may use, the newest first, until one is mounted or none is left. */
async function mountRound(
  ports: AttemptPorts,
  share: Share,
  { path: mountPoint, seenAt }: MountPlace,
  ready: Ready,
  attemptTimeoutMs: number,
  signal: AbortSignal,
): Promise<AttemptResult> {
  const failures: MountFailure[] = [];
  let refusedOptions: ExactVersion | undefined;
  let hasLoadedModules = false;
  const versions = versionsToTry(share.version).filter((version) => !ready.unspoken.includes(version));
  for (let index = 0; index < versions.length;) {
    const version = versions[index];
    if (version === undefined) break;
    signal.throwIfAborted();
    const { mounter, serverAnswers } = ports;
    ports.onMounting(share);
    const result = await callMount(
      {
        mounter,
        onPending: (asked, forMs) => ports.tell({ kind: "pending", share, version: asked, forMs }),
        serverAnswers: (asked) => serverAnswers(share, asked),
        addresses: (asked, over) => ports.addresses(share, ready, asked, over),
      },
      share,
      version,
      mountPoint,
      attemptTimeoutMs,
      signal,
    );
    signal.throwIfAborted();
    const failure = result.kind === "failed" ? result.failure : undefined;
    if (failure === undefined || failure.verdict === "look") {
      const isOurs = failure === undefined;
      const doubt = await disbelieve(mounter, share, seenAt, isOurs, attemptTimeoutMs);
      if (doubt === undefined) return { kind: "mounted", version, isOurs };
      if (failure === undefined) return failed(doubt);
      failures.push({ ...failure, verdict: "transient" });
    } else {
      if (failure.verdict === "unsupported" && !hasLoadedModules) {
        // Once a round: what the kernel does not know now it may know with its modules.
        hasLoadedModules = true;
        await ports.loadModules();
        if (/No such device/.test(failure.reason)) continue;
      }
      failures.push(failure);
      if (failure.option === true) refusedOptions ??= version;
      if (failure.unreachable === true || failure.everyVersion === true) break;
    }
    index += 1;
  }
  const isCutShort = failures.some(({ cutShort }) => cutShort === true);
  const summed = { ...summarize(failures), ...(isCutShort ? { cutShort: true } : {}) };
  const failure = withKerberosHint(share, summed);
  // Only where nothing but the options is in the way: another version may take them.
  if (failure.option !== true || refusedOptions === undefined) return { kind: "failed", failure };
  const refused = await refusedOption(ports, share, ready, refusedOptions, attemptTimeoutMs, signal);
  return {
    kind: "failed",
    failure: refused === undefined ? failure : { ...failure, ...describeRefusedOption(refused) },
  };
}

/** The option that is refused in a version; undefined where that cannot be found out. */
async function refusedOption(
  ports: AttemptPorts,
  share: Share,
  ready: Ready,
  version: ExactVersion,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<RefusedOption | undefined> {
  const addresses = await ports.addresses(share, ready, version, signal);
  if (typeof addresses === "string") return undefined;
  const optionPorts: OptionPorts = {
    readOptions: (call, words) => ports.mounter.readOptions(call, words, timeoutMs),
    tryCalls: ports.tryCalls,
  };
  return findRefusedOption(optionPorts, share, version, kernelMount(share, version, addresses));
}

/** Where a share is mounted: what mount(2) is given, and the path that mountinfo will show. */
interface MountPlace {
  readonly path: string;
  readonly seenAt: string;
}

/** Why a mount that was reported is not believed, and taken back if it is ours; undefined when mountinfo shows it and statfs answers. */
async function disbelieve(
  mounter: Mounter,
  share: Share,
  seenAt: string,
  isOurs: boolean,
  timeoutMs: number,
): Promise<string | undefined> {
  const takeBack = () => (isOurs ? mounter.umount(seenAt, "lazy", timeoutMs) : undefined);
  const there = topMountOn(mounter.mounts(), seenAt);
  if (there === undefined || !isShareOf(there, share)) {
    return `the mount call reported success, but mountinfo does not show ${share.label} on ${seenAt}`;
  }
  if (isReadOnly(there.options) && !isReadOnly(share.options)) {
    await takeBack();
    return "it was mounted read-only although read-write was asked for";
  }
  const answer = await mounter.statfs(seenAt, timeoutMs);
  if (answer.kind === "done" || (answer.kind === "failed" && isAlive(answer.errno))) return undefined;
  await takeBack();
  if (isNotStarted(answer)) return `it was mounted but ${silence(answer)}`;
  return `it was mounted but does not answer (statfs: ${answer.kind === "failed" ? answer.errno : "no answer in time"})`;
}

function isNotStarted(answer: PathAnswer): boolean {
  return answer.kind === "no-answer" && answer.notStarted !== undefined;
}

/** Why nothing good was heard of a mount, to go on with after "it is mounted and". */
function silence(answer: PathAnswer): string {
  if (answer.kind !== "no-answer" || answer.notStarted === undefined) return "does not answer";
  return notStartedWords(answer.notStarted);
}
