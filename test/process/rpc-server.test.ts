// RPC programs served on real sockets of this machine, on loopback addresses only.
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join as joinPath } from "node:path";
import { afterAll, afterEach, describe, expect, test } from "vitest";
import { eventually } from "../support/eventually.ts";
import { temporaryDirectory } from "../support/process.ts";
import { buildRooms, startRooms } from "../support/rooms/rooms.ts";
import { accepted, fragment, join, words } from "../unit/fakes/server.ts";

const { ask, pid, end } = startRooms(await buildRooms("rpc-server"));
afterAll(() => end());

const host = "127.0.0.1";
const ends: (() => void)[] = [];
afterEach(async () => {
  for (const close of ends.splice(0)) close();
  await ask("closeRpc");
});

const call = (xid: number, procedure: number, ...args: readonly number[]) =>
  words(xid, 0, 2, 300_000, 1, procedure, 0, 0, 0, 0, ...args);
const record = (xid: number, procedure: number, ...args: readonly number[]) => fragment(call(xid, procedure, ...args));

/** A connection to us that collects what comes. */
async function open(to: { readonly port: number; readonly host?: string; readonly localAddress?: string } | string) {
  const socket = typeof to === "string" ? connect(to) : connect({ host, ...to });
  ends.push(() => socket.destroy());
  const chunks: Uint8Array[] = [];
  let isEnded = false;
  socket.on("data", (chunk: Uint8Array) => chunks.push(chunk));
  socket.on("error", () => {});
  socket.on("close", () => (isEnded = true));
  await once(socket, "connect");
  const got = () => [...join(...chunks)];
  return {
    send: (bytes: Uint8Array) => socket.write(bytes),
    receives: (...parts: readonly Uint8Array[]) =>
      eventually("the reply", () => got().length >= join(...parts).byteLength).then(() =>
        expect(got()).toEqual([...join(...parts)]),
      ),
    hasEnded: () => isEnded,
    ends: () => eventually("the connection ends", () => isEnded),
    pause: () => socket.pause(),
  };
}

async function openDatagrams(port: number, address = host) {
  const socket = createSocket("udp4");
  ends.push(() => socket.close());
  socket.bind(0, host);
  await once(socket, "listening");
  socket.connect(port, address);
  await once(socket, "connect");
  return {
    send: (bytes: Uint8Array) => socket.send(bytes),
    next: async () => {
      const [message] = (await once(socket, "message")) as [Uint8Array];
      return [...message];
    },
  };
}

const tcp = { transport: "tcp", address: host, port: 0 } as const;
const few = { connections: 3, ofAddress: 2, idleMs: 60_000 };

describe("a connection", () => {
  test("is answered call after call, and tells the program both ends", async () => {
    const port = await ask("serveRpc", { ...tcp, address: "0.0.0.0" });
    const connection = await open({ port, host: "127.0.0.5" });
    connection.send(join(record(1, 1, 5), record(2, 1, 6)));
    const echoes = [fragment(join(accepted(1, 0), words(5))), fragment(join(accepted(2, 0), words(6)))];
    await connection.receives(...echoes);
    connection.send(record(3, 2));
    const told = new TextEncoder().encode("tcp 127.0.0.1 127.0.0.5");
    await connection.receives(...echoes, fragment(join(accepted(3, 0), told)));
  });

  test("ends with what is no record or no call, and the next one is served", async () => {
    const port = await ask("serveRpc", tcp);
    for (const garbage of [new TextEncoder().encode("GET / HTTP/1.1\r\n\r\n"), fragment(accepted(1, 0))]) {
      const connection = await open({ port });
      connection.send(garbage);
      await connection.ends();
    }
    const good = await open({ port });
    good.send(record(1, 1));
    await good.receives(fragment(accepted(1, 0)));
  });

  test("ends when nothing was answered on it for a while, though bytes trickle in", async () => {
    const port = await ask("serveRpc", tcp, { ...few, idleMs: 300 });
    const [silent, slow] = [await open({ port }), await open({ port })];
    slow.send(record(1, 3));
    const trickle = setInterval(() => slow.send(Uint8Array.of(0)), 20);
    await Promise.all([silent.ends(), slow.ends()]);
    clearInterval(trickle);
  });

  test("that was answered the longest ago makes room for a new one", async () => {
    const port = await ask("serveRpc", tcp, few);
    const [first, second, third] = [await open({ port }), await open({ port }), await open({ port })];
    // All three are in, and the first has asked last.
    for (const [xid, one] of [third, second, first].entries()) {
      one.send(record(xid, 1));
      await one.receives(fragment(accepted(xid, 0)));
    }
    await open({ port });
    await third.ends();
    expect([first.hasEnded(), second.hasEnded()]).toEqual([false, false]);
  });

  test("is not read while its owner does not read the replies: nothing piles up", async () => {
    const port = await ask("serveRpc", tcp);
    const resident = () => Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]);
    const connection = await open({ port });
    connection.send(record(0, 1));
    await connection.receives(fragment(accepted(0, 0)));
    connection.pause();
    const before = resident();
    // 64 MB of replies are asked for; what the kernel's buffers do not hold is not made.
    for (let xid = 1; xid <= 256; xid++) connection.send(record(xid, 4, 256 * 1024));
    const other = await open({ port });
    other.send(record(7, 1));
    await other.receives(fragment(accepted(7, 0)));
    expect(resident() - before).toBeLessThan(8 * 1024);
  });
});

describe("a datagram", () => {
  test("is answered from the address that was asked", async () => {
    const port = await ask("serveRpc", { transport: "udp", address: "0.0.0.0", port: 0 });
    const datagrams = await openDatagrams(port, "127.0.0.9");
    datagrams.send(call(1, 2));
    expect(await datagrams.next()).toEqual([
      ...join(accepted(1, 0), new TextEncoder().encode("udp 127.0.0.1 127.0.0.9")),
    ]);
  });

  test("that is no call, or longer than any, is dropped, and the next is answered", async () => {
    const port = await ask("serveRpc", { transport: "udp", address: host, port: 0 });
    const datagrams = await openDatagrams(port);
    datagrams.send(new Uint8Array(3));
    datagrams.send(accepted(1, 0));
    datagrams.send(join(call(2, 1), new Uint8Array(5_000)));
    datagrams.send(call(3, 1));
    expect(await datagrams.next()).toEqual([...accepted(3, 0)]);
  });
});

test("a Unix socket is root's alone, replaces one that was left there, and is removed at the end", async () => {
  const path = joinPath(temporaryDirectory(), "rpc.sock");
  const at = { transport: "local", path } as const;
  await ask("serveRpc", at);
  await ask("serveRpc", at);
  expect(statSync(path).mode & 0o777).toBe(0o600);
  const connection = await open(path);
  connection.send(record(1, 2));
  await connection.receives(fragment(join(accepted(1, 0), new TextEncoder().encode("local  "))));
  await ask("closeRpc");
  expect(existsSync(path)).toBe(false);
  await connection.ends();
  writeFileSync(path, "no socket");
  await expect(ask("serveRpc", at)).rejects.toThrow("EADDRINUSE");
  expect(readFileSync(path, "utf8")).toBe("no socket");
});

test("a port that is taken says so", async () => {
  const port = await ask("serveRpc", tcp);
  await expect(ask("serveRpc", { ...tcp, port })).rejects.toThrow("EADDRINUSE");
});
