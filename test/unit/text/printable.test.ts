// Words of others as they are shown.
import { printable, printableJson } from "../../../src/text/printable.ts";
import { describe, expect, test } from "vitest";
import { formatJson, formatPage } from "../../../src/doctor/report.ts";
import { judge } from "../../../src/doctor/findings.ts";
import { describeStatus } from "../../../src/report/document.ts";
import { judgeHealth } from "../../../src/report/health.ts";
import { formatMetrics } from "../../../src/report/metrics.ts";
import { respond } from "../../../src/report/responses.ts";
import { formatState, parseState } from "../../../src/report/state.ts";
import { formatTable } from "../../../src/report/table.ts";
import { goodFacts, goodShare } from "../doctor/good-facts.ts";
import { instanceStatus, shareStatus } from "../report/statuses.ts";

/** Each with what is shown in its place. */
const steering: readonly (readonly [what: string, character: string, shown: string])[] = [
  ["NUL", "\0", String.raw`\u0000`],
  ["BEL", "\u0007", String.raw`\u0007`],
  ["TAB", "\t", String.raw`\u0009`],
  ["a line end", "\n", String.raw`\u000a`],
  ["ESC", "\u001b", String.raw`\u001b`],
  ["DEL", "\u007f", String.raw`\u007f`],
  ["CSI of C1", "\u009b", String.raw`\u009b`],
  ["a soft hyphen", "\u00ad", String.raw`\u00ad`],
  ["a blank without width", "\u200b", String.raw`\u200b`],
  ["a mark from right to left", "\u200f", String.raw`\u200f`],
  ["an Arabic letter mark", "\u061c", String.raw`\u061c`],
  ["a line separator", "\u2028", String.raw`\u2028`],
  ["an override from right to left", "\u202e", String.raw`\u202e`],
  ["an isolate", "\u2066", String.raw`\u2066`],
  ["a byte order mark", "\ufeff", String.raw`\ufeff`],
  ["half a character", "\ud800", String.raw`\ud800`],
  ["a tag", "\u{e0041}", String.raw`\udb40\udc41`],
];

describe.each(steering)("%s", (_, character, shown) => {
  const text = `a${character}b`;

  test("is shown as an escape", () => {
    expect(printable(text)).toBe(`a${shown}b`);
  });

  test("is an escape in JSON, which means the same", () => {
    const json = printableJson({ text: [text] }, 2);
    expect(json).not.toContain(text);
    expect(JSON.parse(json)).toEqual({ text: [text] });
  });
});

test.each(["plain text", "/mnt/größe", "日本語", "عربي", "\u{1f4be}", 'a"b\\c'])("%s stays as it is", (text) => {
  expect(printable(text)).toBe(text);
});

describe("what others have written goes out as text that can be shown:", () => {
  const hostile = steering.map(([, character]) => character).join("");
  const share = shareStatus({
    source: `nas:/a${hostile}`,
    target: `/mnt/b${hostile}`,
    phase: "stale",
    reason: `c${hostile}`,
    isLost: true,
  });
  const status = instanceStatus([share]);
  const snapshot = { status, mountstats: [], nowMs: 100_000, wallMs: 1e12 };
  const document = describeStatus(status, snapshot);
  const facts = goodFacts([goodShare()]);
  const [section] = judge(facts).sections;
  const findings = {
    ...judge(facts),
    verdict: hostile,
    sections: [
      { title: hostile, checks: (section?.checks ?? []).map((check) => ({ ...check, fact: hostile, next: hostile })) },
    ],
  };
  const answerTo = (url: string) => respond("GET", url, () => snapshot).body;

  test.each([
    ["the table of status", formatTable(document, { hasColours: false })],
    ["the state file", formatState(status, { pid: 1, pidNamespace: undefined })],
    ["the line of check", judgeHealth(status, { ready: true }).line],
    ["the metrics", formatMetrics(snapshot)],
    ["/healthz", answerTo("/healthz")],
    ["/readyz", answerTo("/readyz")],
    ["/mounts", answerTo("/mounts")],
    ["/metrics", answerTo("/metrics")],
    ["doctor's page", formatPage(findings, false)],
    ["doctor's JSON", formatJson(findings, facts)],
  ])("%s", (_, text) => {
    expect(text.split("\n").map(printable).join("\n")).toBe(text);
    expect(text).toContain(String.raw`\u202e`);
  });

  test("and is read back as it was", () => {
    const read = parseState(formatState(status, { pid: 1, pidNamespace: undefined }));
    expect(read?.shares[0]).toMatchObject({ source: share.source, target: share.target });
    expect(JSON.parse(answerTo("/mounts"))).toMatchObject({ shares: [{ source: share.source }] });
  });
});
