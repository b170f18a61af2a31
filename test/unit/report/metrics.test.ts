// The metrics: their text as Prometheus reads it, their names as its conventions have them, and who else names them.
import { readFileSync } from "node:fs";
import parsePrometheusTextFormat from "parse-prometheus-text-format";
import { describe, expect, test } from "vitest";
import { withMetrics } from "../../../scripts/metrics-reference.ts";
import { formatMetrics, metrics, sharePhases, type Snapshot } from "../../../src/report/metrics.ts";
import { parseMountstats } from "../../../src/report/mountstats.ts";
import { instanceStatus, labTarget, mountstatsText, shareStatus } from "./statuses.ts";

const oddTarget = 'C:\\odd "name"\nwith all';

/** A mounted share with everything that is measured, one that waits, and an export. */
const snapshot: Snapshot = {
  status: {
    exports: [
      {
        path: "/e",
        phase: "served",
        sinceMs: 0,
        reason: undefined,
        space: { totalBytes: 3, freeBytes: 2, availableBytes: 1 },
      },
    ],
    use: { operations: 1, readBytes: 2, writtenBytes: 3, clients: [], clientCount: 4 },
    volumes: [{ name: "v", source: "nas:/v", target: "/v", phase: "mounted", references: 2, reason: undefined }],
    ...instanceStatus([
      shareStatus({ target: oddTarget, realTarget: labTarget, remounts: 3, awayMs: 7_500 }),
      shareStatus({
        target: "/b",
        realTarget: "/b",
        phase: "waiting",
        version: undefined,
        space: undefined,
        answeredMs: undefined,
        probeMs: undefined,
      }),
    ]),
  },
  mountstats: parseMountstats(mountstatsText("4.2")),
  nowMs: 101_000,
  wallMs: 1_800_000_101_000,
};
const text = formatMetrics(snapshot);
const families = parsePrometheusTextFormat(text);
const valuesOf = (name: string, labels: Readonly<Record<string, string>>) =>
  (families.find((family) => family.name === name)?.metrics ?? [])
    .filter((sample) => Object.entries(labels).every(([label, value]) => sample.labels?.[label] === value))
    .map(({ value }) => Number(value));

describe("the text of the metrics", () => {
  test("is read by a parser of Prometheus' format, every metric with its help and type", () => {
    expect(families.map(({ name, help, type }) => ({ name, help, type: type.toLowerCase() }))).toEqual(
      metrics.map(({ name, help, type }) => ({ name, help, type })),
    );
  });

  test("has only lines of that format", () => {
    const label = String.raw`[a-z_]+="(?:[^"\\\n]|\\["\\n])*"`;
    const sample = new RegExp(String.raw`^[a-z_]+(?:\{${label}(?:,${label})*\})? -?\d+(?:\.\d+)?(?:e[+-]\d+)?$`);
    expect(text.endsWith("\n")).toBe(true);
    for (const line of text.trimEnd().split("\n")) {
      expect(line).toMatch(line.startsWith("#") ? /^# (?:HELP [a-z_]+ \S.*|TYPE [a-z_]+ (?:gauge|counter))$/ : sample);
    }
  });

  test("has no sample twice", () => {
    const series = text
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => line.replace(/ [^ ]*$/, ""));
    const samples = series.filter((line) => !line.startsWith("#"));
    expect(new Set(samples).size).toBe(samples.length);
  });

  test("carries the labels that the table says", () => {
    for (const metric of metrics) {
      for (const { labels } of metric.samples(snapshot)) expect(Object.keys(labels)).toEqual(metric.labels);
    }
  });

  test("keeps odd names", () => {
    expect(valuesOf("nfs_init_share_up", { target: oddTarget })).toEqual([1]);
  });

  test.each([
    ["nfs_init_start_time_seconds", {}, [1_800_000_001]],
    ["nfs_init_share_up", { target: "/b" }, [0]],
    ["nfs_init_share_state", { target: oddTarget, state: "healthy" }, [1]],
    ["nfs_init_share_state", { target: oddTarget, state: "stale" }, [0]],
    ["nfs_init_share_state", { target: "/b" }, sharePhases.map((phase) => (phase === "waiting" ? 1 : 0))],
    ["nfs_init_share_state_age_seconds", { target: oddTarget }, [99]],
    ["nfs_init_share_answer_age_seconds", {}, [2]],
    ["nfs_init_share_probe_duration_seconds", {}, [0.004_25]],
    ["nfs_init_share_not_ready_seconds_total", { target: oddTarget }, [7.5]],
    ["nfs_init_share_remounts_total", { target: oddTarget }, [3]],
    ["nfs_init_share_size_bytes", {}, [1_000]],
    ["nfs_init_share_written_bytes_total", {}, [300_000]],
    ["nfs_init_share_rpc_rtt_seconds_total", { operation: "ACCESS" }, [0.008]],
    ["nfs_init_share_rpc_operations_total", { operation: "WRITE", target: oddTarget }, [3]],
  ])("%s of %o is %o", (name, labels, expected) => {
    expect(valuesOf(name, labels)).toEqual(expected);
  });
});

