// A machine with a driver of Docker volumes and without a kernel: mounts, locks and the list on disk outlive the driver, which is
// killed and started again. Every call takes a while of vitest's fake time.
import { answerDaemon, createDriver, type VolumeDriver } from "../../../src/lifecycle/volume-driver.ts";
import { adoptUsed, giveUpOld, keepLate, resumeVolumes } from "../../../src/lifecycle/volume-upkeep.ts";
import { ownedMounts } from "../../../src/mount/notes.ts";
import type { Clock } from "../../../src/clock.ts";
import type { Mounter } from "../../../src/mount/ports.ts";
import { createBoard } from "../../../src/report/board.ts";
import { unmount } from "../../../src/roles/unmount.ts";
import { topMountOn, type MountRecord } from "../../../src/shares/mountinfo.ts";
import { formatVolumes, parseVolumes } from "../../../src/volumes/stored.ts";
import { handClock, type HandClock } from "./clock.ts";
import { fakeMounter, type FakeMounter } from "./mounter.ts";
import { nfsMount } from "./mounts.ts";
import { fakeNetwork, serves, type Service } from "./server.ts";
import { configOf } from "./shares.ts";

const server = "192.0.2.1:2049";
const callMs = 20;

export interface VolumeMachine {
  readonly clock: HandClock;
  readonly table: MountRecord[];
  /** A server that refuses answers, and has mounts fail with what waiting does not mend. */
  readonly setServer: (is: "there" | "away" | "refusing") => void;
  /** Every mount there is now is stale. */
  readonly makeStale: () => void;
  readonly isStale: (mount: MountRecord) => boolean;
  disk: "room" | "full";
  /** The list on disk. */
  kept: string | undefined;
  /** What containers have, each in a mount namespace of its own. */
  containers: () => readonly MountRecord[];
  /** Told before a share is unmounted. */
  onUmount: (target: string, mount: MountRecord) => void;
  readonly start: () => PluginProcess;
}

export interface PluginProcess {
  readonly driver: VolumeDriver;
  /** What the daemon reads. */
  readonly call: (operation: string, body: unknown, isGone: () => boolean) => Promise<Answer>;
  readonly resumed: Promise<void>;
  readonly tend: () => Promise<void>;
  /** Kills it; mounts that are being made come about where that is said. */
  readonly kill: (isLate: boolean) => void;
}

export interface Answer {
  readonly Err?: string;
  readonly Mountpoint?: string;
  readonly Volume?: { readonly Status: Readonly<Record<string, unknown>> };
  readonly Volumes?: readonly { readonly Name: string }[];
}

const never = () => new Promise<never>(() => {});

/** `links` are symbolic links and where they lead. */
export function volumeMachine(
  environment: Readonly<Record<string, string>>,
  links: Readonly<Record<string, string>> = {},
): VolumeMachine {
  const services: Record<string, Service> = {};
  const stale = new Set<number>();
  const notes = new Map<string, string>();
  let devices = 100;
  let isRefusing = false;
  const topOn = (path: string) => topMountOn(mounter.table, path);
  const isAway = () => services[server] === undefined;
  const silent = { kind: "no-answer" } as const;
  const isStale = (path: string): boolean => stale.has(topOn(path)?.id ?? 0);
  const mounter: FakeMounter = fakeMounter({
    helper: ({ source, target }, table) => {
      if (isRefusing) return "ENAMETOOLONG";
      devices += 1;
      table.push(nfsMount(source, target, { device: `0:${devices}` }));
      return { kind: "exited", exitCode: 0, stderr: "" };
    },
    statfs: (path) => (isAway() ? silent : isStale(path) ? { kind: "failed", errno: "ESTALE" } : { kind: "done" }),
    look: (path) =>
      isAway() ? silent : isStale(path) ? { kind: "failed", errno: "ESTALE" } : { kind: "answers", isWritable: true },
    umount: (target) => {
      const mount = topOn(target);
      if (mount !== undefined) machine.onUmount(target, mount);
      return mount === undefined ? { kind: "failed", errno: "EINVAL" } : { kind: "done" };
    },
  });
  const machine: VolumeMachine = {
    clock: handClock(),
    table: mounter.table,
    setServer: (is) => {
      isRefusing = is === "refusing";
      if (is === "away") delete services[server];
      else services[server] = serves(100_003, [4]);
    },
    makeStale: () => {
      for (const { id } of mounter.table) stale.add(id);
    },
    isStale: ({ id }) => stale.has(id),
    disk: "room",
    kept: undefined,
    containers: () => [],
    onUmount: () => {},
    start: () => startPlugin({ machine, mounter, services, notes, links }, environment),
  };
  machine.setServer("there");
  return machine;
}

interface Parts {
  readonly machine: VolumeMachine;
  readonly mounter: FakeMounter;
  readonly services: Readonly<Record<string, Service>>;
  /** Sources by target, of mounts that were made. */
  readonly notes: Map<string, string>;
  readonly links: Readonly<Record<string, string>>;
}

