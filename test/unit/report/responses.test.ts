// What is answered over HTTP.
import { expect, test } from "vitest";
import { pagePart, respond } from "../../../src/report/responses.ts";
import { instanceStatus, shareStatus } from "./statuses.ts";

const healthy = shareStatus();
const lost = shareStatus({ phase: "stale", isLost: true });
const waiting = shareStatus({ phase: "waiting" });

function answer(method: string, url: string, share = healthy) {
  return respond(method, url, () => ({
    status: instanceStatus([share]),
    mountstats: [],
    nowMs: 100_000,
    wallMs: 1e12,
  }));
}

test.each([
  ["/healthz", healthy, 200, "ok: 1 share healthy\n"],
  ["/healthz", waiting, 200, "ok: 1 share waiting\n"],
  ["/healthz", lost, 503, "lost: nas:/export on /mnt/data: stale\n"],
  ["/readyz", healthy, 200, "ok: 1 share healthy\n"],
  ["/readyz", waiting, 503, "not ready: nas:/export on /mnt/data: waiting\n"],
  ["/readyz?verbose", lost, 503, "not ready: nas:/export on /mnt/data: stale\n"],
])("%s says what check says", (url, share, status, body) => {
  expect(answer("GET", url, share)).toEqual({ status, contentType: "text/plain; charset=utf-8", body });
});

test("/metrics is a text for Prometheus", () => {
  const { status, contentType, body } = answer("GET", "/metrics");
  expect({ status, contentType }).toEqual({ status: 200, contentType: "text/plain; version=0.0.4; charset=utf-8" });
  expect(body).toContain('nfs_init_share_up{source="nas:/export",target="/mnt/data"} 1\n');
});

test("/mounts is the document of status --json", () => {
  const { status, contentType, body } = answer("GET", "/mounts");
  expect({ status, contentType }).toEqual({ status: 200, contentType: "application/json; charset=utf-8" });
  expect(JSON.parse(body)).toMatchObject({ schemaVersion: 1, ageMs: 0, shares: [{ target: "/mnt/data" }] });
});

test.each([
  ["GET", "http://10.0.0.2:9090/healthz", 200],
  ["GET", "HTTP://nas.example/readyz?verbose", 200],
  ["GET", "https://[fe80::1]:9090/metrics", 200],
  ["GET", "http://10.0.0.2/nothing", 404],
  ["GET", "nas:/healthz", 404],
  ["GET", "/http://nas/healthz", 404],
  ["HEAD", "/healthz", 200],
  ["GET", "/metrics/", 404],
  ["GET", "", 404],
  ["GET", "/../etc/passwd", 404],
  ["POST", "/healthz", 405],
  ["DELETE", "/mounts", 405],
  ["", "/", 405],
])("%s %s is %d", (method, url, status) => {
  expect(answer(method, url).status).toBe(status);
});

test("what does not tell of the instance does not look at it", () => {
  const never = () => {
    throw new Error("looked at");
  };
  expect(() => respond("GET", "/nothing", never)).not.toThrow();
});

test.each([
  ["GET", "/", "page"],
  ["HEAD", "/?x", "page"],
  ["GET", "http://10.0.0.2:9090", "page"],
  ["GET", "http://10.0.0.2:9090?x", "page"],
  ["GET", "/events", "events"],
  ["GET", "", undefined],
  ["GET", "//", undefined],
  ["GET", "/healthz", undefined],
  ["POST", "/", undefined],
  ["POST", "/events", undefined],
])("%s %s asks for %s of the page of status", (method, url, part) => {
  expect(pagePart(method, url)).toBe(part);
});
