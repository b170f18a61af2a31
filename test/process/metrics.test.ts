// NFS_LISTEN: probes and metrics over HTTP, which never hold up COMMAND or the way out.
import { existsSync, lstatSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { connect, createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import parsePrometheusTextFormat from "parse-prometheus-text-format";
import { describe, expect, it, onTestFinished } from "vitest";
import { eventually } from "../support/eventually.ts";
import { logLines } from "../support/process-log.ts";
import { describePlaces, needRoot, ordinary, start, temporaryDirectory, type Running } from "../support/process.ts";
import { bootTimeMs, published, startPublishing } from "../support/published.ts";

type Where = { readonly socketPath: string } | { readonly host: string; readonly port: number };

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

function ask(
  where: Where,
  path: string,
  method = "GET",
  headers: Readonly<Record<string, string>> = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asked = request({ ...where, path, method, headers, agent: false }, (response) => {
      let body = "";
      response.setEncoding("utf8").on("data", (chunk: string) => {
        body += chunk;
      });
      response.on("end", () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }));
      response.on("error", reject);
    });
    asked.on("error", reject);
    asked.end();
  });
}

/** A TCP port that is free now. */
async function freePort(): Promise<number> {
  const server = await listening(createServer(), { host: "127.0.0.1", port: 0 });
  const address = server.address();
  await closed(server);
  return typeof address === "object" && address !== null ? address.port : 0;
}

function listening(
  server: Server,
  where: { readonly path: string } | { readonly host: string; readonly port: number },
) {
  onTestFinished(() => void server.close());
  return new Promise<Server>((resolve, reject) => {
    server.once("error", reject);
    server.listen(where, () => resolve(server));
  });
}

function closed(server: Server): Promise<void> {
  return new Promise((resolve) => void server.close(() => resolve()));
}

async function listens(running: Running): Promise<void> {
  await eventually("it listens", () => running.stderr().includes("answering over HTTP"));
}

describePlaces((place) => {
  // As PID 1 it has the network namespace of the tests.
  it("answers on a port of 127.0.0.1", async () => {
    const port = await freePort();
    const running = startPublishing(place, temporaryDirectory(), { NFS_LISTEN: `:${port}` });
    await listens(running);
    const where = { host: "127.0.0.1", port };
    expect(await ask(where, "/healthz")).toMatchObject({
      status: 200,
      body: "ok: 1 share waiting\n",
      headers: { connection: "close", "content-length": "20" },
    });
    expect(await ask(where, "/readyz")).toMatchObject({
      status: 503,
      body: expect.stringMatching(/^not ready: /) as string,
    });
    expect(await ask(where, "/nothing")).toMatchObject({ status: 404 });
    expect(await ask(where, "/healthz", "HEAD")).toMatchObject({ status: 200, body: "" });
    expect(await ask(where, "/healthz", "POST")).toMatchObject({ status: 405, headers: { allow: "GET, HEAD" } });
    const mounts = await ask(where, "/mounts");
    expect(mounts.headers["content-type"]).toBe("application/json; charset=utf-8");
    expect(JSON.parse(mounts.body)).toMatchObject({ schemaVersion: 1, shares: [{ state: "waiting" }] });
    const { headers, body } = await ask(where, "/metrics");
    expect(headers["content-type"]).toBe("text/plain; version=0.0.4; charset=utf-8");
    expect(parsePrometheusTextFormat(body).map(({ name }) => name)).toContain("nfs_init_share_up");
    running.stdin.end();
    expect((await running.ended).exitCode).toBe(0);
    await expect(ask(where, "/healthz")).rejects.toThrow("ECONNREFUSED");
  });

  it("answers on a socket, which is gone in the end", async () => {
    const socketPath = join(temporaryDirectory(), "http.sock");
    const running = startPublishing(place, temporaryDirectory(), { NFS_LISTEN: socketPath });
    await listens(running);
    expect(await ask({ socketPath }, "/healthz")).toMatchObject({ status: 200 });
    running.stdin.end();
    await running.ended;
    expect(existsSync(socketPath)).toBe(false);
  });

  it("takes over the socket that a killed instance left", async () => {
    const socketPath = join(temporaryDirectory(), "http.sock");
    const first = startPublishing(place, temporaryDirectory(), { NFS_LISTEN: socketPath });
    await listens(first);
    await first.send("SIGKILL");
    await first.ended;
    expect(lstatSync(socketPath).isSocket()).toBe(true);
    const second = startPublishing(place, temporaryDirectory(), { NFS_LISTEN: socketPath });
    await listens(second);
    expect(await ask({ socketPath }, "/healthz")).toMatchObject({ status: 200 });
    expect(second.stderr()).not.toContain("cannot listen");
  });

  it("ends at once with connections open", async () => {
    const port = await freePort();
    const running = startPublishing(place, temporaryDirectory(), { NFS_LISTEN: `:${port}` });
    await listens(running);
    const sockets = [1, 2, 3].map(() => connect({ host: "127.0.0.1", port }));
    for (const socket of sockets) {
      socket.on("error", () => {});
      socket.write("GET /metrics HTTP/1.1\r\n");
    }
    await eventually("the connections", () => sockets.every(({ pending }) => !pending));
    const startedMs = performance.now();
    running.stdin.end();
    expect((await running.ended).exitCode).toBe(0);
    expect(performance.now() - startedMs).toBeLessThan(3_000);
  });
}, "mounting");

