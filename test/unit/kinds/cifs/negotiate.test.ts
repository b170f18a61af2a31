// Readiness of a server of CIFS: the first question of SMB as bytes, and whatever may come back.
import { describe, expect, test } from "vitest";
import { negotiateRequest, readNegotiateAnswer } from "../../../../src/kinds/cifs/negotiate.ts";
import { cifsServer } from "../../../../src/kinds/cifs/server.ts";
import type { Connection } from "../../../../src/rpc/transport.ts";
import { random } from "../../fakes/random.ts";

/** The header of an answer ([MS-SMB2] 2.2.1.2), framed, with a body of so many bytes. */
function answer({ status = 0, command = 0, flags = 1, protocol = 0xfe, bodyBytes = 65 } = {}): Uint8Array {
  const bytes = new Uint8Array(4 + 64 + bodyBytes);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, 64 + bodyBytes);
  bytes.set([protocol, 0x53, 0x4d, 0x42, 64, 0], 4);
  view.setUint32(12, status, true);
  view.setUint16(16, command, true);
  view.setUint32(20, flags, true);
  return bytes;
}

test("the question is as long as its frame says, and offers the versions from 2.0.2 to 3.0.2", () => {
  const bytes = negotiateRequest();
  const view = new DataView(bytes.buffer);
  expect(view.getUint32(0)).toBe(bytes.byteLength - 4);
  expect([...bytes.subarray(4, 8)]).toEqual([0xfe, 0x53, 0x4d, 0x42]);
  const body = 4 + 64;
  expect(view.getUint16(body, true)).toBe(36);
  const count = view.getUint16(body + 2, true);
  expect(Array.from({ length: count }, (_, index) => view.getUint16(body + 36 + 2 * index, true))).toEqual([
    0x0202, 0x0210, 0x0300, 0x0302,
  ]);
  expect(bytes.byteLength).toBe(body + 36 + 2 * count);
});

describe("an answer", () => {
  test.each([
    ["with a version", answer()],
    ["that a newer version is wanted", answer({ status: 0xc000_00bb, bodyBytes: 9 })],
  ])("%s is one of a server that is there", (_, bytes) => {
    expect(readNegotiateAnswer(bytes)).toEqual({ kind: "answered" });
  });

  test.each([
    ["of SMB 1", answer({ protocol: 0xff }), /SMB 2/],
    ["of a web server", new TextEncoder().encode("HTTP/1.1 400 Bad Request\r\n\r\n"), /SMB/],
    ["to another question", answer({ command: 1 }), /NEGOTIATE/],
    ["that is a question", answer({ flags: 0 }), /NEGOTIATE/],
    ["with an error", answer({ status: 0xc000_0022 }), /0xc0000022/],
    ["that is too short", Uint8Array.of(0, 0, 0, 4, 1, 2, 3, 4), /SMB 2/],
    ["that would never end", Uint8Array.of(0, 0xff, 0xff, 0xff), /SMB 2/],
  ])("%s is none", (_, bytes, reason) => {
    expect(readNegotiateAnswer(bytes)).toMatchObject({
      kind: "other",
      reason: expect.stringMatching(reason) as string,
    });
  });

  test("that has come in part is waited for", () => {
    const bytes = answer();
    for (let length = 0; length < 68; length++) {
      expect(readNegotiateAnswer(bytes.subarray(0, length)).kind).toBe("incomplete");
    }
  });

  test("of any bytes is read without an error", () => {
    const { below } = random(445);
    for (let round = 0; round < 20_000; round++) {
      const bytes = answer({ bodyBytes: below(80) });
      const changes = below(6);
      for (let change = 0; change < changes; change++) {
        bytes[below(bytes.byteLength)] = below(256);
      }
      const { kind } = readNegotiateAnswer(bytes.subarray(0, below(bytes.byteLength + 1)));
      expect(["incomplete", "answered", "other"]).toContain(kind);
    }
  }, 60_000);
});

describe("a server", () => {
  const question = { kind: "cifs", host: "nas", port: 445 } as const;
  const connection = (chunks: readonly Uint8Array[]): Connection => {
    const left = [...chunks];
    return { reservedPort: false, send: () => {}, receive: () => Promise.resolve(left.shift()), close: () => {} };
  };
  const ask = (dial: (address: string) => Promise<Connection>) =>
    cifsServer.ask(
      {
        dial,
        resolveName: () => Promise.resolve({ kind: "addresses", addresses: ["192.0.2.1", "192.0.2.2"] }),
      },
      question,
      new AbortController().signal,
      true,
    );

  test("is ready at the address that answers, in however many parts", async () => {
    const bytes = answer();
    const dial = (address: string) =>
      address === "192.0.2.1"
        ? Promise.reject(new Error("connection refused"))
        : Promise.resolve(connection([bytes.subarray(0, 3), bytes.subarray(3, 50), bytes.subarray(50)]));
    expect(await ask(dial)).toEqual({ kind: "ready", address: "192.0.2.2", unspoken: [] });
  });

  test.each([
    [
      "whose port is closed",
      () => Promise.reject(new Error("connection refused")),
      /port 445 of 192\.0\.2\.1: connection refused/,
    ],
    ["that closes the connection", () => Promise.resolve(connection([])), /closed the connection/],
    ["of another kind", () => Promise.resolve(connection([Uint8Array.of(0x48)])), /does not speak SMB/],
  ])("%s is not ready, and why is said", async (_, dial, reason) => {
    expect(await ask(dial)).toEqual({ kind: "not-ready", reason: expect.stringMatching(reason) as string });
  });
});
