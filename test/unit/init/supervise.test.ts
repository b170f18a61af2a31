import { describe, expect, test } from "vitest";
import { AppError } from "../../../src/errors.ts";
import { startCommand, type EndedChild, type InitPorts, type StartOutcome } from "../../../src/init/supervise.ts";

const command = { argv: [new TextEncoder().encode("server")], env: [] };

/** An init whose children end when the test says so. */
function machine(outcome: StartOutcome = { kind: "started", pid: 42 }, endedAlready: readonly EndedChild[] = []) {
  const actions: string[] = [];
  let onEnd: (child: EndedChild) => void = () => {};
  let onSignal: (signal: number) => void = () => {};
  const ports: InitPorts = {
    replace: () => ({ kind: "not-found" }) as const,
    start: () => {
      actions.push("start");
      return outcome;
    },
    send: (pid, signal) => actions.push(`send ${signal} to ${pid}`),
    reapChildren: (callback) => {
      actions.push("reap");
      onEnd = callback;
      for (const child of endedAlready) callback(child);
    },
    routeSignals: (callback) => {
      actions.push(callback === undefined ? "keep" : "route");
      if (callback !== undefined) onSignal = callback;
    },
    reclaimTerminal: () => actions.push("reclaim"),
  };
  return { ports, actions, end: (child: EndedChild) => onEnd(child), signal: (number: number) => onSignal(number) };
}

describe("COMMAND", () => {
  test("is started, given signals, and waited for", async () => {
    const { ports, actions, end } = machine();
    const { ended } = startCommand(ports, command);
    expect(actions).toEqual(["start", "route", "reap"]);
    end({ pid: 42, ended: "exited", value: 3 });
    expect(await ended).toEqual({ kind: "exited", code: 3 });
    expect(actions.slice(3)).toEqual(["keep", "reclaim"]);
  });

  test("that a signal ended, a real-time one too, says which", async () => {
    const { ports, end } = machine();
    const { ended } = startCommand(ports, command);
    end({ pid: 42, ended: "signalled", value: 37 });
    expect(await ended).toEqual({ kind: "signalled", signal: 37 });
  });

  test("is not taken for ended when another child is", async () => {
    const { ports, actions, end } = machine();
    const { ended } = startCommand(ports, command);
    end({ pid: 7, ended: "exited", value: 1 });
    expect(actions).not.toContain("reclaim");
    end({ pid: 42, ended: "exited", value: 0 });
    expect(await ended).toEqual({ kind: "exited", code: 0 });
  });

  test("that has ended before anybody looks is known all the same", async () => {
    const { ports } = machine({ kind: "started", pid: 42 }, [{ pid: 42, ended: "exited", value: 3 }]);
    await expect(startCommand(ports, command).ended).resolves.toEqual({ kind: "exited", code: 3 });
  });

  test("that has ended before anybody looks leaves the signals that come to whoever is next", () => {
    const { ports, actions } = machine({ kind: "started", pid: 42 }, [{ pid: 42, ended: "exited", value: 3 }]);
    startCommand(ports, command);
    expect(actions.findLast((action) => action === "keep" || action === "route")).toBe("keep");
  });

  test("gets every signal once, in order, repeated ones too", () => {
    const { ports, actions, signal } = machine();
    const running = startCommand(ports, command);
    for (const number of [1, 15, 15]) signal(number);
    running.send(10);
    expect(actions.slice(3)).toEqual(["send 1 to 42", "send 15 to 42", "send 15 to 42", "send 10 to 42"]);
  });

  test("gets no signal once it has ended: its number may be another process's by then", () => {
    const { ports, actions, signal, end } = machine();
    const running = startCommand(ports, command);
    end({ pid: 42, ended: "exited", value: 0 });
    signal(15);
    running.send(9);
    expect(actions.filter((action) => action.startsWith("send"))).toEqual([]);
  });

  test.each<[string, StartOutcome, number, RegExp]>([
    ["is not found", { kind: "not-found" }, 127, /cannot start server: not found/],
    [
      "is not executable",
      { kind: "not-executable", reason: "permission denied" },
      126,
      /cannot start server: permission denied/,
    ],
  ])("that %s ends nfs-init with what shells say", (_, outcome, exitCode, message) => {
    const { ports, actions } = machine(outcome);
    const start = () => startCommand(ports, command);
    expect(start).toThrow(AppError);
    expect(start).toThrow(expect.objectContaining({ exitCode, message: expect.stringMatching(message) as string }));
    expect(actions).toEqual(["start", "start"]);
  });
});
