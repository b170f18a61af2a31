// The answers of check, /healthz and /readyz.
import { describe, expect, test } from "vitest";
import { judgeFound, judgeHealth, type CallerFacts, type FoundState } from "../../../src/report/health.ts";
import { sharePhases } from "../../../src/report/metrics.ts";
import type { PublishedState } from "../../../src/report/state.ts";
import type { SharePhase } from "../../../src/watch/status.ts";
import { instanceStatus, publishedState, shareStatus } from "./statuses.ts";

const caller: CallerFacts = {
  nowMs: 101_000,
  bootId: "boot",
  pidNamespace: "here",
  processStartedMs: (pid) => (pid === 1 ? 1_000 : undefined),
  hasShares: true,
  isSkipped: false,
  isReplaced: false,
};
const plain = { ready: false, sinceStart: false };

describe("an instance", () => {
  const readyPhases: ReadonlySet<SharePhase> = new Set(["mounted", "healthy"]);
  test.each(sharePhases)(
    "with a share that is %s is healthy while it is not lost, and ready while it answers",
    (phase) => {
      const status = instanceStatus([shareStatus(), shareStatus({ target: "/b", phase })]);
      expect(judgeHealth(status, { ready: false }).verdict).toBe("ok");
      expect(judgeHealth(status, { ready: true }).verdict).toBe(readyPhases.has(phase) ? "ok" : "failed");
    },
  );

  test.each(sharePhases)("with a lost share that is %s is not healthy", (phase) => {
    const status = instanceStatus([shareStatus(), shareStatus({ target: "/b", phase, isLost: true })]);
    expect(judgeHealth(status, { ready: false }).verdict).toBe("failed");
  });

  test.each([
    [[], "ok: 0 shares"],
    [[shareStatus()], "ok: 1 share healthy"],
    [[shareStatus(), shareStatus()], "ok: 2 shares healthy"],
    [[shareStatus(), shareStatus({ phase: "waiting" })], "ok: 2 shares, 1 healthy, 1 waiting"],
  ])("says what it has", (shares, line) => {
    expect(judgeHealth(instanceStatus(shares), { ready: false })).toEqual({ verdict: "ok", line });
  });

  test("names every share that fails, with the reason, in one line", () => {
    const lost = shareStatus({ target: "/a\nb", phase: "stale", isLost: true, reason: "its handle is stale" });
    const waiting = shareStatus({ target: "/c", phase: "waiting" });
    expect(judgeHealth(instanceStatus([lost, waiting, shareStatus()]), { ready: true }).line).toBe(
      String.raw`not ready: nas:/export on /a\u000ab: stale, its handle is stale; nas:/export on /c: waiting`,
    );
    expect(judgeHealth(instanceStatus([lost]), { ready: false }).line).toMatch(/^lost: nas:/);
  });
});

describe("check", () => {
  const found = (state: Partial<PublishedState> = {}, share = {}): FoundState => ({
    kind: "state",
    state: publishedState([shareStatus(share)], state),
  });
  const none: FoundState = { kind: "none" };

  test.each<[string, FoundState, Partial<CallerFacts>, string, string]>([
    ["is ok with a state that is believed", found(), {}, "ok", "ok: 1 share healthy"],
    ["fails with one that is not", found({ bootId: "other" }), {}, "failed", "before the machine"],
    ["fails with one that is unusable", { kind: "unusable", reason: "EACCES" }, {}, "failed", "EACCES"],
    ["fails with a lost share", found({}, { isLost: true }), {}, "failed", "lost: nas:"],
    ["fails without a state where shares are configured", none, {}, "failed", "no published state"],
    ["is ok with NFS_EXEC, and says that nobody watches", none, { isReplaced: true }, "ok", "nobody is left to watch"],
    ["is ok where mounting is skipped", none, { isSkipped: true }, "ok", "NFS_MOUNT_SKIP"],
    ["has nothing to go by without shares and state", none, { hasShares: false }, "unconfigured", "no shares"],
    ["takes a state without shares of its own", found(), { hasShares: false }, "ok", "1 share"],
  ])("%s", (_, state, facts, verdict, line) => {
    const health = judgeFound(state, plain, { ...caller, ...facts });
    expect(health.verdict).toBe(verdict);
    expect(health.line).toContain(line);
    expect(health.line).not.toContain("\n");
  });

  test("--ready asks for more", () => {
    expect(judgeFound(found({}, { phase: "server-gone" }), { ready: true, sinceStart: false }, caller).verdict).toBe(
      "failed",
    );
  });

  describe("--since-start", () => {
    const question = { ready: false, sinceStart: true };
    const sidecar = { pid: 7, pidNamespace: "there" };
    const startedAt = (ms: number) => ({ ...caller, processStartedMs: (pid: number) => (pid === 1 ? ms : undefined) });

    test.each<[string, FoundState, CallerFacts, string]>([
      ["is ok where nothing was mounted afresh", found(sidecar), startedAt(50_000), "ok"],
      [
        "is ok where that was before the container started",
        found(sidecar, { remountedMs: 40_000 }),
        startedAt(50_000),
        "ok",
      ],
      ["fails where it was after", found(sidecar, { remountedMs: 60_000 }), startedAt(50_000), "failed"],
      ["fails in the instance's own container too", found({}, { remountedMs: 60_000 }), caller, "failed"],
      [
        "is ok there when the process was started again after it",
        found({ restartedMs: 61_000, restarts: 1 }, { remountedMs: 60_000 }),
        caller,
        "ok",
      ],
      [
        "fails elsewhere whatever the instance's own process did",
        found({ ...sidecar, restartedMs: 61_000 }, { remountedMs: 60_000 }),
        startedAt(50_000),
        "failed",
      ],
    ])("%s", (_, state, facts, verdict) => {
      expect(judgeFound(state, question, facts).verdict).toBe(verdict);
    });

    test("names the share", () => {
      const { line } = judgeFound(found({}, { remountedMs: 60_000 }), question, caller);
      expect(line).toContain("nas:/export on /mnt/data");
    });
  });
});
