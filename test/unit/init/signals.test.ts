import { constants } from "node:os";
import { expect, test } from "vitest";
import { signalNumbers, stopSignals } from "../../../src/init/signals.ts";

test("every classic signal has the number that it has on this machine", () => {
  const { SIGPOLL: _, SIGIOT: __, SIGUNUSED: ___, ...own } = constants.signals as Record<string, number>;
  const found = Object.fromEntries([...signalNumbers].map(([name, number]) => [`SIG${name}`, number]));
  expect(found).toMatchObject(own);
  expect(signalNumbers.size).toBe(31);
});

test("those that ask for an end do so before COMMAND runs as well", () => {
  const { SIGHUP, SIGINT, SIGQUIT, SIGTERM } = constants.signals;
  expect(stopSignals).toEqual(new Set([SIGHUP, SIGINT, SIGQUIT, SIGTERM]));
});
