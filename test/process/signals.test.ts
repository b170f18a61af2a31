// Signals from outside: each reaches COMMAND, once, and nfs-init adds none of its own.
import { constants } from "node:os";
import { describe, expect, it } from "vitest";
import { eventually } from "../support/eventually.ts";
import { descendantsOf, statOf } from "../support/process-table.ts";
import { signalCounter, withAllSignals, withoutSignalfd } from "../support/process-preludes.ts";
import {
  describePlaces,
  killLater,
  ordinary,
  run,
  settled,
  start,
  temporaryDirectory,
  unreachableShare,
  type Place,
  type Running,
} from "../support/process.ts";

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

const SIGSTKFLT = 16;
const { SIGUSR1, SIGUSR2, SIGKILL, SIGSTOP, SIGCHLD } = constants.signals;
/** Those the C libraries leave to programs. */
const realTime = Array.from({ length: 64 - 34 + 1 }, (_, index) => 34 + index);
/** Those that say that something went wrong, or come from a terminal or a power supply; 32 and 33 are the C libraries'. */
const seldom = Array.from({ length: 33 }, (_, index) => index + 1).filter(
  (signal) =>
    ![SIGKILL, SIGSTOP, SIGCHLD].includes(signal) && !forwarded.some((name) => constants.signals[name] === signal),
);

