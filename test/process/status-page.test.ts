// The page of status and its live events, as the executable answers them.
import { readFileSync } from "node:fs";
import { request, type IncomingMessage } from "node:http";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { eventually } from "../support/eventually.ts";
import { everyCombination } from "../support/every-combination.ts";
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

  it.runIf(everyCombination)(
    "hangs up on eight who read nothing, before much is kept for them",
    { timeout: 120_000 },
    async () => {
      const directory = temporaryDirectory();
      const port = await freePort();
      // A long page: what fits into the kernel's buffers is soon there.
      const path = "x".repeat(900);
      const mounts = Array.from(
        { length: 30 },
        (_, index) => `127.0.0.1:/${path} ${directory}/${index} nfs hard,nofail,port=1`,
      );
      const running = startPublishing(ordinary, directory, { NFS_LISTEN: `:${port}`, NFS_MOUNTS: mounts.join("\n") });
      await eventually("it listens", () => running.stderr().includes("answering over HTTP"));
      const pid = await running.initPid();
      const before = residentBytes(pid);
      for (let count = 0; count < 8; count++) {
        const socket = connect({ host: "127.0.0.1", port }, () => socket.write("GET /events HTTP/1.1\r\n\r\n"));
        socket.on("error", () => {}).pause();
        onTestFinished(() => void socket.destroy());
      }
      const watch = () => statusOf(`http://127.0.0.1:${port}/events`);
      await eventually("all places are taken", async () => (await watch()) === 503);
      await eventually("a place", async () => (await watch()) === 200, { timeoutMs: 60_000, intervalMs: 250 });
      expect(residentBytes(pid) - before).toBeLessThan(8 * 2 ** 20);
    },
  );
});

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
    });
  });
}

async function statusOf(url: string): Promise<number> {
  const stop = new AbortController();
  const { status } = await fetch(url, { signal: stop.signal });
  stop.abort();
  return status;
}

function residentBytes(pid: number): number {
  return 1_024 * Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]);
}
