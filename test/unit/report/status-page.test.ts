// What `/` and `/events` answer.
import { expect, test } from "vitest";
import { createStatusPage } from "../../../src/report/status-page.ts";
import { instanceStatus, shareStatus } from "./statuses.ts";

function page() {
  const take = () => ({ status: instanceStatus([shareStatus()]), mountstats: [], nowMs: 100_000, wallMs: 1e12 });
  return createStatusPage({ take, later: () => () => {} });
}

test("the page is whole without scripts", async () => {
  const answer = await page().answer({ method: "GET", target: "/" });
  expect(answer).toMatch(/^HTTP\/1\.1 200 OK\r\n(?:.*\r\n)*content-type: text\/html; charset=utf-8\r\n/);
  expect(answer).toContain("\r\ncontent-security-policy: default-src 'none'; ");
  expect(answer).toContain("/mnt/data");
});

test("an event is the changing part of the page in one line", async () => {
  const answer = await page().answer({ method: "GET", target: "/events" });
  if (answer === undefined || typeof answer === "string") throw new Error("no stream");
  expect(answer.head).toContain("content-type: text/event-stream\r\n");
  const sent: string[] = [];
  expect(answer.open((text) => sent.push(text))).toBeDefined();
  const [, data = ""] = /^data: (.*)\n\n$/.exec(sent[0] ?? "") ?? [];
  expect(JSON.parse(data)).toContain("/mnt/data");
});

test("the ninth who watches is told so, and HEAD gets a head only", async () => {
  const { answer } = page();
  for (let count = 0; count < 8; count++) {
    const live = await answer({ method: "GET", target: "/events" });
    if (typeof live === "object") live.open(() => {});
  }
  expect(await answer({ method: "GET", target: "/events" })).toMatch(/^HTTP\/1\.1 503 /);
  expect(await page().answer({ method: "HEAD", target: "/events" })).toMatch(/text\/event-stream\r\n.*\r\n\r\n$/s);
});

test("other paths and methods are no concern of the page", () => {
  expect(page().answer({ method: "GET", target: "/healthz" })).toBeUndefined();
  expect(page().answer({ method: "POST", target: "/" })).toBeUndefined();
});
