import { describe, expect, test } from "vitest";
import { rpcClient } from "../../../src/rpc/client.ts";
import { lookupPath } from "../../../src/rpc/nfs4.ts";
import type { MinorVersion } from "../../../src/rpc/nfs4-compound.ts";
import { accepted, answers, fakeNetwork, fragment, hex, join, opaque, words, type SeenCall } from "../fakes/server.ts";

const never = new AbortController().signal;

/** Operations by number (RFC 7530 section 16, RFC 8881 section 18). */
const op = {
  access: 3,
  getattr: 9,
  getfh: 10,
  lookup: 15,
  putfh: 22,
  putrootfh: 24,
  exchangeId: 42,
  createSession: 43,
  destroySession: 44,
  sequence: 53,
  destroyClientId: 57,
};

/** A COMPOUND4res of `results`, each an operation with its status and body. */
function result(status: number, ...results: readonly Uint8Array[]): Uint8Array {
  return join(words(status, 0, results.length), ...results);
}

const ok = (number: number, ...body: readonly Uint8Array[]) => join(words(number, 0), ...body);
const failed = (number: number, status: number) => words(number, status);

/** type, mode, owner and group of a directory of root with mode 0755. */
const values = hex(`
  00 00 00 02  00 00 01 ed  00 00 00 04 72 6f 6f 74  00 00 00 01 30 00 00 00
`);
const attributes = ok(op.getattr, words(2, 0x0000_0002, 0x0000_0032), opaque(values));
const zeros = (count: number) => Array.from({ length: count }, () => 0);
const access = ok(op.access, words(0x0c, 0x04));
const found = {
  kind: "found",
  access: { modify: true, extend: false },
  type: "directory",
  mode: 0o755,
  owner: "root",
  group: "0",
};

/** What a look at the root gives, with these attributes. */
function withAttributes(bitmap: Uint8Array, given: Uint8Array): Uint8Array {
  return result(0, ok(op.putrootfh), ok(op.getattr, bitmap, opaque(given)), access);
}

const session = hex("11 11 11 11  22 22 22 22  33 33 33 33  44 44 44 44");
const clientId = hex("aa aa aa aa  bb bb bb bb");
const sequenced = ok(op.sequence, session, words(1, 0, 0, 0, 0));
const introduced = result(0, ok(op.exchangeId, clientId, words(7, 0x2_0000, 0), opaque(""), opaque(""), words(0)));
const channel = words(0, 16_384, 16_384, 0, 16, 1, 0);
const created = result(0, ok(op.createSession, session, words(7, 0), channel, channel));
const sessionGone = result(0, ok(op.destroySession));
const clientGone = result(0, ok(op.destroyClientId));

/** Asks a server that gives these results, one a call; what it would say then is a fault of the test. */
async function look(minorVersion: MinorVersion, path: string, results: readonly Uint8Array[]) {
  const calls: SeenCall[] = [];
  const network = fakeNetwork({
    "192.0.2.1:2049": (call) => {
      const next = results[calls.length];
      calls.push(call);
      return next === undefined ? [fragment(accepted(call.xid, 5))] : answers(call, next);
    },
  });
  const client = rpcClient(network.dial, { address: "192.0.2.1", port: 2_049, reserved: true });
  const answer = await lookupPath(client, { path, minorVersion }, never);
  client.close();
  expect(network.open()).toBe(0);
  expect(network.dialed).toEqual(["192.0.2.1:2049 reserved"]);
  return { answer, calls };
}

/** The COMPOUND behind the header of a call without credentials. */
const compoundOf = (call: SeenCall | undefined) => call?.message.subarray(40);
/** The first operation of a COMPOUND without a tag. */
const firstOperation = (call: SeenCall) => call.args[3];

