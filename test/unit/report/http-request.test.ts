import { describe, expect, test } from "vitest";
import { readRequest, type RequestRead } from "../../../src/report/http-request.ts";
import { random } from "../fakes/random.ts";

const bytesOf = (text: string) => new Uint8Array(Buffer.from(text, "latin1"));

/** What comes of the pieces, one after the other, until it is something. */
function read(...pieces: readonly (string | Uint8Array)[]): RequestRead {
  const { push } = readRequest();
  let last: RequestRead = { kind: "more" };
  for (const piece of pieces) {
    last = push(typeof piece === "string" ? bytesOf(piece) : piece);
    if (last.kind !== "more") return last;
  }
  return last;
}

const get = (method: string, target: string): RequestRead => ({ kind: "request", request: { method, target } });
const head = "GET /metrics HTTP/1.1\r\nHost: nas\r\nAccept: */*\r\n\r\n";

describe("a request", () => {
  test.each([
    ["GET", "/metrics"],
    ["HEAD", "/healthz"],
    ["POST", "/"],
    ["DELETE", "/readyz?a=b&c=%20"],
    ["GET", "http://nas:9090/metrics"],
    ["OPTIONS", "*"],
  ])("%s %s is one", (method, target) => {
    expect(read(`${method} ${target} HTTP/1.1\r\nHost: nas\r\n\r\n`)).toEqual(get(method, target));
    expect(read(`${method} ${target} HTTP/1.0\r\n\r\n`)).toEqual(get(method, target));
  });

  test("is one when its head is complete, and not before", () => {
    for (let length = 0; length < head.length; length++) {
      const { push } = readRequest();
      expect(push(bytesOf(head.slice(0, length)))).toEqual({ kind: "more" });
      expect(push(bytesOf(head.slice(length)))).toEqual(get("GET", "/metrics"));
    }
  });

  test("may come byte by byte", () => {
    expect(read(...head.split(""))).toEqual(get("GET", "/metrics"));
  });

  test("may lie anywhere in the memory it was read into", () => {
    const room = new Uint8Array(500).fill(0x78);
    room.set(bytesOf(head), 77);
    expect(read(room.subarray(77, 77 + head.length))).toEqual(get("GET", "/metrics"));
  });

  test("may be followed by others and by a body, which are nobody's concern", () => {
    expect(read(head + head)).toEqual(get("GET", "/metrics"));
    expect(read("POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello")).toEqual(get("POST", "/"));
    expect(read("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n")).toEqual(get("POST", "/"));
  });

  test("has bytes that are not ASCII in a header as they are", () => {
    expect(read("GET / HTTP/1.1\r\nX: \xe4\xff\r\n\r\n")).toEqual(get("GET", "/"));
  });
});

describe("what is refused", () => {
  const refused = (status: 400 | 413 | 431): RequestRead => ({ kind: "refused", status });

  test.each([
    ["nonsense", "nonsense\r\n\r\n"],
    ["an unknown method", "NONSENSE / HTTP/1.1\r\n\r\n"],
    ["no version", "GET /\r\n\r\n"],
    ["another protocol", "GET / FTP/1.1\r\n\r\n"],
    ["TLS", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n"],
    ["a call of ONC RPC", "\x80\0\0\x28\0\0\0\x01\0\0\0\0\0\0\0\x02\n"],
    ["a response", "HTTP/1.1 200 OK\r\n\r\n"],
  ])("%s, with 400", (_, text) => {
    expect(read(text)).toEqual(refused(400));
  });

  test("a head that is too long, with 431: in one header, in many, in the target, at once and slowly", () => {
    const long = "a".repeat(9_000);
    const many = "X-Header: some value\r\n".repeat(500);
    for (const text of [
      `GET / HTTP/1.1\r\nX: ${long}\r\n\r\n`,
      `GET / HTTP/1.1\r\n${many}\r\n`,
      `GET /${long} HTTP/1.1\r\n\r\n`,
      long,
    ]) {
      expect(read(text)).toEqual(refused(431));
      expect(read(...text.split(""))).toEqual(refused(431));
      expect(read(...(text.match(/[^]{1,1000}/g) ?? []))).toEqual(refused(431));
    }
  });

  test("nothing that is as long as it may be", () => {
    const longest = `GET / HTTP/1.1\r\nX: ${"a".repeat(8_192 - 23)}\r\n\r\n`;
    expect(longest).toHaveLength(8_192);
    expect(read(longest)).toEqual(get("GET", "/"));
    expect(read(`${longest.slice(0, -4)}a\r\n\r\n`)).toEqual(refused(431));
  });
});

test("whatever comes is more to wait for, a request or refused, and never a fault", () => {
  const { bytes, pick, below } = random(5);
  const parts = [
    "GET",
    " ",
    "/",
    "HTTP/1.1",
    "\r\n",
    "\n",
    ":",
    "Host",
    "Content-Length",
    "Transfer-Encoding",
    "chunked",
    "\0",
    "5",
  ];
  const kinds = { more: 0, request: 0, refused: 0 };
  for (let round = 0; round < 5_000; round++) {
    const pieces = Array.from({ length: 1 + below(6) }, () =>
      below(3) === 0 ? bytes(30) : bytesOf(Array.from({ length: below(12) }, () => pick(parts)).join("")),
    );
    kinds[read(...(below(2) === 0 ? ["GET / HTTP/1.1\r\n"] : []), ...pieces).kind] += 1;
  }
  expect(Math.min(...Object.values(kinds))).toBeGreaterThan(20);
});

test("a body is read where one may be, and one that is too long is refused with 413", () => {
  const post = (body: string) => [`POST / HTTP/1.1\r\nContent-Length: ${body.length}\r\n\r\n`, body].map(bytesOf);
  const of = (limitBytes: number, body: string) => {
    const { push } = readRequest(limitBytes);
    return post(body).map(push).at(-1);
  };
  expect(of(10, "0123456789")).toEqual({
    kind: "request",
    request: { method: "POST", target: "/", body: bytesOf("0123456789") },
  });
  expect(of(10, "x".repeat(8_192))).toEqual({ kind: "refused", status: 413 });
});
