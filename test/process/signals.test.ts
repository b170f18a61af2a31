// Signals from outside: each reaches COMMAND, once, and nfs-init adds none of its own.
import { constants } from "node:os";
import { expect, it } from "vitest";
import { eventually } from "../support/eventually.ts";
import { descendantsOf, statOf, statusOf } from "../support/process-table.ts";
import { describePlaces, killLater, ordinary, start, type Place } from "../support/process.ts";

const forwarded = [
  "SIGHUP",
  "SIGINT",
  "SIGQUIT",
  "SIGUSR1",
  "SIGUSR2",
  "SIGPIPE",
  "SIGALRM",
  "SIGTERM",
  "SIGCONT",
  "SIGURG",
  "SIGXCPU",
  "SIGXFSZ",
  "SIGVTALRM",
  "SIGPROF",
  "SIGWINCH",
  "SIGIO",
] as const;

/** A COMMAND that says which signals reached it, and ends with 0 when its stdin does. */
const listener = `
for (const name of ${JSON.stringify(forwarded)}) {
  process.on(name, () => require("node:fs").writeSync(1, name + "\\n"));
}
process.stdin.on("end", () => process.exit(0)).resume();
require("node:fs").writeSync(1, "ready\\n");`;

/** Whether a process has a handler for a signal (SigCgt of /proc/PID/status). */
function catches(pid: number, signal: number): boolean {
  return (BigInt(`0x${statusOf(pid, "SigCgt")}`) & (1n << BigInt(signal - 1))) !== 0n;
}

function startListener(place: Place) {
  return start({ args: ["--", process.execPath, "-e", listener], place });
}

describePlaces((place) => {
  it.each(forwarded)("forwards %s exactly once", async (signal) => {
    const running = startListener(place);
    await running.says("ready\n");
    const rounds = 5;
    for (let round = 1; round <= rounds; round++) {
      await running.send(signal);
      await running.says("ready\n" + `${signal}\n`.repeat(round));
    }
    // A signal that came twice would be there before this one.
    const last = signal === "SIGUSR1" ? "SIGUSR2" : "SIGUSR1";
    await running.send(last);
    await running.says(`${last}\n`);
    expect(running.stdout()).toBe(`ready\n${`${signal}\n`.repeat(rounds)}${last}\n`);
    running.stdin.end();
    expect((await running.ended).exitCode).toBe(0);
  });

  it("forwards a second SIGTERM too, and a third", async () => {
    const running = startListener(place);
    await running.says("ready\n");
    for (let count = 1; count <= 3; count++) {
      await running.send("SIGTERM");
      await running.says("ready\n" + "SIGTERM\n".repeat(count));
    }
  });

  it("does not escalate a SIGTERM that COMMAND ignores", async () => {
    // Node's listener takes SIGTERM without ending; the longest grace of a stop that nfs-init might wait for is not waited
    // for here, so what is looked at is that nothing is under way: COMMAND goes on and takes further signals.
    const running = startListener(place);
    await running.says("ready\n");
    await running.send("SIGTERM");
    await running.says("SIGTERM\n");
    await running.send("SIGUSR1");
    await running.says("SIGUSR1\n");
    expect(running.hasEnded()).toBe(false);
    expect(statOf(await running.commandPid()).state).not.toBe("Z");
  });

  it("ends with 128+n when COMMAND dies of a forwarded signal", async () => {
    const running = start({ args: ["--", "sh", "-c", "echo ready; exec cat"], place });
    await running.says("ready\n");
    await running.send("SIGTERM");
    expect((await running.ended).exitCode).toBe(143);
  });

  it("loses no SIGTERM from the moment on that it catches it, before COMMAND runs or while it starts", async () => {
    // Before that moment the kernel drops the signal for a PID 1 and ends any other process: the runtime is starting then.
    for (let round = 0; round < 10; round++) {
      const running = start({ args: ["--", "sleep", "300"], place });
      const init = await running.initPid();
      await eventually("nfs-init catches SIGTERM", () => catches(init, constants.signals.SIGTERM), { intervalMs: 0 });
      await running.send("SIGTERM");
      expect((await running.ended).exitCode).toBe(143);
    }
  });

  it("sends a signal to COMMAND alone, not to what COMMAND started", async () => {
    const running = start({
      args: ["--", "sh", "-c", 'trap "echo got; exit 0" USR1; sleep 300 & echo ready; while :; do wait; done'],
      place,
    });
    await running.says("ready\n");
    const command = await running.commandPid();
    const [grandchild = 0] = await eventually("the grandchild", () => {
      const found = descendantsOf(command);
      return found.length > 0 && found;
    });
    killLater(grandchild);
    await running.send("SIGUSR1");
    await running.says("got\n");
    if (!place.isPid1) expect(statOf(grandchild).state).not.toBe("Z");
  });

  it("lives on while COMMAND is stopped, and continues it", async () => {
    const running = start({ args: ["--", "cat"], place });
    const command = await running.commandPid();
    process.kill(command, "SIGSTOP");
    await eventually("COMMAND is stopped", () => statOf(command).state === "T");
    await running.send("SIGCONT");
    await eventually("COMMAND goes on", () => statOf(command).state !== "T");
    running.stdin.end();
    expect((await running.ended).exitCode).toBe(0);
  });
});

it("is outlived by COMMAND when it is killed and is not PID 1", async () => {
  const running = start({ args: ["--", "sleep", "300"], place: ordinary });
  const command = await running.commandPid();
  killLater(command);
  await running.send("SIGKILL");
  await eventually("COMMAND has another parent", () => statOf(command).parent !== running.child.pid);
  expect(statOf(command).state).toBe("S");
});
