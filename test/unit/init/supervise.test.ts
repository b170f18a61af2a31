import { describe, expect, test } from "vitest";
import { AppError } from "../../../src/errors.ts";
import { childTable, type EndedChild } from "../../../src/init/children.ts";
import { relayOf } from "../../../src/init/relay.ts";
import { startCommand, type InitPorts, type NotStarted } from "../../../src/init/supervise.ts";

const command = { argv: [new TextEncoder().encode("server")], env: [] };

/** An init whose children end when the test says so; they have the pids 42, 43, ... */
function machine(failure?: NotStarted) {
  const actions: string[] = [];
  const children = childTable();
  let lastPid = 41;
  let onSignal: (signal: number) => void = () => {};
  const ports: InitPorts = {
    replace: async () => ({ kind: "not-found" }),
    start: async () => {
      actions.push("start");
      if (failure !== undefined) return failure;
      const pid = ++lastPid;
      const ended = new Promise<EndedChild>((resolve) => children.await(pid, "program", resolve));
      return { kind: "started", pid, ended };
    },
    send: (pid, signal) => actions.push(`send ${signal} to ${pid}`),
    signals: relayOf((callback) => {
      actions.push(callback === undefined ? "keep" : "route");
      if (callback !== undefined) onSignal = callback;
    }),
    reclaimTerminal: (pid) => actions.push(`reclaim from ${pid}`),
  };
  return { ports, actions, end: children.ended, signal: (number: number) => onSignal(number) };
}

describe("COMMAND", () => {
  test("is started, given signals, and waited for", async () => {
    const { ports, actions, end } = machine();
    const { ended } = await startCommand(ports, command);
    expect(actions).toEqual(["start", "route"]);
    end({ pid: 42, ended: "exited", value: 3 });
    expect(await ended).toEqual({ kind: "exited", code: 3 });
    expect(actions.slice(2)).toEqual(["keep", "reclaim from 42"]);
  });

  test("that a signal ended, a real-time one too, says which", async () => {
    const { ports, end } = machine();
    const { ended } = await startCommand(ports, command);
    end({ pid: 42, ended: "signalled", value: 37 });
    expect(await ended).toEqual({ kind: "signalled", signal: 37 });
  });

  test("is not taken for ended when another child is", async () => {
    const { ports, actions, end } = machine();
    const { ended } = await startCommand(ports, command);
    end({ pid: 7, ended: "exited", value: 1 });
    expect(actions).toEqual(["start", "route"]);
    end({ pid: 42, ended: "exited", value: 0 });
    expect(await ended).toEqual({ kind: "exited", code: 0 });
  });

  test("that has ended before anybody looks is known all the same, and leaves the signals that come", async () => {
    const { ports, actions, end } = machine();
    const starting = startCommand(ports, command);
    end({ pid: 42, ended: "exited", value: 3 });
    await expect((await starting).ended).resolves.toEqual({ kind: "exited", code: 3 });
    expect(actions.slice(1)).toEqual(["route", "keep", "reclaim from 42"]);
  });

  test("gets every signal once, in order, repeated ones too", async () => {
    const { ports, actions, signal } = machine();
    const running = await startCommand(ports, command);
    for (const number of [1, 15, 15]) signal(number);
    running.send(10);
    expect(actions.slice(2)).toEqual(["send 1 to 42", "send 15 to 42", "send 15 to 42", "send 10 to 42"]);
  });

  test("gets another signal than the one that came where that is asked for", async () => {
    const { ports, actions, signal } = machine();
    await startCommand(ports, command, { map: new Map([[15, 3]]) });
    for (const number of [15, 1]) signal(number);
    expect(actions.slice(2)).toEqual(["send 3 to 42", "send 1 to 42"]);
  });

  test("gets no signal once it has ended: its number may be another process's by then", async () => {
    const { ports, actions, signal, end } = machine();
    const running = await startCommand(ports, command);
    end({ pid: 42, ended: "exited", value: 0 });
    await running.ended;
    signal(15);
    running.send(9);
    expect(actions.filter((action) => action.startsWith("send"))).toEqual([]);
  });

  test("is ended by the reason of a start that was given up", async () => {
    const { ports } = machine();
    const reason = new Error("stopped");
    const start = (_: unknown, signal?: AbortSignal) => Promise.reject(signal?.reason as Error);
    await expect(startCommand({ ...ports, start }, command, { signal: AbortSignal.abort(reason) })).rejects.toBe(
      reason,
    );
  });

  test.each<[string, NotStarted, number, RegExp]>([
    ["is not found", { kind: "not-found" }, 127, /cannot start server: not found/],
    [
      "is not executable",
      { kind: "not-executable", reason: "permission denied" },
      126,
      /cannot start server: permission denied/,
    ],
  ])("that %s ends nfs-init with what shells say", async (_, failure, exitCode, message) => {
    const { ports, actions } = machine(failure);
    const error = await startCommand(ports, command).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(AppError);
    expect(error).toMatchObject({ exitCode, message: expect.stringMatching(message) as string });
    expect(actions).toEqual(["start"]);
  });
});

describe("several programs", () => {
  test("each get every signal, by their own map, until they have ended", async () => {
    const { ports, actions, signal, end } = machine();
    const first = await startCommand(ports, command);
    await startCommand(ports, command, { map: new Map([[15, 3]]) });
    signal(15);
    end({ pid: 42, ended: "exited", value: 0 });
    await first.ended;
    signal(15);
    expect(actions).toEqual([
      "start",
      "route",
      "start",
      "send 15 to 42",
      "send 3 to 43",
      "reclaim from 42",
      "send 3 to 43",
    ]);
  });

  test("end each for itself, and only the last leaves the signals to whoever is next", async () => {
    const { ports, actions, end } = machine();
    const first = await startCommand(ports, command);
    const second = await startCommand(ports, command);
    end({ pid: 43, ended: "exited", value: 2 });
    expect(await second.ended).toEqual({ kind: "exited", code: 2 });
    expect(actions).not.toContain("keep");
    end({ pid: 42, ended: "signalled", value: 9 });
    expect(await first.ended).toEqual({ kind: "signalled", signal: 9 });
    expect(actions.slice(-2)).toEqual(["keep", "reclaim from 42"]);
  });
});