/** What the counter has printed since it was ready, once everything that was sent has come: it ends with SIGUSR2. */
async function countedBy(running: Running): Promise<readonly number[]> {
  await running.send("SIGUSR2");
  const { exitCode, stdout } = await running.ended;
  expect(exitCode).toBe(0);
  const numbers = stdout.replace("ready\n", "").trimEnd().split("\n").map(Number);
  expect(numbers.at(-1)).toBe(SIGUSR2);
  return numbers.slice(0, -1);
}

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
    // Before that moment the kernel drops the signal for a PID 1 and ends any other process.
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

  it("forwards SIGPWR, SIGSTKFLT, SIGABRT, SIGTSTP, all others and every real-time signal exactly once", async () => {
    const running = start({ args: ["--", ...signalCounter], place });
    await running.says("ready\n");
    const init = await running.initPid();
    const sent = [...seldom, ...realTime];
    const { SIGPWR, SIGABRT, SIGTSTP, SIGSEGV } = constants.signals;
    expect(sent).toEqual(expect.arrayContaining([SIGPWR, SIGSTKFLT, SIGABRT, SIGTSTP, SIGSEGV]));
    for (const signal of sent) {
      process.kill(init, signal);
      await running.says(`\n${signal}\n`);
    }
    expect(await countedBy(running)).toEqual(sent);
  });

  it("forwards real-time signals as often as they are sent, however fast", async () => {
    const running = start({ args: ["--", ...signalCounter], place });
    await running.says("ready\n");
    const init = await running.initPid();
    const sent = realTime.flatMap((signal) => [signal, signal, signal]);
    for (const signal of sent) process.kill(init, signal);
    // In whatever order: what is pending together is taken in the kernel's.
    await eventually("all of them", () => running.stdout().trimEnd().split("\n").length === 1 + sent.length);
    const counted = await countedBy(running);
    expect(counted.toSorted((one, other) => one - other)).toEqual(sent);
  });

  it.each([
    { where: "as ever", prelude: "" },
    { where: "where a sandbox refuses signalfd4", prelude: withoutSignalfd },
  ])("forwards a crowd of signals of one number, $where", async ({ prelude }) => {
    const running = start({ args: ["--", ...signalCounter], place, prelude });
    await running.says("ready\n");
    const init = await running.initPid();
    const crowd = 500;
    for (let count = 0; count < crowd; count++) process.kill(init, 40);
    await running.says("\n40".repeat(crowd));
    expect(await countedBy(running)).toEqual(Array.from({ length: crowd }, () => 40));
  });

  it.each([
    { where: "all were blocked at its start", prelude: withAllSignals("blocked"), except: [] },
    { where: "all were ignored at its start", prelude: withAllSignals("ignored"), except: [] },
    // There the C library's own stay blocked: it lets nobody have a handler for them.
    { where: "a sandbox refuses signalfd4, timerfd_create and vfork", prelude: withoutSignalfd, except: [32, 33, 34] },
  ])("forwards every signal where $where", async ({ prelude, except }) => {
    const running = start({ args: ["--", ...signalCounter], place, prelude });
    await running.says("ready\n");
    const init = await running.initPid();
    const sent = [
      ...forwarded.map((name) => constants.signals[name]).filter((signal) => signal !== SIGUSR2),
      ...seldom,
      ...realTime,
    ].filter((signal) => !except.some((one) => one === signal));
    for (const signal of sent) {
      process.kill(init, signal);
      await running.says(`\n${signal}\n`);
    }
    expect(await countedBy(running)).toEqual(sent);
  });

  it("ends with 128+n when COMMAND dies of a real-time signal or SIGSTKFLT that is forwarded, as soon as it runs", async () => {
    // A crowd at once, since a signal is easily lost between the start of COMMAND and the moment in which it is routed.
    for (let round = 0; round < 4; round++) {
      const signals = [SIGSTKFLT, 34, 37, 50, 63, 64];
      const found = await Promise.all(
        signals.map(async (signal) => {
          const running = start({ args: ["--", "sh", "-c", "echo ready; exec cat"], place });
          await running.says("ready\n");
          process.kill(await running.initPid(), signal);
          return (await running.ended).exitCode;
        }),
      );
      expect(found).toEqual(signals.map((signal) => 128 + signal));
    }
  });

  it("does not end of a signal that comes before COMMAND has started, other than one that asks for an end", async () => {
    for (const signal of ["SIGUSR1", "SIGWINCH"] as const) {
      const running = start({ args: ["--", "cat"], place });
      running.sendOnceCaught(signal);
      running.stdin.end();
      // It has reached COMMAND or it has not: nfs-init itself goes on.
      expect([0, 128 + constants.signals[signal]]).toContain((await running.ended).exitCode);
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

describePlaces((place) => {
  describe("with NFS_SIGNAL_MAP", () => {
    it("rewrites the signals it names, real-time ones too, and no others", async () => {
      const env = {
        NFS_SIGNAL_MAP: "TERM:QUIT,HUP:USR1,RTMIN+3:TERM,INT:RTMIN+5,SIGSTKFLT:sigalrm,PWR:TERM,ABRT:HUP,TSTP:PWR",
      };
      const running = start({ args: ["--", ...signalCounter], place, env });
      await running.says("ready\n");
      const init = await running.initPid();
      const { SIGHUP, SIGINT, SIGQUIT, SIGALRM, SIGTERM, SIGPWR, SIGABRT, SIGTSTP } = constants.signals;
      const pairs = [
        [SIGTERM, SIGQUIT],
        [SIGHUP, SIGUSR1],
        [37, SIGTERM],
        [SIGINT, 39],
        [SIGSTKFLT, SIGALRM],
        [SIGPWR, SIGTERM],
        [SIGABRT, SIGHUP],
        [SIGTSTP, SIGPWR],
        [SIGQUIT, SIGQUIT],
        [38, 38],
      ] as const;
      const expected: number[] = [];
      for (const [sent, received] of pairs) {
        process.kill(init, sent);
        expected.push(received);
        await eventually(`${sent} as ${received}`, () => running.stdout() === `ready\n${expected.join("\n")}\n`);
      }
      expect(await countedBy(running)).toEqual(expected);
    });

    it("ends with 128 and the signal that COMMAND died of", async () => {
      const env = { NFS_SIGNAL_MAP: "TERM:INT" };
      const running = start({ args: ["--", "sh", "-c", "echo ready; exec cat"], place, env });
      await running.says("ready\n");
      await running.send("SIGTERM");
      expect((await running.ended).exitCode).toBe(130);
    });
  });
});

it("waits no longer than it is to where a sandbox refuses timerfd_create", async () => {
  const env = { ...unreachableShare(temporaryDirectory()), NFS_WAIT_TIMEOUT: "300ms" };
  expect(await run({ args: ["wait"], place: ordinary, env, prelude: withoutSignalfd })).toMatchObject({
    exitCode: 124,
  });
});

it.each(["TERM", "TERM:", "TERM:QUIT:HUP", "TERM:NONSENSE", "RTMIN+31:TERM", "TERM=QUIT", "KILL:TERM", "CHLD:TERM"])(
  "ends with 78 for NFS_SIGNAL_MAP=%s",
  async (map) => {
    const end = await run({ args: ["--", "echo", "started"], place: ordinary, env: { NFS_SIGNAL_MAP: map } });
    expect(end).toMatchObject({ exitCode: 78, stdout: "", stderr: expect.stringContaining("NFS_SIGNAL_MAP") });
  },
);

it("is outlived by COMMAND when it is killed and is not PID 1", async () => {
  const running = start({ args: ["--", "sleep", "300"], place: ordinary });
  const command = await running.commandPid();
  killLater(command);
  await running.send("SIGKILL");
  await eventually("COMMAND has another parent", () => statOf(command).parent !== running.child.pid);
  await settled(command);
});
