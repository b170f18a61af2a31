// Signals from outside: each reaches COMMAND, once, and nfs-init adds none of its own.
import { expect, it } from "vitest";
import { eventually } from "../support/eventually.ts";
import { descendantsOf, statOf } from "../support/process-table.ts";
import { describePlaces, killLater, ordinary, settled, start, type Place } from "../support/process.ts";

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

function startListener(place: Place) {
  return start({ args: ["--", process.execPath, "-e", listener], place });
}

describePlaces((place) => {
  it.each(forwarded)("forwards %s exactly once", async (signal) => {
    const running = startListener(place);
    await running.says("ready\n");
    const rounds = 3;
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

  it("ends with 128+n when COMMAND dies of a forwarded signal", async () => {
    const running = start({ args: ["--", "sh", "-c", "echo ready; exec cat"], place });
    await running.says("ready\n");
    await running.send("SIGTERM");
    expect((await running.ended).exitCode).toBe(143);
  });

  it("loses no SIGTERM from the moment on that it catches it, before COMMAND runs or while it starts", async () => {
    // Before that moment the kernel drops the signal for a PID 1 and ends any other process: the runtime is starting then.
    for (let round = 0; round < 8; round++) {
      const running = start({ args: ["--", "sleep", "300"], place });
      running.sendOnceCaught("SIGTERM");
      expect((await running.ended).exitCode).toBe(143);
    }
  });

  it("forwards a signal that was blocked or ignored when nfs-init was started", async () => {
    const prelude = `trap '' USR1; exec env --block-signal=USR2 "$@"`;
    const running = start({ args: ["--", process.execPath, "-e", listener], place, prelude });
    await running.says("ready\n");
    for (const signal of ["SIGUSR1", "SIGUSR2"] as const) {
      await running.send(signal);
      await running.says(`${signal}\n`);
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
  await settled(command);
});