describe("a path of version 4.0", () => {
  test("is looked up in one call", async () => {
    const lookup = ok(op.lookup);
    const { answer, calls } = await look(0, "/srv/exp/", [
      result(0, ok(op.putrootfh), lookup, lookup, attributes, access),
    ]);
    expect(answer).toEqual(found);
    expect(calls).toHaveLength(1);
    expect(calls[0]).toMatchObject({ program: 100_003, version: 4, procedure: 1 });
    expect(compoundOf(calls[0])).toEqual(
      hex(`
        00 00 00 00  00 00 00 00  00 00 00 05
        00 00 00 18
        00 00 00 0f  00 00 00 03  73 72 76 00
        00 00 00 0f  00 00 00 03  65 78 70 00
        00 00 00 09  00 00 00 02  00 00 00 02  00 00 00 32
        00 00 00 03  00 00 00 0c
      `),
    );
  });

  test("may be the root", async () => {
    const { answer, calls } = await look(0, "/", [result(0, ok(op.putrootfh), attributes, access)]);
    expect(answer).toEqual(found);
    expect(calls[0]?.args.slice(2, 4)).toEqual([3, op.putrootfh]);
  });

  test("of many names takes several calls, from handle to handle", async () => {
    const lookups = (count: number) => Array.from({ length: count }, () => ok(op.lookup));
    const handle = Uint8Array.of(1, 2, 3);
    const { answer, calls } = await look(0, "/a/b/c/d/e/f/g/h/i", [
      result(0, ok(op.putrootfh), ...lookups(8), ok(op.getfh, opaque(handle))),
      result(0, ok(op.putfh), ...lookups(1), attributes, access),
    ]);
    expect(answer).toEqual(found);
    expect(compoundOf(calls[1])).toEqual(
      hex(`
        00 00 00 00  00 00 00 00  00 00 00 04
        00 00 00 16  00 00 00 03  01 02 03 00
        00 00 00 0f  00 00 00 01  69 00 00 00
        00 00 00 09  00 00 00 02  00 00 00 02  00 00 00 32
        00 00 00 03  00 00 00 0c
      `),
    );
  });

  test.each([
    [1, "NFS4ERR_PERM"],
    [2, "NFS4ERR_NOENT"],
    [13, "NFS4ERR_ACCESS"],
    [20, "NFS4ERR_NOTDIR"],
    [10_008, "NFS4ERR_DELAY"],
    [10_013, "NFS4ERR_GRACE"],
    [10_016, "NFS4ERR_WRONGSEC"],
    [10_019, "NFS4ERR_MOVED"],
    [10_029, "NFS4ERR_SYMLINK"],
    [99_999, "NFS4ERR_99999"],
  ])("that fails with status %d says %s and where", async (code, status) => {
    const { answer } = await look(0, "/srv/exp/x", [
      result(code, ok(op.putrootfh), ok(op.lookup), failed(op.lookup, code)),
    ]);
    expect(answer).toEqual({ kind: "nfs-error", status, operation: "LOOKUP", path: "/srv/exp" });
  });

  test("that fails behind the first call is named whole", async () => {
    const lookups = Array.from({ length: 8 }, () => ok(op.lookup));
    const { answer } = await look(0, "/a/b/c/d/e/f/g/h/i/j", [
      result(0, ok(op.putrootfh), ...lookups, ok(op.getfh, opaque("x"))),
      result(2, ok(op.putfh), failed(op.lookup, 2)),
    ]);
    expect(answer).toEqual({
      kind: "nfs-error",
      status: "NFS4ERR_NOENT",
      operation: "LOOKUP",
      path: "/a/b/c/d/e/f/g/h/i",
    });
  });

  test("that may be looked up and not looked at says so", async () => {
    const { answer } = await look(0, "/srv", [result(1, ok(op.putrootfh), ok(op.lookup), failed(op.getattr, 1))]);
    expect(answer).toEqual({ kind: "nfs-error", status: "NFS4ERR_PERM", operation: "GETATTR", path: "/srv" });
  });

  test("is not looked at where the minor version is not spoken", async () => {
    const { answer } = await look(0, "/srv", [result(10_021)]);
    expect(answer).toEqual({
      kind: "nfs-error",
      status: "NFS4ERR_MINOR_VERS_MISMATCH",
      operation: "COMPOUND",
      path: "/",
    });
  });

  test("may lead to something without mode and owner", async () => {
    const little = ok(op.getattr, words(1, 0x0000_0002), opaque(words(5)));
    const { answer } = await look(0, "/", [result(0, ok(op.putrootfh), little, access)]);
    expect(answer).toMatchObject({ kind: "found", type: "symbolic link", mode: undefined, owner: undefined });
  });

  test.each<[string, Uint8Array]>([
    ["more results than operations", result(0, ok(op.putrootfh), attributes, access, access)],
    ["four billion results", words(0, 0, 0xffff_ffff)],
    ["fewer results than operations", result(0, ok(op.putrootfh), attributes)],
    ["no results", result(0)],
    ["the result of another operation", result(0, ok(op.putrootfh), ok(op.putrootfh), access)],
    ["another operation that failed", result(2, ok(op.putrootfh), failed(op.lookup, 2))],
    ["an illegal operation that went well", result(0, ok(10_044))],
    ["attributes that nobody asked for", withAttributes(words(1, 0x003), values)],
    ["a word of attributes too many", withAttributes(words(3, 0x002, 0, 1), values)],
    ["more words of attributes than anybody has", withAttributes(words(9, 0x002, ...zeros(8)), values)],
    ["four billion words of attributes", withAttributes(words(0xffff_ffff), values)],
    ["no type", withAttributes(words(2, 0, 0x32), values.subarray(4))],
    ["an unknown type", withAttributes(words(1, 0x002), words(8))],
    ["too few values", withAttributes(words(2, 0x002, 0x02), words(2))],
    ["an owner that is cut off", withAttributes(words(2, 0x002, 0x10), words(2, 9))],
    ["a tag that is too long", join(words(0, 1_025), new Uint8Array(2_000))],
  ])("is not believed with %s", async (_, bytes) => {
    const { answer } = await look(0, "/", [bytes]);
    expect(answer.kind).toBe("malformed");
  });

  test("is not believed with a handle of 129 bytes", async () => {
    const lookups = Array.from({ length: 8 }, () => ok(op.lookup));
    const step = result(0, ok(op.putrootfh), ...lookups, ok(op.getfh, opaque(new Uint8Array(129))));
    expect((await look(0, "/a/b/c/d/e/f/g/h/i", [step])).answer.kind).toBe("malformed");
  });

  test("takes an illegal operation for the word on its own", async () => {
    const { answer } = await look(0, "/", [result(10_044, ok(op.putrootfh), failed(10_044, 10_044))]);
    expect(answer).toMatchObject({ status: "NFS4ERR_OP_ILLEGAL", operation: "GETATTR" });
  });

  test("is not there where the server does not speak version 4", async () => {
    const network = fakeNetwork({ "192.0.2.1:2049": ({ xid }) => [fragment(accepted(xid, 2, 3, 3))] });
    const client = rpcClient(network.dial, { address: "192.0.2.1", port: 2_049 });
    expect(await lookupPath(client, { path: "/", minorVersion: 0 }, never)).toEqual({
      kind: "version-mismatch",
      lowest: 3,
      highest: 3,
    });
  });
});

