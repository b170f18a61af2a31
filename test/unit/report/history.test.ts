// The last changes of an instance.
import { expect, test } from "vitest";
import { createHistory } from "../../../src/report/history.ts";
import { instanceStatus, shareStatus } from "./statuses.ts";

test("what was there at first is no change, and nothing is while all stays as it is", () => {
  const history = createHistory();
  history.note(instanceStatus([shareStatus()]), 1);
  history.note(instanceStatus([shareStatus({ probeMs: 7 })]), 2);
  expect(history.changes()).toEqual([]);
});

test("a share that is lost and mounted afresh is told, the newest first", () => {
  const history = createHistory();
  history.note(instanceStatus([shareStatus()]), 1);
  history.note(instanceStatus([shareStatus({ phase: "stale", isLost: true, reason: "stale file handle" })]), 2);
  history.note(instanceStatus([shareStatus({ phase: "mounted", remounts: 1 })]), 3);
  expect(history.changes()).toEqual([
    { wallMs: 3, subject: "/mnt/data", from: "stale, lost", to: "mounted afresh", tone: "good", reason: undefined },
    { wallMs: 2, subject: "/mnt/data", from: "healthy", to: "stale, lost", tone: "bad", reason: "stale file handle" },
  ]);
});

test("exports, volumes that come and go, and the process are told, too", () => {
  const history = createHistory();
  const exported = { path: "/srv", sinceMs: 0, reason: undefined };
  const volume = {
    name: "data",
    source: "nas:/d",
    target: "/v",
    phase: "unused",
    references: 0,
    reason: undefined,
  } as const;
  history.note(instanceStatus([], { exports: [{ ...exported, phase: "starting" }], volumes: [volume] }), 1);
  const now = {
    exports: [{ ...exported, phase: "served" }],
    volumes: [{ ...volume, name: "new" }],
    restarts: 1,
  } as const;
  history.note(instanceStatus([], now), 2);
  expect(history.changes().map(({ subject, from, to }) => [subject, from, to])).toEqual([
    ["data", "unused", "gone"],
    ["process", "started", "started again"],
    ["new", undefined, "unused"],
    ["/srv", "starting", "served"],
  ]);
});

test("keeps the last forty", () => {
  const history = createHistory();
  for (let count = 0; count < 100; count++) {
    history.note(instanceStatus([shareStatus({ phase: count % 2 === 0 ? "healthy" : "server-gone" })]), count);
  }
  expect(history.changes().map(({ wallMs }) => wallMs)).toEqual(Array.from({ length: 40 }, (_, index) => 99 - index));
});

test("a volume changes as its mount does, and that mount is no share of its own", () => {
  const history = createHistory();
  const target = "/v";
  const volume = { name: "data", source: "nas:/d", target, references: 1, reason: undefined } as const;
  history.note(instanceStatus([shareStatus({ target })], { volumes: [{ ...volume, phase: "mounted" }] }), 1);
  const gone = shareStatus({ target, phase: "server-gone", reason: "no answer" });
  history.note(instanceStatus([gone], { volumes: [{ ...volume, phase: "mounted" }] }), 2);
  history.note(instanceStatus([], { volumes: [{ ...volume, phase: "unused" }] }), 3);
  expect(history.changes().map(({ subject, from, to, reason }) => [subject, from, to, reason])).toEqual([
    ["data", "server-gone", "unused", undefined],
    ["data", "healthy", "server-gone", "no answer"],
  ]);
});
