// What is said where nobody can look, and the looks that a stop asks for where NFS_WATCH=off has looked at nothing so far.
import { describe, expect, test } from "vitest";
import { watchMounts } from "../../../src/lifecycle/share-watch.ts";
import type { Look } from "../../../src/mount/ports.ts";
import type { Tell } from "../../../src/report/events.ts";
import { logLinesOf } from "../../../src/report/log-lines.ts";
import type { Log } from "../../../src/report/log.ts";
import type { Share } from "../../../src/shares/share.ts";
import { fakeMounter } from "../fakes/mounter.ts";
import { nfsMount } from "../fakes/mounts.ts";
import { configOf, planOf } from "../fakes/shares.ts";
import { handClock } from "../fakes/clock.ts";

const environment = { NFS_MOUNTS: "nas:/a /mnt/a;nas:/b /mnt/b", NFS_WATCH: "off" };

const clock = handClock();

/** Shares that are mounted, and stay so. */
const watchedOf = (shares: readonly Share[], tell: Tell) => ({
  mounted: () => shares,
  isOurs: () => true,
  generation: () => 0,
  onMounts: () => {},
  tell,
});

/** Shares on /mnt/a and /mnt/b that are looked at as told. */
function watchOff(look: (path: string) => Promise<Look>) {
  const { settings } = configOf(environment);
  const { shares } = planOf(environment);
  const unexpected = () => {
    throw new Error("nothing is watched");
  };
  const watch = watchMounts(
    {
      log: unexpected,
      clock,
      mounter: { ...fakeMounter(), look },
      network: { dial: unexpected, resolveName: unexpected },
      user: { uid: 0, gid: 0 },
    },
    settings,
    watchedOf(shares, () => {}),
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

describe("a watch that cannot look, for no process can be started", () => {
  test("says so once, goes on, and says when it looks again; it takes no share for lost meanwhile", async () => {
    const watched = { NFS_MOUNTS: "nas:/a /mnt/a;nas:/b /mnt/b;nas:/c /mnt/c", NFS_WATCH_INTERVAL: "1s" };
    const { settings } = configOf(watched);
    const { shares } = planOf(watched);
    const said: string[] = [];
    const log: Log = (level, message, fields) => said.push(`${level} ${message} ${fields["reason"] ?? ""}`.trim());
    const refused: string[] = [];
    let reason: string | undefined;
    const look = async (path: string): Promise<Look> => {
      if (reason === undefined) return { kind: "answers", isWritable: true };
      refused.push(path);
      throw new Error(reason);
    };
    // The third share has no mount, of which nobody need look.
    const mounts = [nfsMount("nas:/a", "/mnt/a"), nfsMount("nas:/b", "/mnt/b")];
    const end = new AbortController();
    const silent = () => Promise.reject(new Error("nobody is asked"));
    watchMounts(
      {
        log,
        clock,
        mounter: { ...fakeMounter({ mounts }), look },
        network: { dial: silent, resolveName: silent },
        user: { uid: 0, gid: 0 },
      },
      settings,
      watchedOf(shares, (event) => {
        for (const { level, message, fields } of logLinesOf(event, 0)) log(level, message, fields);
      }),
      ({ share, lost }) => said.push(`${share.target} lost: ${lost}`),
      end.signal,
    );
    const lookAgain = () => clock.pass(10_000);
    await lookAgain();
    const before = said.splice(0);
    expect(before.filter((line) => !line.includes("/mnt/c") && !/share (?:has failed|is lost)/.test(line))).toEqual([]);
    reason = "no process can be started: EAGAIN";
    await lookAgain();
    expect(said).toEqual([`error a share could not be looked at, the watch goes on ${reason}`]);
    expect(refused.length).toBeGreaterThan(10);
    reason = "no process can be started: ENOMEM";
    await lookAgain();
    expect(said).toHaveLength(2);
    reason = undefined;
    await lookAgain();
    expect(said.slice(2)).toEqual(["info the shares are looked at again"]);
    reason = "no process can be started: EAGAIN";
    await lookAgain();
    expect(said).toHaveLength(4);
    end.abort();
    await lookAgain();
  });
});
