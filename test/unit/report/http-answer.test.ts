import { expect, test } from "vitest";
import { answerTo, refusal } from "../../../src/report/http-answer.ts";

const ok = { status: 200, contentType: "text/plain", body: "grüße\n" } as const;

test("an answer tells its length in bytes, is not to be kept, and ends its connection", () => {
  expect(answerTo({ method: "GET", target: "/" }, () => ok).split("\r\n")).toEqual([
    "HTTP/1.1 200 OK",
    "connection: close",
    "content-type: text/plain",
    "content-length: 8",
    "cache-control: no-store",
    "",
    "grüße\n",
  ]);
});

test("HEAD is answered as GET is, without the body", () => {
  const get = answerTo({ method: "GET", target: "/" }, () => ok);
  expect(`${answerTo({ method: "HEAD", target: "/" }, () => ok)}grüße\n`).toBe(get);
});

test("a method that is not allowed is told which are", () => {
  const answer = answerTo({ method: "POST", target: "/" }, () => ({ ...ok, status: 405 }));
  expect(answer).toMatch(/^HTTP\/1\.1 405 Method Not Allowed\r\n/);
  expect(answer).toContain("\r\nallow: GET, HEAD\r\n");
});

test("a fault in an answer is said to the asker", () => {
  const answer = answerTo({ method: "GET", target: "/" }, () => {
    throw new Error("broken");
  });
  expect(answer).toMatch(/^HTTP\/1\.1 500 Internal Server Error\r\n.*\r\n\r\nbroken\n$/s);
});

test.each([
  [400, "Bad Request"],
  [431, "Request Header Fields Too Large"],
] as const)("what is no request is refused with %i", (status, reason) => {
  expect(refusal(status)).toContain(`HTTP/1.1 ${status} ${reason}\r\n`);
});
