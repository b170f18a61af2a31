import { describe, expect, test } from "vitest";
import { programs } from "../../../src/rpc/message.ts";
import { askPort, callNull } from "../../../src/ask/service.ts";
import {
  accepted,
  fakeNetwork,
  fragment,
  join,
  rpcbind,
  serves,
  words,
  type Chunk,
  type SeenCall,
  type Service,
} from "../fakes/server.ts";

const outOfTime = { kind: "no-answer", reason: "no answer in time", errno: "ETIMEDOUT" };

const nfs = { address: "192.0.2.1", port: 2_049, program: programs.nfs, version: 4 };

/** Asks NULL of a server that answers with `chunks`. */
async function ask(chunks: (call: SeenCall) => readonly Chunk[], signal = new AbortController().signal) {
  const network = fakeNetwork({ "192.0.2.1:2049": chunks });
  const answer = await callNull(network.dial, nfs, signal);
  return { answer, network };
}

describe("NULL", () => {
  test("is answered by a server that speaks the version", async () => {
    const { answer, network } = await ask(serves(programs.nfs, [3, 4]));
    expect(answer.kind).toBe("success");
    expect(network.actions).toEqual(["192.0.2.1:2049 100003/4/0"]);
    expect(network.open()).toBe(0);
  });

  test("tells which versions a server speaks instead", async () => {
    const { answer } = await ask(serves(programs.nfs, [2, 3]));
    expect(answer).toEqual({ kind: "version-mismatch", lowest: 2, highest: 3 });
  });

  test("tells that another program answers", async () => {
    expect((await ask(serves(programs.mountd, [3]))).answer).toEqual({ kind: "program-unavailable" });
  });

  test("tells that a server refuses", async () => {
    const { answer } = await ask(({ xid }) => [fragment(words(xid, 1, 1, 1, 5))]);
    expect(answer).toEqual({
      kind: "refused",
      cause: "authentication",
      stat: "AUTH_TOOWEAK",
      reason: "authentication refused (AUTH_TOOWEAK)",
    });
  });

  test.each<[string, Service]>([
    ["in single bytes", ({ xid }) => [...fragment(accepted(xid, 0))].map((byte) => Uint8Array.of(byte))],
    [
      "in fragments",
      ({ xid }) => {
        const reply = accepted(xid, 0);
        return [
          fragment(reply.subarray(0, 5), false),
          fragment(reply.subarray(5, 6), false),
          fragment(reply.subarray(6)),
        ];
      },
    ],
    ["behind another's reply", ({ xid }) => [fragment(accepted(xid ^ 1, 1)), fragment(accepted(xid, 0))]],
    [
      "behind another's reply in one chunk",
      ({ xid }) => [join(fragment(accepted(xid ^ 1, 1)), fragment(accepted(xid, 0)))],
    ],
    ["with a result that nobody asked for", ({ xid }) => [fragment(accepted(xid, 0, 1, 2, 3))]],
    ["and more behind it", ({ xid }) => [join(fragment(accepted(xid, 0)), Uint8Array.of(1, 2, 3))]],
    ["and the end", ({ xid }) => [fragment(accepted(xid, 0)), "end"]],
  ])("is answered %s", async (_, service) => {
    const { answer, network } = await ask(service);
    expect(answer.kind).toBe("success");
    expect(network.open()).toBe(0);
  });

  test.each<[string, Service, string]>([
    ["nothing before the end", () => ["end"], "closed the connection"],
    [
      "half a reply before the end",
      ({ xid }) => [fragment(accepted(xid, 0)).subarray(0, 20), "end"],
      "closed the connection",
    ],
    ["another's reply before the end", ({ xid }) => [fragment(accepted(xid ^ 1, 0)), "end"], "closed the connection"],
    ["a connection that breaks", () => ["break"], "connection reset"],
  ])("is not answered by %s", async (_, service, reason) => {
    const { answer, network } = await ask(service);
    expect(answer).toEqual({ kind: "no-answer", reason: expect.stringContaining(reason) as string });
    expect(network.open()).toBe(0);
  });

  test.each<[string, Service, string]>([
    ["too long a record", () => [words(0xffff_ffff)], "announces a record"],
    ["a reply that is cut off", ({ xid }) => [fragment(words(xid, 1, 0))], "ends after"],
    ["a call", () => [fragment(words(1, 0, 2, 100_003, 4, 0, 0, 0, 0, 0))], "not a reply"],
    ["an empty record", () => [fragment(new Uint8Array(0))], "ends after"],
    ["an empty fragment", () => [words(0)], "announces a record"],
    ["another protocol", () => [new TextEncoder().encode("HTTP/1.1 400 Bad Request\r\n\r\n")], "announces a record"],
  ])("takes %s for no answer to it", async (_, service, reason) => {
    const { answer, network } = await ask(service);
    expect(answer).toEqual({ kind: "malformed", reason: expect.stringContaining(reason) as string });
    expect(network.open()).toBe(0);
  });

  test("is not waited for beyond the time there is", async () => {
    const abort = new AbortController();
    const asking = ask(() => [], abort.signal);
    abort.abort();
    const { answer, network } = await asking;
    expect(answer).toEqual(outOfTime);
    expect(network.open()).toBe(0);
  });

  test("is not answered by a server that sends other replies for ever", async () => {
    const abort = new AbortController();
    let sent = 0;
    const dial = () =>
      Promise.resolve({
        reservedPort: false,
        send: () => {},
        receive: () => {
          sent += 1;
          if (sent === 1_000) abort.abort();
          return abort.signal.aborted
            ? Promise.reject(new Error("aborted"))
            : Promise.resolve(fragment(accepted(0, 0)));
        },
        close: () => {},
      });
    expect(await callNull(dial, nfs, abort.signal)).toEqual(outOfTime);
  });

  test("is not answered where nothing listens", async () => {
    const network = fakeNetwork({});
    const answer = await callNull(network.dial, nfs, new AbortController().signal);
    expect(answer).toEqual({ kind: "no-answer", reason: "connection refused" });
  });

  test("has another transaction id each time", async () => {
    const ids = new Set<number>();
    for (let count = 0; count < 50; count++) {
      await ask(({ xid }) => {
        ids.add(xid);
        return [fragment(accepted(xid, 0))];
      });
    }
    expect(ids.size).toBeGreaterThan(45);
  });
});