describe.each([1, 2] as const)("a path of version 4.%d", (minorVersion) => {
  const walked = result(0, sequenced, ok(op.putrootfh), ok(op.lookup), attributes, access);
  const minor = `00 00 00 0${minorVersion}`;

  test("is looked up in a session that is taken down after it", async () => {
    const { answer, calls } = await look(minorVersion, "/srv", [introduced, created, walked, sessionGone, clientGone]);
    expect(answer).toEqual(found);
    const [exchangeId, createSession, walk, destroySession, destroyClientId] = calls.map(compoundOf);
    // The verifier and the owner are made anew each time: 8 bytes, and a text of 50 bytes.
    expect(exchangeId?.subarray(0, 16)).toEqual(hex(`00 00 00 00  ${minor}  00 00 00 01  00 00 00 2a`));
    expect(exchangeId?.subarray(24, 28)).toEqual(hex("00 00 00 32"));
    expect(new TextDecoder().decode(exchangeId?.subarray(28, 78))).toMatch(/^nfs-init question [0-9a-f]{32}$/);
    expect(exchangeId?.subarray(80)).toEqual(hex("00 00 00 00  00 00 00 00  00 00 00 00"));
    const attrs = "00 00 00 00  00 00 40 00  00 00 40 00  00 00 00 00  00 00 00 10  00 00 00 01  00 00 00 00";
    expect(createSession).toEqual(
      hex(`
        00 00 00 00  ${minor}  00 00 00 01
        00 00 00 2b  aa aa aa aa bb bb bb bb  00 00 00 07  00 00 00 00
        ${attrs}
        ${attrs}
        40 00 00 00  00 00 00 01  00 00 00 00
      `),
    );
    expect(walk).toEqual(
      hex(`
        00 00 00 00  ${minor}  00 00 00 05
        00 00 00 35  11 11 11 11 22 22 22 22 33 33 33 33 44 44 44 44
          00 00 00 01  00 00 00 00  00 00 00 00  00 00 00 00
        00 00 00 18
        00 00 00 0f  00 00 00 03  73 72 76 00
        00 00 00 09  00 00 00 02  00 00 00 02  00 00 00 32
        00 00 00 03  00 00 00 0c
      `),
    );
    expect(destroySession).toEqual(
      hex(`00 00 00 00  ${minor}  00 00 00 01  00 00 00 2c  11 11 11 11 22 22 22 22 33 33 33 33 44 44 44 44`),
    );
    expect(destroyClientId).toEqual(hex(`00 00 00 00  ${minor}  00 00 00 01  00 00 00 39  aa aa aa aa bb bb bb bb`));
  });

  test("asks under another name each time", async () => {
    const names = new Set<string>();
    for (let count = 0; count < 5; count++) {
      const { calls } = await look(minorVersion, "/srv", [introduced, created, walked, sessionGone, clientGone]);
      names.add(String(compoundOf(calls[0])?.subarray(16, 80)));
    }
    expect(names.size).toBe(5);
  });

  test("counts its calls, and looks up as many names at once as the session carries", async () => {
    const small = result(0, ok(op.createSession, session, words(7, 0, 0, 16_384, 16_384, 0, 5, 1, 0), channel));
    const step = result(0, sequenced, ok(op.putrootfh), ok(op.lookup), ok(op.getfh, opaque("x")));
    const last = result(0, sequenced, ok(op.putfh), ok(op.lookup), attributes, access);
    const { answer, calls } = await look(minorVersion, "/a/b", [
      introduced,
      small,
      step,
      last,
      sessionGone,
      clientGone,
    ]);
    expect(answer).toEqual(found);
    // Behind the COMPOUND's three words, SEQUENCE and the session.
    expect(calls.slice(2, 4).map(({ args }) => args[8])).toEqual([1, 2]);
  });

  test("that is missing is told, and the session taken down", async () => {
    const missing = result(2, sequenced, ok(op.putrootfh), failed(op.lookup, 2));
    const { answer, calls } = await look(minorVersion, "/srv", [introduced, created, missing, sessionGone, clientGone]);
    expect(answer).toEqual({ kind: "nfs-error", status: "NFS4ERR_NOENT", operation: "LOOKUP", path: "/srv" });
    expect(calls.map(firstOperation)).toEqual([
      op.exchangeId,
      op.createSession,
      op.sequence,
      op.destroySession,
      op.destroyClientId,
    ]);
  });

  test.each([
    ["refuses the whole of it", result(10_052), "COMPOUND"],
    ["refuses its session", result(10_052, failed(op.sequence, 10_052)), "COMPOUND"],
    ["refuses its start", result(10_052, sequenced, failed(op.putrootfh, 10_052)), "PUTROOTFH"],
  ])("is told when the server %s", async (_, refused, operation) => {
    const { answer } = await look(minorVersion, "/srv", [introduced, created, refused, sessionGone, clientGone]);
    expect(answer).toEqual({ kind: "nfs-error", status: "NFS4ERR_BADSESSION", operation, path: "/" });
  });

  test("is not asked for without a client id", async () => {
    const { answer, calls } = await look(minorVersion, "/srv", [result(10_021)]);
    expect(answer).toMatchObject({ kind: "nfs-error", status: "NFS4ERR_MINOR_VERS_MISMATCH" });
    expect(calls).toHaveLength(1);
  });

  test("is not asked for without a session, and the client id is given back", async () => {
    const { answer, calls } = await look(minorVersion, "/srv", [
      introduced,
      result(10_008, failed(op.createSession, 10_008)),
      clientGone,
    ]);
    expect(answer).toMatchObject({ status: "NFS4ERR_DELAY", operation: "CREATE_SESSION" });
    expect(calls.map(firstOperation)).toEqual([op.exchangeId, op.createSession, op.destroyClientId]);
  });

  test("has its answer although the session cannot be taken down", async () => {
    const { answer, calls } = await look(minorVersion, "/srv", [introduced, created, walked]);
    expect(answer).toEqual(found);
    expect(calls).toHaveLength(5);
  });

  test("is not believed when a session is cut off", async () => {
    const { answer } = await look(minorVersion, "/srv", [introduced, created.subarray(0, 40), clientGone]);
    expect(answer.kind).toBe("malformed");
  });
});

test("a question that runs out of time says so, and asks nothing more", async () => {
  const abort = new AbortController();
  const network = fakeNetwork({
    "192.0.2.1:2049": (call) => {
      if (firstOperation(call) !== op.createSession) return answers(call, introduced);
      abort.abort();
      return [];
    },
  });
  const client = rpcClient(network.dial, { address: "192.0.2.1", port: 2_049 });
  const answer = await lookupPath(client, { path: "/srv", minorVersion: 1 }, abort.signal);
  expect(answer).toEqual({ kind: "no-answer", reason: "no answer in time", errno: "ETIMEDOUT" });
  expect(network.actions).toHaveLength(2);
  expect(network.open()).toBe(0);
});
