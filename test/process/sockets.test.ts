// The Dial port of the executable on real sockets of this machine, 127.0.0.1 only.
import { once } from "node:events";
import { createServer, type AddressInfo, type Socket } from "node:net";
import { afterAll, afterEach, describe, expect, test } from "vitest";
import type { Connection, DialOptions } from "../../src/rpc/transport.ts";
import { buildRooms, startRooms } from "../support/rooms/rooms.ts";

const { dial, end: endRooms } = startRooms(await buildRooms("sockets"));
afterAll(() => endRooms());

const host = "127.0.0.1";
const ends: (() => void)[] = [];
afterEach(() => {
  for (const end of ends.splice(0)) end();
});

/** A TCP server, its port, and the first connection that it gets. */
async function tcpServer(onSocket: (socket: Socket) => void = () => {}) {
  const accepted = Promise.withResolvers<Socket>();
  const server = createServer((socket) => {
    socket.on("error", () => {});
    onSocket(socket);
    accepted.resolve(socket);
  });
  server.listen(0, host);
  await once(server, "listening");
  ends.push(() => server.close());
  return { port: (server.address() as AddressInfo).port, accepted: accepted.promise };
}

async function open(port: number, options: DialOptions = {}, signal = new AbortController().signal) {
  const connection = await dial(host, port, signal, options);
  ends.push(() => connection.close());
  return connection;
}

async function text(connection: Connection): Promise<string> {
  return new TextDecoder().decode(await connection.receive());
}

/** Whether this process may have a port below 1024. */
async function mayBindLow(): Promise<boolean> {
  const server = createServer();
  server.listen(0x3ff, host);
  try {
    await once(server, "listening");
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EADDRINUSE";
  } finally {
    server.close();
  }
}
const privileged = await mayBindLow();

describe("a TCP connection", () => {
  test("carries bytes both ways, and ends with the server", async () => {
    const { port } = await tcpServer((socket) => socket.on("data", (bytes) => socket.end(bytes)));
    const connection = await open(port);
    expect(connection.reservedPort).toBe(false);
    connection.send(new TextEncoder().encode("hello"));
    expect(await text(connection)).toBe("hello");
    expect(await connection.receive()).toBeUndefined();
    expect(await connection.receive()).toBeUndefined();
  });

  test("is refused in the system's word and a plain text", async () => {
    const { port } = await tcpServer();
    ends.pop()?.();
    await expect(open(port)).rejects.toMatchObject({ message: "connection refused", code: "ECONNREFUSED" });
  });

  test("that the server resets is an error", async () => {
    const { port } = await tcpServer((socket) => socket.resetAndDestroy());
    const outcome = open(port).then((connection) => connection.receive());
    await expect(outcome).rejects.toThrow("connection reset by the server");
  });

  test("ends with its signal, opened or not", async () => {
    const { port, accepted } = await tcpServer();
    const abort = new AbortController();
    const connection = await open(port, {}, abort.signal);
    const ended = once(await accepted, "close");
    abort.abort();
    await expect(connection.receive()).rejects.toThrow("no answer in time");
    await ended;
    await expect(open(port, {}, abort.signal)).rejects.toThrow("no answer in time");
  });

  test("makes a server wait that sends faster than it is read", async () => {
    const block = new Uint8Array(1024 * 1024);
    const blocks = 64;
    const { port, accepted } = await tcpServer((socket) => {
      for (let count = 0; count < blocks; count++) socket.write(block);
      socket.end();
    });
    const connection = await open(port);
    const server = await accepted;
    // What is on its way fills the system's buffers; the rest stays with the server.
    const before = await stillUnsent(server);
    expect(before).toBeGreaterThan(32 * block.byteLength);
    expect(await connection.receiveToEnd()).toBe(blocks * block.byteLength);
  });
});

/** What a server has not got rid of, once that stays the same. */
async function stillUnsent(server: Socket): Promise<number> {
  for (let before = -1; ;) {
    if (server.writableLength === before) return before;
    before = server.writableLength;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

describe("a reserved port", () => {
  test("is below 1024 where this process may have one, and told", async () => {
    const { port, accepted } = await tcpServer();
    const connection = await open(port, { reserved: true });
    const { remotePort = 0 } = await accepted;
    expect(connection.reservedPort).toBe(privileged);
    expect(remotePort >= 665 && remotePort <= 1_023).toBe(privileged);
  });

  test("is another one for each connection that is open", async () => {
    const ports = new Set<number | undefined>();
    const { port } = await tcpServer((socket) => ports.add(socket.remotePort));
    for (let count = 0; count < 40; count++) await open(port, { reserved: true });
    await expect.poll(() => ports.size).toBe(40);
  });

  test("is free again at once when it is closed, hundreds of times", async () => {
    let resets = 0;
    const { port } = await tcpServer((socket) => socket.on("error", () => (resets += 1)));
    for (let count = 0; count < 400; count++) {
      const connection = await dial(host, port, new AbortController().signal, { reserved: true });
      expect(connection.reservedPort).toBe(privileged);
      connection.close();
    }
    // An unprivileged process has no such ports to lose.
    await expect.poll(() => resets).toBe(privileged ? 400 : 0);
  });

  test("does not hide that a server refuses", async () => {
    const { port } = await tcpServer();
    ends.pop()?.();
    await expect(open(port, { reserved: true })).rejects.toMatchObject({ code: "ECONNREFUSED" });
  });
});
