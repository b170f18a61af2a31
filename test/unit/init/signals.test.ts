import { constants } from "node:os";
import { expect, test } from "vitest";
import { forwardedSignals, isStopSignal } from "../../../src/init/signals.ts";

test("every signal that other inits pass on is passed on, each once", () => {
  const promised = "HUP INT QUIT USR1 USR2 PIPE ALRM TERM CONT URG XCPU XFSZ VTALRM PROF WINCH IO"
    .split(" ")
    .map((name) => `SIG${name}`);
  expect([...forwardedSignals].toSorted()).toEqual(promised.toSorted());
  const numbers = forwardedSignals.map((name) => constants.signals[name]);
  expect(new Set(numbers).size).toBe(numbers.length);
});

test.each(["SIGKILL", "SIGSTOP", "SIGCHLD", "SIGSEGV", "SIGTSTP", "SIGTTIN", "SIGTTOU"])("%s is not", (name) => {
  expect(forwardedSignals).not.toContain(name);
});

test("those that ask for an end do so before COMMAND runs as well", () => {
  expect(forwardedSignals.filter(isStopSignal)).toEqual(["SIGHUP", "SIGINT", "SIGQUIT", "SIGTERM"]);
});