function startPlugin(
  { machine, mounter, services, notes, links }: Parts,
  environment: Readonly<Record<string, string>>,
) {
  let isAlive = true;
  const underWay = new Set<() => void>();
  const locks = new Set<string>();
  /** What a dead process waits for does not come. */
  const living = async <T>(work: () => Promise<T>): Promise<T> => {
    const value = isAlive ? await work() : await never();
    return isAlive ? value : never();
  };
  const clock: Clock = {
    ...machine.clock,
    sleep: (ms, signal) => living(() => machine.clock.sleep(ms, signal)),
  };
  const later = <T>(work: () => Promise<T>): Promise<T> =>
    living(async () => {
      await clock.sleep(callMs);
      return work();
    });
  const own: Mounter = {
    ...mounter,
    mount: (call, signal) =>
      living(async () => {
        const comeAbout = () => void mounter.mount(call, signal);
        underWay.add(comeAbout);
        await clock.sleep(callMs);
        underWay.delete(comeAbout);
        return signal.aborted ? { kind: "no-answer" } : mounter.mount(call, signal);
      }),
    umount: (...asked) => later(() => mounter.umount(...asked)),
    statfs: (...asked) => later(() => mounter.statfs(...asked)),
    look: (...asked) => living(() => mounter.look(...asked)),
    prepare: (...asked) => later(() => mounter.prepare(...asked)),
  };
  const read = configOf({ NFS_WATCH: "log", NFS_GUARD: "off", NFS_FSTAB: "none", ...environment });
  const facts = { program: "1", role: "plugin", bootId: "boot", startedMs: 0, staleAfterMs: 1_000 } as const;
  const board = createBoard(clock.nowMs, facts, []);
  const noted = () => [...notes].map(([target, source]) => ({ target, source }));
  const planFacts = () => ({
    mounts: mounter.mounts(),
    readLink: (path: string) => links[path],
    owned: ownedMounts(noted(), mounter.mounts()),
  });
  const common = {
    log: () => {},
    clock,
    mounter: own,
    planFacts,
    lockTarget: (target: string) => {
      if (locks.has(target)) return { kind: "busy" } as const;
      locks.add(target);
      return {
        kind: "locked",
        note: (source: string | undefined) => {
          if (!isAlive) return;
          if (source === undefined) notes.delete(target);
          else notes.set(target, source);
        },
        release: () => void locks.delete(target),
      } as const;
    },
    asidePath: (target: string) => ({ path: `/aside${target}` }),
    editFstab: () => Promise.resolve({ kind: "unchanged", text: "" } as const),
    lineClaims: { stake: () => {}, staked: () => new Set<string>() },
  };
  const driver = createDriver(
    {
      ...common,
      board,
      network: fakeNetwork(services),
      lockDirectory: () => Promise.resolve(undefined),
      tryCalls: () => Promise.resolve([]),
      loadModules: () => Promise.resolve(),
      keptPath: () => ({ reason: "none" }),
      rights: () => ({
        effectiveCapabilities: undefined,
        uidMap: undefined,
        securityLabel: undefined,
        remountErrno: () => "EINVAL",
        harmlessErrno: () => "EINVAL",
      }),
      onStop: () => {},
      user: { uid: 0, gid: 0 },
      bootId: "boot",
      load: () => (machine.kept === undefined ? undefined : parseVolumes(machine.kept)),
      save: (stored) => {
        if (!isAlive) return;
        if (machine.disk === "full") throw new Error("no space left on device");
        machine.kept = formatVolumes(stored);
      },
      otherTables: () => [machine.containers()],
      adopt: () => later(() => Promise.resolve(undefined)),
      discard: () => later(() => Promise.resolve(undefined)),
      clear: async (share) => {
        const readFstab = () => ({ kind: "absent" }) as const;
        await unmount({ ...common, readFstab }, { ...read, shares: [share] });
      },
      reasonOf: board.reasonOf,
      forget: board.forget,
    },
    { config: read, environment, flags: { values: new Map(), mounts: [] } },
  );
  const call = async (operation: string, body: unknown, isGone: () => boolean): Promise<Answer> => {
    const path = operation === "Activate" ? "/Plugin.Activate" : `/VolumeDriver.${operation}`;
    const answer = await answerDaemon(driver, "POST", path, JSON.stringify(body), isGone);
    return isAlive ? (JSON.parse(answer.body) as Answer) : never();
  };
  return {
    driver,
    call,
    resumed: resumeVolumes(driver),
    tend: () => {
      keepLate(driver);
      adoptUsed(driver);
      return giveUpOld(driver);
    },
    kill: (isLate: boolean) => {
      isAlive = false;
      if (isLate) for (const comeAbout of underWay) comeAbout();
    },
  };
}
