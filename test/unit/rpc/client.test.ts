import { describe, expect, test, vi } from "vitest";
import { rpcClient, type RpcClient, type RpcTarget } from "../../../src/rpc/client.ts";
import type { Dial } from "../../../src/rpc/transport.ts";
import { accepted, answers, fakeNetwork, fragment, join, words, type Service } from "../fakes/server.ts";

const target: RpcTarget = { address: "192.0.2.1", port: 20_048 };
const never = new AbortController().signal;
const outOfTime = { kind: "no-answer", reason: "no answer in time", errno: "ETIMEDOUT" };

/** Asks for one word. */
function ask(client: RpcClient, signal = never) {
  return client.ask(
    {
      program: 100_005,
      version: 3,
      procedure: 1,
      decode: (reader) => ({ kind: "word" as const, word: reader.uint32() }),
    },
    signal,
  );
}

function clientOf(service: Service | "silent", more: Partial<RpcTarget> = {}, privileged = true) {
  const network = fakeNetwork({ "192.0.2.1:20048": service }, {}, { privileged });
  return { client: rpcClient(network.dial, { ...target, ...more }), network };
}

describe("questions to one server", () => {
  test("go over one connection, one after another", async () => {
    let count = 0;
    const { client, network } = clientOf((call) => answers(call, words(++count)));
    expect(await Promise.all([ask(client), ask(client), ask(client)])).toEqual([
      { kind: "word", word: 1 },
      { kind: "word", word: 2 },
      { kind: "word", word: 3 },
    ]);
    expect(network.dialed).toHaveLength(1);
    expect(network.open()).toBe(1);
    client.close();
    client.close();
    expect(network.open()).toBe(0);
  });

  test("open no connection before the first", () => {
    const { network } = clientOf("silent");
    expect(network.dialed).toEqual([]);
  });

  test("tell whether they came from a reserved port", async () => {
    const { client } = clientOf((call) => answers(call, words(1)), { reserved: true });
    expect(client.reservedPort()).toBeUndefined();
    await ask(client);
    expect(client.reservedPort()).toBe(true);
    const refused = clientOf((call) => answers(call, words(1)), { reserved: true }, false);
    await ask(refused.client);
    expect(refused.client.reservedPort()).toBe(false);
  });

  test("go on over another connection when one broke", async () => {
    let count = 0;
    const { client, network } = clientOf((call) => (++count === 1 ? ["break"] : answers(call, words(7))));
    expect(await ask(client)).toEqual({ kind: "no-answer", reason: "connection reset by the server" });
    expect(network.open()).toBe(0);
    expect(await ask(client)).toEqual({ kind: "word", word: 7 });
    expect(network.dialed).toHaveLength(2);
  });

  test("go on over the same connection when a result was not understood", async () => {
    let count = 0;
    const { client, network } = clientOf((call) => answers(call, ...(++count === 1 ? [] : [words(7)])));
    expect((await ask(client)).kind).toBe("malformed");
    expect(await ask(client)).toEqual({ kind: "word", word: 7 });
    expect(network.dialed).toHaveLength(1);
  });

  test("go on over another connection when one ran out of time", async () => {
    let count = 0;
    const abort = new AbortController();
    const { client, network } = clientOf((call) => {
      if (++count > 1) return answers(call, words(7));
      queueMicrotask(() => abort.abort());
      return [];
    });
    expect(await ask(client, abort.signal)).toEqual(outOfTime);
    expect(network.open()).toBe(0);
    expect(await ask(client)).toEqual({ kind: "word", word: 7 });
  });

  test("outlive the time of the one that opened the connection", async () => {
    const abort = new AbortController();
    const { client, network } = clientOf((call) => answers(call, words(7)));
    await ask(client, abort.signal);
    abort.abort();
    expect(await ask(client)).toEqual({ kind: "word", word: 7 });
    expect(network.dialed).toHaveLength(1);
  });

  test("do not wait beyond their time for those before them", async () => {
    const abort = new AbortController();
    const { client, network } = clientOf("silent");
    const first = new AbortController();
    const waiting = ask(client, first.signal);
    const second = ask(client, abort.signal);
    abort.abort();
    expect(await second).toEqual(outOfTime);
    first.abort();
    expect(await waiting).toEqual(outOfTime);
    expect(network.actions).toHaveLength(1);
    expect(network.open()).toBe(0);
  });

  test("that come too late are not asked", async () => {
    const { client, network } = clientOf("silent");
    expect(await ask(client, AbortSignal.abort())).toEqual(outOfTime);
    expect(network.dialed).toEqual([]);
  });

  test.each<[string, (client: RpcClient, abort: AbortController) => void, object]>([
    ["their time", (_, abort) => abort.abort(), outOfTime],
    ["their client", (client) => client.close(), { kind: "no-answer", reason: "the connection was given up" }],
  ])("end with %s while a connection is being made, which is closed when it comes", async (_, end, expected) => {
    const abort = new AbortController();
    const dialing = Promise.withResolvers<void>();
    const made = Promise.withResolvers<Awaited<ReturnType<Dial>>>();
    let closed = 0;
    const dial: Dial = () => {
      dialing.resolve();
      return made.promise;
    };
    const client = rpcClient(dial, target);
    const asking = ask(client, abort.signal);
    await dialing.promise;
    end(client, abort);
    made.resolve({ reservedPort: false, send: () => {}, receive: () => new Promise(() => {}), close: () => closed++ });
    expect(await asking).toEqual(expected);
    await vi.waitFor(() => expect(closed).toBe(1));
  });

  test("name the system's error", async () => {
    const error = Object.assign(new Error("connection refused"), { code: "ECONNREFUSED" });
    const client = rpcClient(() => Promise.reject(error), target);
    expect(await ask(client)).toEqual({ kind: "no-answer", reason: "connection refused", errno: "ECONNREFUSED" });
  });

  test("take no reply that is longer than they allow", async () => {
    const { client } = clientOf(() => [words(0x8000_0000 + 64 * 1024 + 1)]);
    expect((await ask(client)).kind).toBe("malformed");
  });

  test("take a reply in thousands of fragments, and one behind thousands of others", async () => {
    const { client } = clientOf((call) => {
      const reply = join(accepted(call.xid, 0), words(7), new Uint8Array(40_000));
      const others = Array.from({ length: 20_000 }, () => fragment(accepted(call.xid ^ 1, 0)));
      const pieces = [...reply].map((byte, index) => fragment(Uint8Array.of(byte), index === reply.byteLength - 1));
      return [join(...others), join(...pieces)];
    });
    expect(await ask(client)).toEqual({ kind: "word", word: 7 });
  });
});
