// What becomes of a tree of shares that is lost in parts: who takes whom along, and that nobody waits for a server of another share.
import { beforeEach, expect, test } from "vitest";
import { mountShares } from "../../../src/lifecycle/mount-shares.ts";
import { undoStack } from "../../../src/lifecycle/undo.ts";
import { guardSource } from "../../../src/mount/guard.ts";
import { createBoard } from "../../../src/report/board.ts";
import { fakeMounter, type FakeMounter } from "../fakes/mounter.ts";
import { localMount } from "../fakes/mounts.ts";
import { fakeNetwork, serves, type Service } from "../fakes/server.ts";
import { configOf, planOf } from "../fakes/shares.ts";
import { handClock, type HandClock } from "../fakes/clock.ts";

const environment = {
  NFS_MOUNTS: "nas:/a /mnt/a; far:/b /mnt/a/b",
  NFS_VERSION: "4.2",
  NFS_WATCH: "remount",
};

let clock: HandClock;
beforeEach(() => {
  clock = handClock();
});

/** Two shares of two servers, the one below the other, both mounted. */
async function twoMounted() {
  const services: Record<string, Service> = {};
  const nfs = serves(100_003, [4]);
  const up = (address: string) => {
    services[`${address}:2049`] = nfs;
  };
  up("192.0.2.1");
  up("192.0.2.2");
  const config = configOf(environment);
  const plan = planOf(environment);
  const [above, below] = plan.shares;
  if (above === undefined || below === undefined) throw new Error("two shares are needed");
  const hanging = new Set<string>();
  const mounter: FakeMounter = fakeMounter({
    helper: ({ source }) => (hanging.has(source) ? "hang" : "ok"),
    look: () => ({ kind: "failed", errno: "ESTALE" }),
    guard: (path) => {
      mounter.table.push(localMount(path, { fstype: "tmpfs", source: guardSource }));
      return { kind: "done" };
    },
    umount: (target, how) => {
      // All that lies below goes with it.
      const isBelow = (one: string) => how === "lazy" && one.startsWith(`${target}/`);
      const left = mounter.table.filter((record) => !isBelow(record.target));
      mounter.table.splice(0, mounter.table.length, ...left);
      return { kind: "done" };
    },
  });
  const facts = { program: "1", role: "run", bootId: "boot", startedMs: 0, staleAfterMs: 1_000 };
  const shares = mountShares(
    {
      log: () => {},
      board: createBoard(() => 0, facts, config.shares),
      clock,
      network: fakeNetwork(services, { nas: ["192.0.2.1"], far: ["192.0.2.2"] }),
      mounter,
      lockTarget: () => ({ kind: "locked", note: () => {}, release: () => {} }),
      lockDirectory: () => Promise.resolve(undefined),
      tryCalls: () => Promise.resolve([]),
      loadModules: () => Promise.resolve(),
      asidePath: (target) => ({ path: `/aside${target}` }),
      keptPath: () => ({ reason: "none" }),
    },
    config.settings,
    plan,
    new AbortController(),
    undoStack(() => {}),
    { isAway: () => false },
  );
  await pass(1_000);
  await shares.ready;
  return {
    shares,
    mounter,
    hanging,
    above,
    below,
    up,
    away: (address: string) => delete services[`${address}:2049`],
    mounts: () => mounter.table.map(({ source, target }) => `${source} on ${target}`).toSorted(),
  };
}

const pass = (ms: number) => clock.pass(ms);

/** What a promise has come to so far. */
function outcome(promise: Promise<unknown>) {
  let found: unknown = "still waits";
  promise.then(
    (value) => (found = value),
    (error: unknown) => (found = error),
  );
  return () => found;
}

const whole = ["far:/b on /mnt/a/b", "nas:/a on /mnt/a", `${guardSource} on /mnt/a`, `${guardSource} on /mnt/a/b`];
const withoutBelow = whole.slice(1);

test("a share above is mounted afresh, with its guards, while the server of the one below is away, and again", async () => {
  const { shares, mounts, above, away, up } = await twoMounted();
  expect(mounts()).toEqual(whole);
  away("192.0.2.2");
  const first = outcome(shares.remount(above, "it is stale"));
  await pass(2_000);
  expect({ first: first(), mounts: mounts() }).toEqual({ first: "still waits", mounts: withoutBelow });
  const second = outcome(shares.remount(above, "it is stale"));
  await pass(2_000);
  expect({ first: first(), second: second(), mounts: mounts() }).toEqual({
    first: "overtaken",
    second: "still waits",
    mounts: withoutBelow,
  });
  up("192.0.2.2");
  await pass(10_000);
  expect({ second: second(), mounts: mounts(), mounted: shares.mounted().length }).toEqual({
    second: "remounted",
    mounts: whole,
    mounted: 2,
  });
});

test("a share above is mounted afresh although the one below was lost before and waits for its server", async () => {
  const { shares, mounts, mounter, above, below, away, up } = await twoMounted();
  away("192.0.2.2");
  const ofBelow = outcome(shares.remount(below, "it is stale"));
  await pass(2_000);
  const ofAbove = outcome(shares.remount(above, "it is stale"));
  await pass(2_000);
  expect({ ofBelow: ofBelow(), mounts: mounts() }).toEqual({ ofBelow: "overtaken", mounts: withoutBelow });
  up("192.0.2.2");
  await pass(10_000);
  expect({ ofAbove: ofAbove(), mounts: mounts() }).toEqual({ ofAbove: "remounted", mounts: whole });
  // At first, and once more.
  expect(mounter.actions.filter((action) => action.startsWith("mount 4.2 far:/b"))).toHaveLength(2);
});

test("a share above is never seen without the guard of the one below", async () => {
  const { shares, mounter, above } = await twoMounted();
  mounter.actions.length = 0;
  const done = outcome(shares.remount(above, "it is stale"));
  await pass(10_000);
  expect(done()).toBe("remounted");
  const shown = mounter.actions.indexOf("move /aside/mnt/a /mnt/a");
  expect(shown).toBeGreaterThan(mounter.actions.indexOf("guard /aside/mnt/a/b"));
  expect(mounter.actions.indexOf("guard /aside/mnt/a/b")).toBeGreaterThan(-1);
});

test("a mount call of the share below that hangs holds up nobody: it is ended before the share above is detached", async () => {
  const { shares, mounter, hanging, mounts, above, below } = await twoMounted();
  hanging.add("far:/b");
  const ofBelow = outcome(shares.remount(below, "it is stale"));
  await pass(1_000);
  hanging.clear();
  const ofAbove = outcome(shares.remount(above, "it is stale"));
  await pass(1_000);
  const { actions } = mounter;
  const detached = actions.lastIndexOf("umount lazy /mnt/a");
  expect(actions.indexOf("kill 4.2 far:/b /mnt/a/b")).toBeGreaterThan(-1);
  expect(detached).toBeGreaterThan(actions.indexOf("kill 4.2 far:/b /mnt/a/b"));
  await pass(20_000);
  expect({ ofBelow: ofBelow(), ofAbove: ofAbove(), mounts: mounts() }).toEqual({
    ofBelow: "overtaken",
    ofAbove: "remounted",
    mounts: whole,
  });
});
