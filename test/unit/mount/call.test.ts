import type { ExactVersion } from "../../../src/kinds/nfs/versions.ts";
import { beforeEach, describe, expect, test } from "vitest";
import { callMount, type CallPorts, type CallResult } from "../../../src/mount/call.ts";
import type { HelperEnd } from "../../../src/mount/ports.ts";
import { fakeMounter, type CallEnd } from "../fakes/mounter.ts";
import { shareOf, wayOf } from "../fakes/shares.ts";
import { handClock, type HandClock } from "../fakes/clock.ts";

const never = new AbortController().signal;

/** Both ways a mount is asked for. */
const ways = ["mount(2)", "mount.nfs"] as const;

/** A share whose mount is asked for in one of them. */
function shareFor(way: (typeof ways)[number]) {
  return shareOf(way === "mount(2)" ? {} : { NFS_OPTIONS: "x-nfs-init.helper" });
}

/** One call at a time; `answers` says whether the server answers when it is asked. */
function call(
  end: CallEnd,
  {
    answers = () => Promise.resolve(true),
    attemptTimeoutMs = 15_000,
    signal = never,
    share = shareOf(),
    version = "4.2",
    addresses = () => Promise.resolve({ server: "10.0.0.2", mountd: undefined }),
  }: {
    readonly answers?: (signal: AbortSignal) => Promise<boolean>;
    readonly attemptTimeoutMs?: number;
    readonly signal?: AbortSignal;
    readonly share?: ReturnType<typeof shareOf>;
    readonly version?: ExactVersion;
    readonly addresses?: CallPorts["addresses"];
  } = {},
) {
  const mounter = fakeMounter({ helper: () => end });
  const pending: string[] = [];
  const startedMs = clock.nowMs();
  let endedMs: number | undefined;
  let result: CallResult | undefined;
  const running = callMount(
    {
      clock,
      mounter,
      serverAnswers: answers,
      addresses,
      onPending: (asked, forMs) => pending.push(`${asked} ${forMs}`),
    },
    wayOf(share, version),
    share.realTarget,
    attemptTimeoutMs,
    signal,
  ).then((one) => {
    endedMs = clock.nowMs() - startedMs;
    result = one;
    return one;
  });
  return { mounter, running, pending, endedMs: () => endedMs, result: () => result };
}

let clock: HandClock;
beforeEach(() => {
  clock = handClock();
});

describe("a mount call", () => {
  test.each<[number, readonly string[]]>([
    [15_000, ["4.2 15000", "4.2 30000", "4.2 45000"]],
    [60_000, ["4.2 15000", "4.2 30000", "4.2 45000"]],
    [20_000, ["4.2 15000", "4.2 30000", "4.2 45000"]],
  ])(
    "of an attempt of %d ms that does not end is said every 15 s while the server answers",
    async (attemptTimeoutMs, said) => {
      const stop = new AbortController();
      const { running, pending } = call("hang", { attemptTimeoutMs, signal: stop.signal });
      await clock.pass(14_900);
      expect(pending).toEqual([]);
      await clock.pass(35_000);
      expect(pending).toEqual(said);
      stop.abort();
      await clock.pass(60_000);
      await running;
      expect(pending).toEqual(said);
    },
  );

  test("that ends in time is not spoken of", async () => {
    const { running, pending } = call("ok");
    await running;
    await clock.pass(60_000);
    expect(pending).toEqual([]);
  });

  test("asks the kernel for one version, at the server's address", async () => {
    const share = shareOf({ NFS_OPTIONS: "ro,nofail,x-mine=1,hard" });
    const { mounter, running } = call("ok", { share });
    expect(await running).toEqual({ kind: "accepted" });
    expect(mounter.calls).toEqual([
      {
        by: "mount(2)",
        source: "nas:/export",
        target: "/mnt/data",
        options: ["hard", "nolock", "vers=4.2", "addr=10.0.0.2"],
        version: "4.2",
        fstype: "nfs4",
        flags: 1,
      },
    ]);
  });

  test("asks mount.nfs for one version, in one attempt, where the share wants that", async () => {
    const share = shareOf({ NFS_OPTIONS: "ro,nofail,x-mine=1,user,x-nfs-init.helper" });
    const { mounter, running } = call("ok", { share });
    expect(await running).toEqual({ kind: "accepted" });
    expect(mounter.calls).toEqual([
      {
        by: "mount.nfs",
        source: "nas:/export",
        target: "/mnt/data",
        options: ["ro", "noexec", "nosuid", "nodev", "nolock", "retry=0", "vers=4.2"],
        version: "4.2",
      },
    ]);
  });

  test.each<[ExactVersion, string, string]>([
    ["3", "lock", "mount.nfs"],
    ["3", "nolock", "mount(2)"],
    ["4.2", "lock", "mount(2)"],
  ])("for version %s with %s is one of %s", async (version, options, by) => {
    const { mounter, running } = call("ok", { share: shareOf({ NFS_OPTIONS: options }), version });
    await running;
    expect(mounter.calls.map((one) => one.by)).toEqual([by]);
  });

  test("gives what the kernel's errno means", async () => {
    expect(await call("EACCES").running).toEqual({
      kind: "failed",
      failure: {
        prospect: "ambiguous",
        cause: "EACCES",
        reason: "access denied by server (EACCES)",
        hint: expect.stringContaining("exportfs") as string,
      },
    });
  });

  test("gives what the helper's text means", async () => {
    const text = "access denied by server while mounting nas:/export";
    const { running } = call(text, { share: shareFor("mount.nfs") });
    expect(await running).toMatchObject({ kind: "failed", failure: { prospect: "ambiguous", reason: text } });
  });

  test.each(ways)("leaves no timer behind when it has ended: %s", async (way) => {
    await call("ok", { share: shareFor(way) }).running;
    await call("Connection refused", { share: shareFor(way) }).running;
    expect(clock.pending()).toBe(0);
  });

  test("asks nobody where there is no address to mount from, and may be repeated", async () => {
    const { mounter, running } = call("ok", { addresses: () => Promise.resolve("no address") });
    expect(await running).toMatchObject({ kind: "failed", failure: { prospect: "transient", unreachable: true } });
    expect(mounter.actions).toEqual([]);
    expect(clock.pending()).toBe(0);
  });

  test("leaves the addresses to mount.nfs where the share wants that", async () => {
    const { running } = call("ok", {
      share: shareFor("mount.nfs"),
      addresses: () => Promise.reject(new Error("asked for addresses")),
    });
    expect(await running).toEqual({ kind: "accepted" });
  });

  test("fails for good where there is no helper, and says what to install", async () => {
    const end: HelperEnd = { kind: "not-started", reason: "not found" };
    expect(await call(end, { share: shareFor("mount.nfs") }).running).toEqual({
      kind: "failed",
      failure: {
        prospect: "permanent",
        everyVersion: true,
        reason: "mount.nfs cannot be started: not found",
        hint: expect.stringMatching(/nfs-utils.*nfs-common/) as string,
      },
    });
  });

  test.each(ways)("ends with the signal, without a question to the server: %s", async (way) => {
    const abort = new AbortController();
    let asked = 0;
    const { running, mounter } = call("hang", {
      share: shareFor(way),
      signal: abort.signal,
      answers: () => {
        asked += 1;
        return Promise.resolve(true);
      },
    });
    await clock.pass(1_000);
    abort.abort();
    expect(await running).toMatchObject({ kind: "failed", failure: { prospect: "transient" } });
    expect(mounter.actions.at(-1)).toBe("kill 4.2 nas:/export /mnt/data");
    expect(asked).toBe(0);
    expect(clock.pending()).toBe(0);
  });
});

