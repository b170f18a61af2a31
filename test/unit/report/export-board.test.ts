import { describe, expect, test } from "vitest";
import { describeStatus } from "../../../src/report/document.ts";
import { createExportBoard } from "../../../src/report/export-board.ts";
import { judgeHealth } from "../../../src/report/health.ts";
import { metrics } from "../../../src/report/metrics.ts";
import { formatState, parseState } from "../../../src/report/state.ts";
import { formatTable } from "../../../src/report/table.ts";

const facts = { program: "1.2.3", role: "serve", bootId: "b", startedMs: 0, staleAfterMs: 55_000 };

function boardAt() {
  let nowMs = 1_000;
  const board = createExportBoard(() => nowMs, facts, ["/data", "/logs"]);
  const news: string[] = [];
  board.subscribe((one) => news.push(one));
  return { board, news, at: (ms: number) => (nowMs = ms) };
}

const lineOf = (ready: boolean, board: ReturnType<typeof boardAt>["board"]) => judgeHealth(board.current(), { ready });

describe("exports", () => {
  test("that were not asked yet are neither healthy nor ready", () => {
    const { board } = boardAt();
    for (const ready of [true, false]) {
      expect(lineOf(ready, board)).toEqual({ verdict: "failed", line: "not served: /data: starting; /logs: starting" });
    }
  });

  test("that have not answered yet have not begun to fail", () => {
    const { board, news } = boardAt();
    board.asked("/data", "not-served", "connection refused");
    expect(board.current().exports?.[0]?.phase).toBe("starting");
    expect(news).toEqual([]);
  });

  test("that answer are healthy and ready, and are told at once", () => {
    const { board, news } = boardAt();
    board.asked("/data", "served");
    expect(lineOf(true, board).line).toBe("not served: /logs: starting");
    board.asked("/logs", "served");
    expect(lineOf(true, board)).toEqual({ verdict: "ok", line: "ok: 2 exports served" });
    board.asked("/logs", "served");
    expect(news).toEqual(["change", "change", "look"]);
  });

  test("that fail are not ready, with the reason, and healthy until serve has given up", () => {
    const { board, at } = boardAt();
    for (const path of ["/data", "/logs"]) board.asked(path, "served");
    at(5_000);
    board.asked("/data", "not-served", "NFS4ERR_STALE at /data");
    expect(lineOf(true, board)).toEqual({ verdict: "failed", line: "not served: /data: NFS4ERR_STALE at /data" });
    expect(lineOf(false, board)).toEqual({ verdict: "ok", line: "ok: 2 exports, 1 not served" });
    expect(board.current().exports?.[0]).toMatchObject({ sinceMs: 5_000 });
  });

  test("stand in the published state, the document, the table and the metrics", () => {
    const { board, at } = boardAt();
    board.asked("/data", "served");
    const web = {
      address: "10.0.0.2",
      name: "Linux NFSv4.2 web",
      version: "4.2",
      isConfirmed: true,
      opens: 2,
      locks: 1,
      delegations: 0,
      files: ["data/log"],
    };
    const use = {
      operations: 99,
      readBytes: 0,
      writtenBytes: 2_048,
      clients: [{ ...web, sinceMs: 1_000 }],
      clientCount: 3,
    };
    const space = { totalBytes: 4_096, freeBytes: 2_048, availableBytes: 1_024 };
    at(51_000);
    board.used({ ...use, operations: 79 }, new Map());
    at(61_000);
    board.used(use, new Map([["/data", space]]));
    const status = board.current();
    expect(parseState(formatState(status, { pid: 1, pidNamespace: undefined }))?.exports).toMatchObject([
      { path: "/data", phase: "served" },
      { path: "/logs", phase: "starting" },
    ]);
    const document = describeStatus(status, { nowMs: 61_000, mountstats: [] });
    expect(document.exports).toEqual([
      { path: "/data", state: "served", stateForMs: 60_000, reason: null, space },
      { path: "/logs", state: "starting", stateForMs: 60_000, reason: null, space: null },
    ]);
    expect(document.server).toEqual({
      ...use,
      clients: [{ ...web, knownForMs: 60_000 }],
      recent: { spanMs: 10_000, operations: 20, readBytes: 0, writtenBytes: 0 },
    });
    expect(formatTable(document, { hasColours: false })).toBe(
      [
        "nfs-init 1.2.3 serve, up 1m 1s",
        "",
        "EXPORT  STATE     SINCE  FREE",
        "/data   served    1m     1.00 KiB",
        "/logs   starting  1m     -",
        "",
        "CLIENT    VERSION  SINCE  OPEN  LOCKS  NAME",
        "10.0.0.2  4.2      1m     2     1      Linux NFSv4.2 web",
        "and 2 more",
        "",
        "99 operations, 0 B read, 2.00 KiB written",
        "",
      ].join("\n"),
    );
    const served = metrics.find(({ name }) => name === "nfs_init_export_served");
    const samples = served?.samples({ status, mountstats: [], nowMs: 61_000, wallMs: 0 });
    expect(samples?.map(({ labels, value }) => [labels["path"], value])).toEqual([
      ["/data", 1],
      ["/logs", 0],
    ]);
  });
});
