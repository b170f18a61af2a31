// The looks that a stop asks for where NFS_WATCH=off has looked at nothing so far.
import { describe, expect, test } from "vitest";
import { watchMounts } from "../../../src/lifecycle/share-watch.ts";
import type { Look } from "../../../src/mount/ports.ts";
import { createBoard } from "../../../src/report/board.ts";
import { timerClock } from "../fakes/clock.ts";
import { fakeMounter } from "../fakes/mounter.ts";
import { configOf, planOf } from "../fakes/shares.ts";

const environment = { NFS_MOUNTS: "nas:/a /mnt/a;nas:/b /mnt/b", NFS_WATCH: "off" };

/** Shares on /mnt/a and /mnt/b that are looked at as told. */
function watchOff(look: (path: string) => Promise<Look>) {
  const { settings, shares: configured } = configOf(environment);
  const { shares } = planOf(environment);
  const facts = { program: "1.2.3", role: "run", bootId: "boot", startedMs: 0, staleAfterMs: 1_000 };
  const unexpected = () => {
    throw new Error("nothing is watched");
  };
  const watch = watchMounts(
    {
      log: unexpected,
      board: createBoard(() => 0, facts, configured),
      clock: timerClock,
      mounter: { ...fakeMounter(), look },
      network: { dial: unexpected, resolveName: unexpected },
      user: { uid: 0, gid: 0 },
    },
    settings,
    { mounted: new Set(shares), ours: new Set(shares), generation: () => 0, onMounts: () => {} },
    unexpected,
    new AbortController().signal,
  );
  return { watch, blockingTargets: () => watch.blocking().map(({ target }) => target) };
}

describe("a look at every share once", () => {
  test("finds the one that does not answer", async () => {
    const { watch, blockingTargets } = watchOff((path) =>
      Promise.resolve(path === "/mnt/b" ? { kind: "no-answer" } : { kind: "failed", errno: "ESTALE" }),
    );
    expect(blockingTargets()).toEqual([]);
    await watch.lookNow();
    expect(blockingTargets()).toEqual(["/mnt/b"]);
  });

  test("tells nothing of a share where no process can be started to look, and still sees the other", async () => {
    const { watch, blockingTargets } = watchOff((path) =>
      path === "/mnt/a" ? Promise.reject(new Error("spawn EAGAIN")) : Promise.resolve({ kind: "no-answer" }),
    );
    await watch.lookNow();
    expect(blockingTargets()).toEqual(["/mnt/b"]);
  });

  test("forgets nothing where the next one cannot be made", async () => {
    let isFree = true;
    const { watch, blockingTargets } = watchOff(() =>
      isFree ? Promise.resolve({ kind: "no-answer" }) : Promise.reject(new Error("spawn EAGAIN")),
    );
    await watch.lookNow();
    isFree = false;
    await watch.lookNow();
    expect(blockingTargets()).toEqual(["/mnt/a", "/mnt/b"]);
  });
});