describe("the time of a mount call", () => {
  test.each(ways)("is the attempt's where the server does not answer then: %s", async (way) => {
    const { endedMs, result, mounter } = call("hang", {
      share: shareFor(way),
      answers: () => Promise.resolve(false),
    });
    await clock.pass(14_999);
    expect(mounter.calls.map(({ by }) => by)).toEqual([way]);
    expect(endedMs()).toBeUndefined();
    await clock.pass(1);
    expect(endedMs()).toBe(15_000);
    expect(result()).toEqual({
      kind: "failed",
      failure: {
        prospect: "transient",
        reason: expect.stringContaining("in time") as string,
        unreachable: true,
        cutShort: true,
      },
    });
  });

  test.each(ways)("is two minutes where the server answers all the while: %s", async (way) => {
    const { endedMs } = call("hang", { share: shareFor(way) });
    await clock.pass(119_999);
    expect(endedMs()).toBeUndefined();
    await clock.pass(1);
    expect(endedMs()).toBe(120_000);
  });

  test("is the attempt's where that is longer than two minutes", async () => {
    const { endedMs } = call("hang", { attemptTimeoutMs: 180_000, answers: () => Promise.resolve(false) });
    await clock.pass(400_000);
    expect(endedMs()).toBe(180_000);
  });

  test("lasts until the server answers no more", async () => {
    let asked = 0;
    const { endedMs } = call("hang", { answers: () => Promise.resolve((asked += 1) < 4) });
    await clock.pass(200_000);
    expect(endedMs()).toBe(60_000);
    expect(asked).toBe(4);
  });

  test("does not cut short a call that ends within it", async () => {
    const mounter = fakeMounter();
    const share = shareOf();
    const running = callMount(
      {
        clock,
        mounter: {
          ...mounter,
          mount: () =>
            new Promise((resolve) => {
              clock.later(100_000, () => resolve({ kind: "done" }));
            }),
        },
        onPending: () => {},
        serverAnswers: () => Promise.resolve(true),
        addresses: () => Promise.resolve({ server: "10.0.0.2", mountd: undefined }),
      },
      wayOf(share, "3"),
      share.realTarget,
      15_000,
      never,
    );
    await clock.pass(100_000);
    expect(await running).toEqual({ kind: "accepted" });
    expect(mounter.actions).toEqual([]);
    expect(clock.pending()).toBe(0);
  });

  test.each<[string, number, number]>([
    ["an attempt's time that does not divide two minutes", 50_000, 0],
    ["a server that takes its time to answer", 15_000, 10_000],
  ])("is never more than two minutes: %s", async (_, attemptTimeoutMs, answerMs) => {
    const answers = () =>
      new Promise<boolean>((resolve) => {
        clock.later(answerMs, () => resolve(true));
      });
    const { endedMs } = call("hang", { attemptTimeoutMs, answers });
    await clock.pass(400_000);
    expect(endedMs()).toBeLessThanOrEqual(120_000);
  });
});