describe("the name of a metric", () => {
  const units = /_(?:seconds|bytes)(?:_total)?$/;

  test.each(metrics.map((metric) => [metric.name, metric] as const))("%s keeps the conventions", (name, metric) => {
    expect(name).toMatch(/^nfs_init(?:_[a-z]+)+$/);
    expect(metric.help).toMatch(/^[A-Z].*[^.]$/);
    expect(metric.help).not.toMatch(/[\n\\]/);
    // A counter is a total, and nothing else is one; names of types, of scaled units and of labels do not belong in it.
    expect(name.endsWith("_total")).toBe(metric.type === "counter");
    expect(name).not.toMatch(
      /_(?:gauge|counter|count|sum|bucket|info_total|milliseconds|ms|kilobytes|minutes|percent)(?:_|$)/,
    );
    for (const label of metric.labels) {
      expect(label).toMatch(/^[a-z]+$/);
      expect(["le", "quantile", "job", "instance"]).not.toContain(label);
      if (label === "operation") expect(name).not.toContain("operation_");
    }
    // What is a time or a size says its unit, at the end.
    if (/second|byte/.test(name)) expect(name).toMatch(units);
    if (/\b(?:time|long|duration)\b/i.test(metric.help) && metric.type === "counter") {
      expect(name).toMatch(/_seconds_total$|_timeouts_total$/);
    }
  });

  test("is there once", () => {
    expect(new Set(metrics.map(({ name }) => name)).size).toBe(metrics.length);
  });
});

describe("what else names the metrics", () => {
  const known = new Map(metrics.map((metric) => [metric.name, metric]));
  const files = ["examples/prometheus/nfs-init.rules.yml", "examples/prometheus/nfs-init.dashboard.json"];

  test.each(files)("%s uses only those that exist, counters by their rate, and states that exist", (path) => {
    const content = readFileSync(path, "utf8").replaceAll(String.raw`\"`, '"');
    const names = [...content.matchAll(/(\w+\()?(nfs_init_\w+)/g)];
    expect(names.length).toBeGreaterThan(10);
    for (const [, call, name = ""] of names) {
      const metric = known.get(name);
      expect(metric, name).toBeDefined();
      if (metric?.type === "counter") expect(["rate(", "increase("], name).toContain(call);
    }
    for (const [, states = ""] of content.matchAll(/state=~?"([^"]+)"/g)) {
      for (const state of states.split("|")) expect(sharePhases).toContain(state);
    }
  });

  test("the alert rules have an expression, a severity and a summary each", () => {
    const rules = readFileSync(files[0] ?? "", "utf8")
      .split(/^ +- alert: /m)
      .slice(1);
    for (const rule of rules)
      expect(rule).toMatch(
        /^Nfs\w+\n +expr: [^]*\n +labels:\n +severity: (?:warning|critical)\n +annotations:\n +summary: /,
      );
  });

  test("the dashboard is one, with a query in every panel", () => {
    const { panels, title } = JSON.parse(readFileSync(files[1] ?? "", "utf8")) as {
      readonly title: string;
      readonly panels: readonly { readonly id: number; readonly targets: readonly { readonly expr: string }[] }[];
    };
    expect(title).toBe("nfs-init");
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
    for (const { targets } of panels) for (const { expr } of targets) expect(expr).toContain("nfs_init_");
  });

  test("docs/metrics.md holds the table that the metrics give (npm run docs)", () => {
    const document = readFileSync("docs/metrics.md", "utf8");
    expect(withMetrics(document)).toBe(document);
  });
});
