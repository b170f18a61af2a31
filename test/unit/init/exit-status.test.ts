import { expect, test } from "vitest";
import { exitCodes } from "../../../src/errors.ts";
import { exitCodeOf } from "../../../src/init/exit-status.ts";

test.each([0, 1, 75, 255])("COMMAND's own code %d passes through", (code) => {
  expect(exitCodeOf({ kind: "exited", code })).toBe(code);
});

test.each([
  [1, 129],
  [9, 137],
  [15, 143],
  [37, 165],
  [64, 192],
])("the end by signal %d is %d", (signal, code) => {
  expect(exitCodeOf({ kind: "signalled", signal })).toBe(code);
});

test("the codes of nfs-init itself are those that are promised", () => {
  expect(exitCodes).toEqual({
    ok: 0,
    mountFailed: 32,
    usage: 64,
    fault: 70,
    lost: 75,
    config: 78,
    timedOut: 124,
    notExecutable: 126,
    notFound: 127,
    signalBase: 128,
  });
});