describe("NFS_LISTEN", () => {
  needRoot("mounting");

  it("answers where nothing is mounted too", async () => {
    const port = await freePort();
    const running = start({ args: ["--", "cat"], env: { NFS_LISTEN: `:${port}` } });
    await listens(running);
    expect(await ask({ host: "127.0.0.1", port }, "/readyz")).toMatchObject({ status: 200, body: "ok: 0 shares\n" });
    running.stdin.end();
    expect((await running.ended).exitCode).toBe(0);
  });

  it("says once that the port is taken, and answers as soon as it is free", async () => {
    const taken = await listening(createServer(), { host: "127.0.0.1", port: 0 });
    const address = taken.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    const running = startPublishing(ordinary, temporaryDirectory(), { NFS_LISTEN: `127.0.0.1:${port}` });
    await running.says("started");
    const warned = () => logLines(running.stderr()).filter(({ msg }) => msg.startsWith("cannot listen"));
    await eventually("the warning", () => warned().length > 0);
    expect(warned()).toMatchObject([{ level: "warn", reason: expect.stringMatching(/EADDRINUSE|in use/) as string }]);
    // It is tried several times, first after a quarter of a second.
    const sinceMs = bootTimeMs();
    await eventually("some time", () => bootTimeMs() > sinceMs + 1_000);
    await closed(taken);
    await listens(running);
    expect(warned()).toHaveLength(1);
    expect(await ask({ host: "127.0.0.1", port }, "/healthz")).toMatchObject({ status: 200 });
  });

  it.each([
    {
      title: "a socket that somebody listens on",
      make: async (path: string) => void (await listening(createServer(), { path })),
    },
    { title: "a file", make: async (path: string) => writeFileSync(path, "kept") },
  ])("does not take $title", async ({ make }) => {
    const path = join(temporaryDirectory(), "http.sock");
    await make(path);
    const { ino } = lstatSync(path);
    const running = startPublishing(ordinary, temporaryDirectory(), { NFS_LISTEN: path });
    await eventually("the warning", () => running.stderr().includes("cannot listen"));
    running.stdin.end();
    expect((await running.ended).exitCode).toBe(0);
    expect(lstatSync(path).ino).toBe(ino);
  });

  it("does not make a socket on a share", async () => {
    const directory = temporaryDirectory();
    const running = startPublishing(ordinary, directory, { NFS_LISTEN: join(directory, "share", "http.sock") });
    await eventually("the warning", () => running.stderr().includes("would lie on a share"));
    running.stdin.end();
    expect((await running.ended).exitCode).toBe(0);
  });

  it.each(["9090", ":0", "localhost:http", "run/http.sock"])("refuses %s as wrong configuration", async (address) => {
    const running = start({ args: ["--", "true"], env: { NFS_LISTEN: address } });
    const { exitCode, stderr } = await running.ended;
    expect(exitCode).toBe(78);
    expect(logLines(stderr)).toMatchObject([{ reason: expect.stringContaining(`NFS_LISTEN="${address}"`) as string }]);
  });

  it("answers a probe while another client holds a hundred connections and asks nothing", async () => {
    const port = await freePort();
    const where = { host: "127.0.0.1", port };
    const running = startPublishing(ordinary, temporaryDirectory(), { NFS_LISTEN: `:${port}` });
    await listens(running);
    const sockets = Array.from({ length: 100 }, () => connect(where));
    for (const socket of sockets) socket.on("error", () => {}).resume();
    onTestFinished(() => {
      for (const socket of sockets) socket.destroy();
    });
    await eventually("the connections", () => sockets.every(({ connecting }) => !connecting));
    // It takes connections in turns: a moment after its first answer it has all of them.
    for (let asked = 0; asked < 3; asked++) {
      expect(await ask(where, "/healthz")).toMatchObject({ status: 200 });
      await sleep(500);
    }
    running.stdin.end();
    expect((await running.ended).exitCode).toBe(0);
  });

  it("answers a probe at once while another client opens connection after connection and drips into each", async () => {
    const port = await freePort();
    const where = { host: "127.0.0.1", port };
    const running = startPublishing(ordinary, temporaryDirectory(), { NFS_LISTEN: `:${port}` });
    await listens(running);
    const sockets = new Set<Socket>();
    const open = () => {
      const socket = connect(where, () => socket.write("GET /healthz HTTP/1.1\r\n"));
      sockets.add(socket.on("error", () => {}).resume());
      socket.on("close", () => sockets.delete(socket));
    };
    for (let count = 0; count < 300; count++) open();
    const dripping = setInterval(() => {
      for (const socket of sockets) socket.write("x: y\r\n");
      while (sockets.size < 300) open();
    }, 100);
    onTestFinished(() => {
      clearInterval(dripping);
      for (const socket of sockets) socket.destroy();
    });
    await eventually("the connections", () => [...sockets].every(({ connecting }) => !connecting));
    // For longer than a request may take: some have been cut off by then, and others have come.
    for (let asked = 0; asked < 30; asked++) {
      const startedMs = performance.now();
      expect(await ask(where, "/healthz")).toMatchObject({ status: 200 });
      expect(performance.now() - startedMs).toBeLessThan(1_000);
      await sleep(250);
    }
    running.stdin.end();
    expect((await running.ended).exitCode).toBe(0);
  });

  it("answers a request in absolute form, as proxies write it", async () => {
    const port = await freePort();
    const where = { host: "127.0.0.1", port };
    const running = startPublishing(ordinary, temporaryDirectory(), { NFS_LISTEN: `:${port}` });
    await listens(running);
    const ready = { status: 200, body: "ok: 1 share waiting\n" };
    expect(await ask(where, `http://127.0.0.1:${port}/healthz`)).toMatchObject(ready);
    expect(await ask(where, `http://127.0.0.1:${port}`)).toMatchObject({ status: 200 });
    running.stdin.end();
    expect((await running.ended).exitCode).toBe(0);
  });

  it("keeps descriptors for itself where it may have few and a client holds hundreds of connections", async () => {
    const port = await freePort();
    const where = { host: "127.0.0.1", port };
    const directory = temporaryDirectory();
    const running = startPublishing(ordinary, directory, { NFS_LISTEN: `:${port}` }, "ulimit -n 128");
    await listens(running);
    const sockets = Array.from({ length: 250 }, () => connect(where));
    for (const socket of sockets) socket.on("error", () => {}).resume();
    onTestFinished(() => {
      for (const socket of sockets) socket.destroy();
    });
    await eventually("the connections", () => sockets.every(({ connecting }) => !connecting));
    // It takes connections in turns, and publishes several times meanwhile.
    await sleep(2_000);
    const nowMs = bootTimeMs();
    await published(directory, ({ updatedMs }) => updatedMs > nowMs);
    running.stdin.end();
    const { exitCode, stderr } = await running.ended;
    expect(exitCode).toBe(0);
    expect(stderr).not.toContain("EMFILE");
  });

  it("answers a probe where no descriptor is left and a client holds all connections", async () => {
    const port = await freePort();
    const where = { host: "127.0.0.1", port };
    const running = startPublishing(ordinary, temporaryDirectory(), { NFS_LISTEN: `:${port}` }, "ulimit -n 12");
    await listens(running);
    const sockets = Array.from({ length: 15 }, () => connect(where));
    for (const socket of sockets) socket.on("error", () => {}).resume();
    onTestFinished(() => {
      for (const socket of sockets) socket.destroy();
    });
    await eventually("the connections", () => sockets.every(({ connecting }) => !connecting));
    const startMs = bootTimeMs();
    expect(await ask(where, "/healthz")).toMatchObject({ status: 200 });
    // Each of them may stay for 5 s.
    expect(bootTimeMs() - startMs).toBeLessThan(5_000);
  });

  it("cuts off who sends too much, too slowly, or nonsense, and goes on", async () => {
    const port = await freePort();
    const where = { host: "127.0.0.1", port };
    const running = startPublishing(ordinary, temporaryDirectory(), { NFS_LISTEN: `:${port}` });
    await listens(running);
    /** Says something, and then perhaps a little more again and again; gives what was answered until the end. */
    const say = (text: string, more = "") =>
      new Promise<string>((resolve) => {
        let answer = "";
        const socket = connect(where, () => socket.write(text));
        const dripping = setInterval(() => socket.write(more), 300);
        socket.setEncoding("utf8").on("data", (chunk: string) => {
          answer += chunk;
        });
        socket.on("error", () => {});
        socket.on("close", () => {
          clearInterval(dripping);
          resolve(answer);
        });
      });
    const [long, slow, dripping, silent, odd] = await Promise.all([
      say(`GET / HTTP/1.1\r\nx: ${"y".repeat(10_000)}\r\n\r\n`),
      say("GET /healthz HTTP/1.1\r\nhost: x\r\n"),
      say("GET /healthz HTTP/1.1\r\n", "x: y\r\n"),
      say(""),
      say("\0\0\0\r\n\r\n"),
    ]);
    expect(long).toMatch(/^(?:HTTP\/1\.1 431 |$)/);
    expect(slow).toMatch(/^(?:HTTP\/1\.1 408 |$)/);
    expect(dripping).toMatch(/^(?:HTTP\/1\.1 408 |$)/);
    expect(silent).toMatch(/^(?:HTTP\/1\.1 408 |$)/);
    expect(odd).toMatch(/^(?:HTTP\/1\.1 400 |$)/);
    expect(await ask(where, "/healthz")).toMatchObject({ status: 200 });
    running.stdin.end();
    expect((await running.ended).exitCode).toBe(0);
  });
});