describe("rpcbind", () => {
  async function askedFor(service: Service) {
    const network = fakeNetwork({ "192.0.2.1:111": service });
    const answer = await askPort(network.dial, "192.0.2.1", programs.mountd, 3, new AbortController().signal);
    return { answer, network };
  }

  test("names the TCP port of a program", async () => {
    const { answer, network } = await askedFor(rpcbind({ "100005/3/tcp": 20_048, "100005/3/udp": 20_049 }));
    expect(answer).toEqual({ kind: "port", port: 20_048 });
    expect(network.actions).toEqual(["192.0.2.1:111 100000/2/3"]);
  });

  test("tells of a program that is there for UDP only", async () => {
    const { answer } = await askedFor(rpcbind({ "100005/3/udp": 20_048 }));
    expect(answer).toEqual({ kind: "udp-only" });
  });

  test("tells of a program it does not know, or in another version only", async () => {
    expect((await askedFor(rpcbind({ "100005/1/tcp": 20_048 }))).answer).toEqual({ kind: "not-registered" });
  });

  test.each<[string, Service, string]>([
    ["an answer without a port", ({ xid }) => [fragment(accepted(xid, 0))], "ends after"],
    ["a port that is none", ({ xid }) => [fragment(accepted(xid, 0, 70_000))], "70000"],
  ])("is not understood with %s", async (_, service, reason) => {
    const { answer, network } = await askedFor(service);
    expect(answer).toEqual({ kind: "malformed", reason: expect.stringContaining(reason) as string });
    expect(network.open()).toBe(0);
  });

  test("that hangs up gives no answer", async () => {
    expect((await askedFor(() => ["end"])).answer).toEqual({
      kind: "no-answer",
      reason: "the server closed the connection",
    });
  });

  test("is asked for both ports over one connection", async () => {
    const { network } = await askedFor(rpcbind({}));
    expect(network.actions).toHaveLength(2);
    expect(network.dialed).toEqual(["192.0.2.1:111"]);
  });

  test("says that it is none", async () => {
    expect((await askedFor(serves(programs.nfs, [4]))).answer).toEqual({ kind: "program-unavailable" });
  });
});
