// What the steps of a share's life need, over a mounter without a kernel: events and undone steps are seen as they come.
import type { Environment } from "../../../src/config/config.ts";
import { guardsOf } from "../../../src/lifecycle/guards.ts";
import { beginDoing, enterEvent, manageShares, type ManagedShare } from "../../../src/lifecycle/managed-share.ts";
import type { Mounting } from "../../../src/lifecycle/mounting.ts";
import { enterTarget, lockShare, undoLater } from "../../../src/lifecycle/take-down.ts";
import { undoStack } from "../../../src/lifecycle/undo.ts";
import { serverGates } from "../../../src/lifecycle/server-gates.ts";
import { guardSource } from "../../../src/mount/guard.ts";
import type { TargetLock } from "../../../src/mount/ports.ts";
import { unmounter } from "../../../src/mount/umount.ts";
import { sharesOf, type ShareEvent } from "../../../src/report/events.ts";
import type { MountRecord } from "../../../src/shares/mountinfo.ts";
import type { Share } from "../../../src/shares/share.ts";
import type { Ready } from "../../../src/wait/wait.ts";
import { leapingClock } from "./clock.ts";
import { fakeMounter, nothingAside, type Answers, type FakeMounter } from "./mounter.ts";
import { localMount, nfsMount } from "./mounts.ts";
import { configOf, planOf } from "./shares.ts";

const readyServer: Ready = { kind: "ready", unspoken: [], address: "192.0.2.1" };

export interface MountingWorld extends Answers {
  readonly environment: Environment;
  readonly isSidecar?: boolean;
  readonly isAway?: (share: Share) => boolean;
  /** When the server of a share that is waited for is there; at once where it is not said. */
  readonly isServed?: (unneeded: AbortSignal | undefined) => Promise<Ready>;
  readonly lockTarget?: (target: string) => TargetLock;
  readonly lockDirectory?: Mounting["lockDirectory"];
}

export interface FakeMounting {
  readonly mounting: Mounting;
  readonly mounter: FakeMounter;
  readonly events: ShareEvent[];
  /** `away /mnt/a`, ... */
  readonly told: () => readonly string[];
  readonly share: (target: string) => Share;
  readonly managed: (target: string) => ManagedShare;
  /** Has this instance mount a share. */
  readonly mount: (target: string, changes?: Partial<MountRecord>) => void;
  readonly whole: AbortController;
}

/** What is mounted elsewhere is not seen, and mount calls succeed. */
export function mountingOf({ environment, isSidecar = false, isAway = () => false, ...world }: MountingWorld) {
  const { settings } = configOf(environment);
  const plan = planOf(environment);
  const shares = manageShares(plan.shares);
  const clock = leapingClock();
  const mounter: FakeMounter = fakeMounter({
    guard: (path) => {
      mounter.table.push(localMount(path, { fstype: "tmpfs", source: guardSource }));
      return { kind: "done" };
    },
    umount: (target, how) => {
      // All that lies below goes with it.
      const left = mounter.table.filter((record) => how !== "lazy" || !record.target.startsWith(`${target}/`));
      mounter.table.splice(0, mounter.table.length, ...left);
      return { kind: "done" };
    },
    ...world,
  });
  const whole = new AbortController();
  const events: ShareEvent[] = [];
  const tell = (event: ShareEvent) => {
    for (const share of sharesOf(event)) enterEvent(shares.of(share), event);
    events.push(event);
  };
  const undo = undoStack((error) => {
    throw error;
  });
  const guards = guardsOf({ log: () => {}, mounter, isAway, onNotEmpty: () => {} }, shares, settings, undo);
  const served = world.isServed ?? (() => Promise.resolve(readyServer));
  const unlocked: TargetLock = { kind: "locked", note: () => {}, release: () => {} };
  const gates = serverGates(clock);
  const mounting: Mounting = {
    plan,
    settings,
    shares,
    tell,
    clock,
    mounter,
    guards,
    waiter: { ready: (_, __, unneeded) => served(unneeded) },
    undo,
    signal: whole.signal,
    isSidecar,
    lockTarget: world.lockTarget ?? (() => unlocked),
    lockDirectory: world.lockDirectory ?? (() => Promise.resolve(undefined)),
    unmount: unmounter(mounter, clock, settings.unmountTimeoutMs, isAway),
    establish: {
      begin: (share) => beginDoing(shares.of(share), whole.signal),
      gate: ({ source }, signal) => gates(source.host, signal),
      enter: (share) => enterTarget(mounting, share),
      mounter,
      clock,
      lock: (share) => lockShare(mounting, share),
      guard: guards.put,
      lacksGuard: guards.isMissing,
      aside: nothingAside,
      onDetaching: () => {},
      serverReady: () => Promise.resolve(readyServer),
      serverAnswers: () => Promise.resolve(true),
      addresses: () => Promise.resolve({ server: "192.0.2.1", mountd: undefined }),
      tryCalls: () => Promise.resolve([]),
      loadModules: () => Promise.resolve(),
      tell,
      onMounting: (share) => undoLater(mounting, share),
    },
  };
  const share = (target: string): Share => {
    const found = plan.shares.find((one) => one.target === target);
    if (found === undefined) throw new Error(`no share on ${target}`);
    return found;
  };
  const fake: FakeMounting = {
    mounting,
    mounter,
    events,
    told: () => events.flatMap((event) => sharesOf(event).map(({ target }) => `${event.kind} ${target}`)),
    share,
    managed: (target) => shares.of(share(target)),
    mount: (target, changes) => {
      const one = share(target);
      mounter.table.push(nfsMount(one.label, one.realTarget, changes));
      undoLater(mounting, one);
      shares.of(one).isMade = true;
      tell({ kind: "mounted", share: one, version: "4.2", isOurs: true, attempts: 1, elapsedMs: 1 });
      events.length = 0;
    },
    whole,
  };
  return fake;
}
