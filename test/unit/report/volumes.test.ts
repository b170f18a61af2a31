// What is told of Docker volumes: the table, the document, /volumes and the metrics.
import { describe, expect, test } from "vitest";
import { describeStatus } from "../../../src/report/document.ts";
import { formatMetrics } from "../../../src/report/metrics.ts";
import { respond } from "../../../src/report/responses.ts";
import { formatState, parseState } from "../../../src/report/state.ts";
import { formatTable } from "../../../src/report/table.ts";
import type { VolumeStatus } from "../../../src/watch/status.ts";
import { instanceStatus } from "./statuses.ts";

const used: VolumeStatus = {
  name: "data",
  source: "nas:/export/data",
  target: "/volumes/data",
  phase: "mounted",
  references: 2,
  reason: undefined,
};
const lost: VolumeStatus = { ...used, name: "old", phase: "lost", references: 1, reason: "stale file handle" };
const status = instanceStatus([], { role: "plugin", volumes: [used, lost] });
const now = { nowMs: 100_000, mountstats: [] };
const snapshot = { ...now, status, wallMs: 0 };

describe("volumes", () => {
  test("are a table, with the reason under one that is lost", () => {
    expect(formatTable(describeStatus(status, now), { hasColours: false })).toBe(
      [
        "nfs-init 1.2.3 plugin, up 1m 39s",
        "",
        "VOLUME  SHARE             STATE    CONTAINERS",
        "data    nas:/export/data  mounted  2",
        "old     nas:/export/data  lost     1",
        "  stale file handle",
        "",
      ].join("\n"),
    );
  });

  test("are said to be none", () => {
    const table = formatTable(describeStatus({ ...status, volumes: [] }, now), { hasColours: false });
    expect(table).toMatch(/^nfs-init .*\n\nno volumes\n$/);
  });

  test("are answered as JSON, and none where the role has none", () => {
    const answered = respond("GET", "/volumes", () => snapshot);
    expect([answered.status, JSON.parse(answered.body)]).toEqual([
      200,
      [
        {
          name: "data",
          source: "nas:/export/data",
          target: "/volumes/data",
          state: "mounted",
          references: 2,
          reason: null,
        },
        {
          name: "old",
          source: "nas:/export/data",
          target: "/volumes/data",
          state: "lost",
          references: 1,
          reason: "stale file handle",
        },
      ],
    ]);
    const other = respond("GET", "/volumes", () => ({ ...snapshot, status: instanceStatus([]) }));
    expect(other.body).toBe("[]\n");
  });

  test("are counted", () => {
    const text = formatMetrics(snapshot);
    expect(text).toContain('nfs_init_volume_references{volume="data"} 2\n');
    expect(text).toContain('nfs_init_volume_lost{volume="data"} 0\n');
    expect(text).toContain('nfs_init_volume_lost{volume="old"} 1\n');
  });

  test("stand in the published state", () => {
    const published = parseState(formatState(status, { pid: 1, pidNamespace: undefined }));
    expect(published?.volumes).toMatchObject([{ name: "data" }, { name: "old", reason: "stale file handle" }]);
  });
});
