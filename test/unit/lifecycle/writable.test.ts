import { describe, expect, test } from "vitest";
import { AppError } from "../../../src/errors.ts";
import type { Identity } from "../../../src/init/identity.ts";
import { waitUntilWritable, type WritableTimes, type WriteAccess } from "../../../src/lifecycle/writable.ts";
import { leapingClock } from "../fakes/clock.ts";
import { planOf } from "../fakes/shares.ts";

const identity: Identity = { uid: 1000, gid: 100, groups: [], home: "/" };
const writable: WriteAccess = { kind: "writable" };
const closed: WriteAccess = { kind: "unwritable", mode: "0755", uid: 0, gid: 0 };
const two = { NFS_MOUNTS: "nas:/a /mnt/a; nas:/b /mnt/b" };

/** The answers of each target, the last one for ever. */
function world(answers: Readonly<Record<string, readonly WriteAccess[]>>) {
  const clock = leapingClock();
  const startedMs = clock.nowMs();
  const lines: string[] = [];
  const asked: { readonly path: string; readonly identity: Identity | undefined; readonly timeoutMs: number }[] = [];
  const left = new Map(Object.entries(answers).map(([target, list]) => [target, [...list]]));
  return {
    clock,
    lines,
    asked,
    elapsedMs: () => clock.nowMs() - startedMs,
    wait: (
      environment: Readonly<Record<string, string>>,
      times: Partial<WritableTimes> = {},
      {
        as,
        signal = new AbortController().signal,
      }: { readonly as?: "nobody else"; readonly signal?: AbortSignal } = {},
    ) =>
      waitUntilWritable(
        {
          log: (level, message, fields) => {
            lines.push(`${level} ${message}: ${String(fields["target"])}: ${String(fields["reason"])}`);
            expect(fields["hint"]).toContain("NFS_USER");
          },
          clock,
          writeAccess: async (path, who, timeoutMs) => {
            asked.push({ path, identity: who, timeoutMs });
            const list = left.get(path) ?? [writable];
            return (list.length > 1 ? list.shift() : list[0]) ?? writable;
          },
        },
        planOf(environment).shares,
        as === undefined ? identity : undefined,
        { attemptTimeoutMs: 15_000, pauseMs: 5_000, deadlineMs: undefined, ...times },
        signal,
      ),
  };
}

describe("COMMAND starts", () => {
  test("at once where its user can write to every share, and nothing is said", async () => {
    const { wait, asked, lines, clock } = world({});
    await wait(two);
    expect(asked).toEqual([
      { path: "/mnt/a", identity, timeoutMs: 15_000 },
      { path: "/mnt/b", identity, timeoutMs: 15_000 },
    ]);
    expect(lines).toEqual([]);
    expect(clock.pausesMs).toEqual([]);
  });

  test("without a look at shares that are read-only", async () => {
    const { wait, asked } = world({ "/mnt/a": [closed] });
    await wait({ NFS_MOUNTS: "nas:/a /mnt/a nfs ro,hard; nas:/b /mnt/b nfs hard,rw" });
    expect(asked.map(({ path }) => path)).toEqual(["/mnt/b"]);
  });

  test("after a look at a share that its last word makes writable", async () => {
    const { wait, asked } = world({});
    await wait({ NFS_MOUNTS: "nas:/a /mnt/a nfs ro,rw; nas:/b /mnt/b nfs rw,ro" });
    expect(asked.map(({ path }) => path)).toEqual(["/mnt/a"]);
  });

  test("at once where there is no share", async () => {
    const { wait, asked } = world({});
    await wait({});
    expect(asked).toEqual([]);
  });

  test("as soon as the last one can be written to", async () => {
    const { wait, elapsedMs, asked } = world({ "/mnt/b": [closed, closed, closed, writable] });
    await wait(two);
    expect(elapsedMs()).toBe(15_000);
    expect(asked.map(({ path }) => path)).toEqual(["/mnt/a", "/mnt/b", "/mnt/b", "/mnt/b", "/mnt/b"]);
  });
});

describe("why not", () => {
  const said = (reason: string, target = "/mnt/a") =>
    `warn the process cannot write to the share, waiting until it can: ${target}: ${reason}`;
  const byMode = "uid 1000 gid 100 may not write: mode 0755, owner 0:0, or the export is read-only for it";

  test("is said once for each share and reason", async () => {
    const other: WriteAccess = { kind: "unwritable", mode: "0775", uid: 5, gid: 6 };
    const { wait, lines } = world({
      "/mnt/a": [closed, closed, other, { kind: "no-answer" }, { kind: "failed", reason: "EIO" }, closed, writable],
      "/mnt/b": [closed, writable],
    });
    await wait(two);
    expect(lines.filter((line) => line.includes("/mnt/a"))).toEqual([
      said(byMode),
      said("uid 1000 gid 100 may not write: mode 0775, owner 5:6, or the export is read-only for it"),
      said("it does not answer"),
      said("EIO"),
      said(byMode),
    ]);
    expect(lines.filter((line) => line.includes("/mnt/b"))).toEqual([said(byMode, "/mnt/b")]);
  });

  test("names no numbers where COMMAND runs as who nfs-init is", async () => {
    const { wait, lines, asked } = world({ "/mnt/a": [closed, writable] });
    await wait({ NFS_MOUNTS: "nas:/a /mnt/a" }, {}, { as: "nobody else" });
    expect(lines[0]).toContain("the process' user may not write");
    expect(asked[0]?.identity).toBeUndefined();
  });
});

describe("it ends", () => {
  test("with 124 at the deadline, not before, and says why", async () => {
    const { wait, clock, elapsedMs } = world({ "/mnt/a": [closed] });
    const waiting = wait(two, { deadlineMs: clock.nowMs() + 12_000 });
    await expect(waiting).rejects.toThrow(AppError);
    await expect(waiting).rejects.toMatchObject({
      exitCode: 124,
      message: expect.stringMatching(/^nas:\/a on \/mnt\/a is not writable in time: uid 1000 .*mode 0755/) as string,
      hint: expect.stringContaining("no_root_squash") as string,
    });
    expect(elapsedMs()).toBe(12_000);
    expect(clock.pausesMs).toEqual([5_000, 5_000, 2_000]);
  });

  test("with 124 after one look where the time is over already", async () => {
    const { wait, clock, asked } = world({ "/mnt/a": [closed] });
    await expect(wait(two, { deadlineMs: clock.nowMs() - 1 })).rejects.toMatchObject({ exitCode: 124 });
    expect(asked).toHaveLength(2);
  });

  test("never by itself without a deadline", async () => {
    const { wait, elapsedMs } = world({ "/mnt/a": [...Array.from({ length: 1_000 }, () => closed), writable] });
    await wait(two);
    expect(elapsedMs()).toBe(5_000_000);
  });

  test("with the reason of its signal", async () => {
    const abort = new AbortController();
    const { wait, clock } = world({ "/mnt/a": [closed] });
    const sleep = clock.sleep;
    const stopping = Object.assign(clock, {
      sleep: async (ms: number, signal?: AbortSignal) => {
        await sleep(ms, signal);
        if (clock.pausesMs.length === 3) abort.abort(new Error("stopped"));
      },
    });
    await expect(wait(two, {}, { signal: abort.signal })).rejects.toThrow("stopped");
    expect(stopping.pausesMs).toHaveLength(3);
  });
});
