// The page of status.
import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { markup } from "../../../src/report/markup.ts";
import { formatMain, formatPage, policy } from "../../../src/report/page.ts";
import { createPace } from "../../../src/report/pace.ts";
import type { InstanceStatus, ShareStatus } from "../../../src/watch/status.ts";
import { instanceStatus, shareStatus } from "./statuses.ts";

function view(shares: readonly ShareStatus[], change: Partial<InstanceStatus> = {}) {
  const snapshot = { status: instanceStatus(shares, change), mountstats: [], nowMs: 100_000, wallMs: 1e12 };
  return { snapshot, before: undefined, changes: [] };
}

test("text in markup is escaped, also in quotes, and what steers a terminal is shown", () => {
  const text = `<b a="1" c='2'>&\u202E`;
  expect(markup`<i title="${text}">${text}</i>${3}${null}${[markup`<br>`, markup`<hr>`]}`).toEqual({
    html: '<i title="&lt;b a=&quot;1&quot; c=&#39;2&#39;&gt;&amp;\\u202e">&lt;b a=&quot;1&quot; c=&#39;2&#39;&gt;&amp;\\u202e</i>3<br><hr>',
  });
});

test("nothing that others say is markup", () => {
  const evil = `"><script>alert('1')</script>`;
  const volume = { name: evil, source: evil, target: evil, phase: "lost", references: 1, reason: evil } as const;
  const shares = [shareStatus({ source: evil, target: evil, version: evil, reason: evil })];
  const exports = [{ path: evil, phase: "not-served", sinceMs: 0, reason: evil }] as const;
  const full = view(shares, { program: evil, role: evil, exports, volumes: [volume] });
  const changes = [{ wallMs: 0, subject: evil, from: evil, to: evil, tone: "bad", reason: evil }] as const;
  const page = formatPage({ ...full, changes });
  expect(page).not.toContain(evil);
  expect(page).not.toContain("<script>alert");
  expect(page.split("<script>")).toHaveLength(2);
  expect(page).toContain("&lt;script&gt;alert");
});

test("the browser is told to run and show the page's own texts only", () => {
  const page = formatPage(view([shareStatus()]));
  for (const tag of ["style", "script"]) {
    const [, text = ""] = new RegExp(`<${tag}>(.*?)</${tag}>`, "s").exec(page) ?? [];
    const hash = createHash("sha256").update(text).digest("base64");
    expect(policy).toContain(`${tag}-src 'sha256-${hash}';`);
  }
  expect(policy).toMatch(/^default-src 'none'; /);
  expect(page).not.toMatch(/ style=| on[a-z]+=|https?:\/\/(?!www\.w3\.org\/2000\/svg)/);
});

const lost = shareStatus({ phase: "stale", isLost: true });
const served = { path: "/srv", phase: "served", sinceMs: 0, reason: undefined } as const;

test.each([
  ["1 share ready", "good", view([shareStatus()])],
  ["1 of 2 shares lost", "bad", view([shareStatus(), lost])],
  ["1 share not ready", "wait", view([shareStatus({ phase: "waiting" })])],
  ["Nothing is mounted here", "idle", view([])],
  ["1 of 2 exports not served", "bad", view([], { exports: [served, { ...served, phase: "not-served" }] })],
  [
    "1 volume in order",
    "good",
    view([], { volumes: [{ name: "d", source: "", target: "", phase: "unused", references: 0, reason: undefined }] }),
  ],
])("says first of all: %s", (text, tone, seen) => {
  expect(formatMain(seen)).toContain(`<h1 class="${tone}">${text}</h1>`);
  expect(formatPage(seen)).toContain(`<title>${text} · nfs-init run</title>`);
});

test("a share is told with its state, since when, its space and its source", () => {
  const text = formatMain(view([shareStatus()]))
    .replaceAll(/<[^>]*>/g, " ")
    .replaceAll(/\s+/g, " ");
  expect(text).toContain("/mnt/data healthy nas:/export · version 4.2 600 B used (67 %) 300 B free Since 1m 38s");
});

test("traffic is compared with counters a moment ago, and never with those of a time when nobody watched", () => {
  const pace = createPace();
  const at = (nowMs: number) => ({ ...view([]).snapshot, nowMs });
  const seen = [0, 1_000, 2_000, 2_100, 4_000, 60_000, 62_000].map((nowMs) => pace(at(nowMs))?.nowMs);
  expect(seen).toEqual([undefined, undefined, 0, 0, 2_000, undefined, 60_000]);
});
