import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { callMount, type CallResult } from "../../../src/mount/call.ts";
import type { HelperEnd } from "../../../src/mount/ports.ts";
import { fakeMounter, type CallEnd } from "../fakes/mounter.ts";
import { shareOf } from "../fakes/shares.ts";

const never = new AbortController().signal;

/** One call at a time that vitest's clock counts; `answers` says whether the server answers when it is asked. */
function call(
  end: CallEnd,
  {
    answers = () => Promise.resolve(true),
    attemptTimeoutMs = 15_000,
    signal = never,
    share = shareOf(),
  }: {
    readonly answers?: (signal: AbortSignal) => Promise<boolean>;
    readonly attemptTimeoutMs?: number;
    readonly signal?: AbortSignal;
    readonly share?: ReturnType<typeof shareOf>;
  } = {},
) {
  const mounter = fakeMounter({ helper: () => end });
  const startedMs = Date.now();
  let endedMs: number | undefined;
  let result: CallResult | undefined;
  const running = callMount(
    { mounter, serverAnswers: answers },
    share,
    "4.2",
    share.realTarget,
    attemptTimeoutMs,
    signal,
  ).then((one) => {
    endedMs = Date.now() - startedMs;
    result = one;
    return one;
  });
  return { mounter, running, endedMs: () => endedMs, result: () => result };
}

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe("a mount call", () => {
  test("asks for one version, in one attempt, of the helper itself", async () => {
    const share = shareOf({ NFS_OPTIONS: "ro,nofail,x-mine=1,user" });
    const { mounter, running } = call("ok", { share });
    expect(await running).toEqual({ kind: "accepted" });
    expect(mounter.actions).toEqual(["mount 4.2 nas:/export /mnt/data"]);
    expect(mounter.calls[0]?.options).toEqual(["ro", "noexec", "nosuid", "nodev", "nolock", "retry=0", "vers=4.2"]);
  });

  test("gives what the helper's text means", async () => {
    const { running } = call("access denied by server while mounting nas:/export");
    expect(await running).toMatchObject({ kind: "failed", failure: { verdict: "ambiguous" } });
  });

  test("leaves no timer behind when it has ended", async () => {
    await call("ok").running;
    await call("Connection refused").running;
    expect(vi.getTimerCount()).toBe(0);
  });

  test("fails for good where there is no helper, and says what to install", async () => {
    const end: HelperEnd = { kind: "not-started", reason: "not found" };
    expect(await call(end).running).toEqual({
      kind: "failed",
      failure: {
        verdict: "permanent",
        everyVersion: true,
        reason: "mount.nfs cannot be started: not found",
        hint: expect.stringMatching(/nfs-utils.*nfs-common/) as string,
      },
    });
  });

  test("ends with the signal, without a question to the server", async () => {
    const abort = new AbortController();
    let asked = 0;
    const { running, mounter } = call("hang", {
      signal: abort.signal,
      answers: () => {
        asked += 1;
        return Promise.resolve(true);
      },
    });
    await vi.advanceTimersByTimeAsync(1_000);
    abort.abort();
    expect(await running).toMatchObject({ kind: "failed", failure: { verdict: "transient" } });
    expect(mounter.actions.at(-1)).toBe("kill 4.2 nas:/export /mnt/data");
    expect(asked).toBe(0);
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe("the time of a mount call", () => {
  test("is the attempt's where the server does not answer then", async () => {
    const { endedMs, result, mounter } = call("hang", { answers: () => Promise.resolve(false) });
    await vi.advanceTimersByTimeAsync(14_999);
    expect(mounter.actions).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(endedMs()).toBe(15_000);
    expect(result()).toEqual({
      kind: "failed",
      failure: {
        verdict: "transient",
        reason: expect.stringContaining("in time") as string,
        unreachable: true,
        cutShort: true,
      },
    });
  });

  test("is two minutes where the server answers all the while", async () => {
    const { endedMs } = call("hang");
    await vi.advanceTimersByTimeAsync(119_999);
    expect(endedMs()).toBeUndefined();
    await vi.advanceTimersByTimeAsync(1);
    expect(endedMs()).toBe(120_000);
  });

  test("is the attempt's where that is longer than two minutes", async () => {
    const { endedMs } = call("hang", { attemptTimeoutMs: 180_000, answers: () => Promise.resolve(false) });
    await vi.advanceTimersByTimeAsync(400_000);
    expect(endedMs()).toBe(180_000);
  });

  test("lasts until the server answers no more", async () => {
    let asked = 0;
    const { endedMs } = call("hang", { answers: () => Promise.resolve((asked += 1) < 4) });
    await vi.advanceTimersByTimeAsync(200_000);
    expect(endedMs()).toBe(60_000);
    expect(asked).toBe(4);
  });

  test("does not cut short a call that ends within it", async () => {
    const mounter = fakeMounter();
    const share = shareOf();
    const running = callMount(
      {
        mounter: {
          runHelper: () =>
            new Promise((resolve) => {
              setTimeout(() => resolve({ kind: "exited", exitCode: 0, stderr: "" }), 100_000);
            }),
        },
        serverAnswers: () => Promise.resolve(true),
      },
      share,
      "3",
      share.realTarget,
      15_000,
      never,
    );
    await vi.advanceTimersByTimeAsync(100_000);
    expect(await running).toEqual({ kind: "accepted" });
    expect(mounter.actions).toEqual([]);
    expect(vi.getTimerCount()).toBe(0);
  });

  test.each<[string, number, number]>([
    ["an attempt's time that does not divide two minutes", 50_000, 0],
    ["a server that takes its time to answer", 15_000, 10_000],
  ])("is never more than two minutes: %s", async (_, attemptTimeoutMs, answerMs) => {
    const answers = () =>
      new Promise<boolean>((resolve) => {
        setTimeout(() => resolve(true), answerMs);
      });
    const { endedMs } = call("hang", { attemptTimeoutMs, answers });
    await vi.advanceTimersByTimeAsync(400_000);
    expect(endedMs()).toBeLessThanOrEqual(120_000);
  });
});
