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

function textOf(html: string): string {
  return html.replaceAll(/<[^>]*>/g, " ").replaceAll(/\s+/g, " ");
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
  const client = { ...serverClient, address: evil, name: evil, version: evil, files: [evil] };
  const use = { ...serverWork, clients: [client], clientCount: 1 };
  const full = view(shares, { program: evil, role: evil, exports, use, volumes: [volume] });
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
  const text = textOf(formatMain(view([shareStatus()])));
  expect(text).toContain("/mnt/data healthy nas:/export · version 4.2 600 B used (67 %) 300 B free Since 1m 38s");
});

const serverWork = { operations: 6_000, readBytes: 1_024, writtenBytes: 0 };
const serverClient = {
  address: "10.0.0.2",
  name: "Linux NFSv4.2 web",
  version: "4.2",
  isConfirmed: true,
  sinceMs: 40_000,
  opens: 3,
  locks: 1,
  delegations: 0,
  files: ["/wal", "base/1"],
};

test("a server is told with the room of its exports, its clients and what they hold, and its work", () => {
  const space = { totalBytes: 4_096, freeBytes: 3_072, availableBytes: 3_072 };
  const idle = { ...serverClient, address: "10.0.0.3", name: "db", opens: 0, locks: 0, files: [] };
  const seen = view([], {
    role: "serve",
    exports: [{ ...served, space }],
    use: { ...serverWork, clients: [serverClient, idle], clientCount: 5 },
    recentWork: { spanMs: 10_000, operations: 250, readBytes: 20_480, writtenBytes: 0 },
  });
  const text = textOf(formatMain(seen));
  expect(text).toContain("/srv served 1.00 KiB used (25 %) 3.00 KiB free Since 1m 40s");
  expect(text).toContain("Clients 5 Operations 25.0/s Read 2.00 KiB/s Written 0 B/s");
  expect(text).toContain("6000 operations, 1.00 KiB read, 0 B written in all");
  expect(text).toContain("1m 10.0.0.2 3 open, 1 locked : /wal, base/1, … Linux NFSv4.2 web · version 4.2");
  expect(text).toContain("10.0.0.3 nothing open db · version 4.2");
  expect(text).toContain("and 3 more");
});

test("fifty clients of a server are shown, and how many more there are", () => {
  const clients = Array.from({ length: 60 }, () => serverClient);
  const seen = view([], { exports: [served], use: { ...serverWork, clients, clientCount: 300 } });
  const main = formatMain(seen);
  expect(main.split("10.0.0.2")).toHaveLength(51);
  expect(main).toContain("and 250 more");
});

test("a volume that is mounted is told with what its mount does, and is no share beside it", () => {
  const target = "/volumes/pg";
  const volume = { name: "pg", source: "nas:/pg", target, phase: "mounted", references: 2, reason: undefined } as const;
  const share = shareStatus({ source: "nas:/pg", target, phase: "server-gone" });
  const main = formatMain(view([share], { role: "plugin", volumes: [volume] }));
  expect(main).toContain(`<h1 class="wait">1 volume not ready</h1>`);
  expect(textOf(main)).toContain("pg server-gone nas:/pg 600 B used (67 %) 300 B free Containers 2 Since 1m 38s");
  expect(main).not.toContain("<h2>Shares</h2>");
});

test("traffic is compared with counters a moment ago, and never with those of a time when nobody watched", () => {
  const pace = createPace();
  const at = (nowMs: number) => ({ ...view([]).snapshot, nowMs });
  const seen = [0, 1_000, 2_000, 2_100, 4_000, 60_000, 62_000].map((nowMs) => pace(at(nowMs))?.nowMs);
  expect(seen).toEqual([undefined, undefined, 0, 0, 2_000, undefined, 60_000]);
});
