import { inspect } from "node:util";
import { describe, expect, test } from "vitest";
import { secretOf } from "../../../src/text/secret.ts";

describe("a secret", () => {
  const secret = secretOf("hunter2");

  test("is given to who asks for it", () => {
    expect(secret.reveal()).toBe("hunter2");
  });

  test.each([
    ["a template", () => `password=${secret.toString()}`],
    ["a list", () => [secret].join(",")],
    ["JSON", () => JSON.stringify({ password: secret, all: [secret] })],
    ["an inspection", () => inspect(secret, { depth: 5, showHidden: true })],
    ["an error", () => new Error(String(secret)).message],
  ])("is not shown by %s", (_, shown) => {
    expect(shown()).not.toContain("hunter2");
  });
});
