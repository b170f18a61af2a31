// The page of status and its live events, as the executable answers them.
import { request, type IncomingMessage } from "node:http";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { eventually } from "../support/eventually.ts";
import { needRoot, ordinary, temporaryDirectory, type Running } from "../support/process.ts";
import { startPublishing } from "../support/published.ts";

interface Instance {
  readonly running: Running;
  readonly socketPath: string;
}

async function instance(): Promise<Instance> {
  const socketPath = join(temporaryDirectory(), "http.sock");
  const running = startPublishing(ordinary, temporaryDirectory(), { NFS_LISTEN: socketPath });
  await eventually("it listens", () => running.stderr().includes("answering over HTTP"));
  return { running, socketPath };
}

interface Read {
  readonly status: number | undefined;
  readonly headers: IncomingMessage["headers"];
  readonly body: () => string;
  readonly ended: Promise<void>;
  readonly hangUp: () => void;
}

function read({ socketPath }: Instance, path: string): Promise<Read> {
  return new Promise((resolve, reject) => {
    const asked = request({ socketPath, path, agent: false }, (response) => {
      let body = "";
      response.setEncoding("utf8").on("data", (chunk: string) => {
        body += chunk;
      });
      const ended = new Promise<void>((end) => void response.on("close", () => end()).on("error", () => {}));
      const { statusCode: status, headers } = response;
      resolve({ status, headers, body: () => body, ended, hangUp: () => asked.destroy() });
    });
    asked.on("error", reject);
    onTestFinished(() => void asked.destroy());
    asked.end();
  });
}

const events = (body: string): number => body.split("\n\n").length - 1;

describe("the page of status", () => {
  needRoot("mounting");

  it("is whole in one answer, with the waiting share and why it waits", async () => {
    const { status, headers, body, ended } = await read(await instance(), "/");
    await ended;
    expect(status).toBe(200);
    expect(headers["content-type"]).toBe("text/html; charset=utf-8");
    expect(headers["content-security-policy"]).toMatch(/^default-src 'none'; /);
    expect(body()).toContain("1 share not ready</h1>");
    expect(body()).toMatch(/class="reason wait"/);
    expect(body()).toMatch(/<\/html>\s*$/);
  });

  it("goes on telling, and ends with the instance", async () => {
    const one = await instance();
    const { status, headers, body, ended } = await read(one, "/events");
    expect(status).toBe(200);
    expect(headers["content-type"]).toBe("text/event-stream");
    await eventually("three events", () => events(body()) >= 3);
    for (const event of body().split("\n\n").slice(0, 3)) {
      expect(JSON.parse(event.replace(/^data: /, ""))).toContain("1 share not ready");
    }
    one.running.stdin.end();
    await ended;
    expect((await one.running.ended).exitCode).toBe(0);
  });

  it("takes eight who watch, and another one when one has hung up; probes are answered meanwhile", async () => {
    const one = await instance();
    const watching: Read[] = [];
    for (let count = 0; count < 8; count++) {
      const reader = await read(one, "/events");
      await eventually("its first event", () => events(reader.body()) > 0);
      watching.push(reader);
    }
    expect((await read(one, "/events")).status).toBe(503);
    expect((await read(one, "/healthz")).status).toBe(200);
    watching[0]?.hangUp();
    await eventually("a place", async () => (await read(one, "/events")).status === 200);
  });
});
