// A terminal: COMMAND is in its foreground, reads from it, and gets Ctrl-C once.
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { eventually } from "../support/eventually.ts";
import { descendantsOf, exeOf, statOf, terminalGroupOf } from "../support/process-table.ts";
import {
  binary,
  describePid1,
  describePlaces,
  isRoot,
  pidNamespace,
  run,
  settled,
  start,
  temporaryDirectory,
  type Place,
} from "../support/process.ts";

/**
 * Runs nfs-init on a pseudo-terminal of its own, made by script(1); what is written to stdin is typed there. As PID 1 it is
 * the leader of the terminal's session, as container engines have it.
 */
function startOnTerminal(place: Place, command: string, env: Readonly<Record<string, string>> = {}) {
  const words = place.isPid1 ? [...pidNamespace, "setsid", "--ctty", binary] : [binary];
  return startInScript([...words, "--", "sh", "-c", command], env);
}

function startInScript(words: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const line = words.map((word) => `'${word.replaceAll("'", String.raw`'\''`)}'`).join(" ");
  const running = start({
    program: "/usr/bin/script",
    args: ["--quiet", "--return", "--command", line, "/dev/null"],
    env: { TERM: "dumb", SHELL: "/bin/sh", ...env },
  });
  const scriptPid = running.child.pid ?? 0;
  return {
    ...running,
    initPid: () =>
      eventually("nfs-init runs on the terminal", () => descendantsOf(scriptPid).find((pid) => exeOf(pid) === binary)),
    type: (text: string) => running.stdin.write(text),
  };
}

/**
 * Waits until COMMAND has said that it is ready and nfs-init has put it into the foreground: it is told to go on after that, which
 * would undo a Ctrl-Z that came between. Gives COMMAND's pid.
 */
async function inForeground(terminal: ReturnType<typeof startInScript>): Promise<number> {
  await terminal.says("ready");
  const init = await terminal.initPid();
  const command = await eventually("COMMAND", () => descendantsOf(init)[0]);
  await eventually("its group is in the foreground", () => terminalGroupOf(command) === statOf(command).group);
  await settled(init);
  return command;
}

/** The output with the line ends of a program that knows no terminal. */
function textOf(running: { readonly stdout: () => string }): string {
  return running.stdout().replaceAll("\r\n", "\n");
}

describePlaces((place) => {
  it("gives the foreground to COMMAND", async () => {
    const terminal = startOnTerminal(place, "echo ready; read line");
    const command = await inForeground(terminal);
    expect(terminalGroupOf(command)).toBe(command);
    expect(statOf(command).group).toBe(command);
    terminal.type("\n");
    expect((await terminal.ended).exitCode).toBe(0);
  });

  it("lets COMMAND read from the terminal", async () => {
    const terminal = startOnTerminal(place, 'echo ready; read line; echo "got $line"; exit 6');
    await terminal.says("ready");
    terminal.type("some words\n");
    expect((await terminal.ended).exitCode).toBe(6);
    expect(textOf(terminal)).toContain("got some words\n");
  });

  it("lets COMMAND read from the terminal at its first instruction", async () => {
    const terminal = startOnTerminal(place, "exec cat");
    terminal.type("some words\n\u0004");
    expect((await terminal.ended).exitCode).toBe(0);
    // Once echoed by the terminal, once by cat.
    expect(textOf(terminal).match(/some words/g)).toHaveLength(2);
  });

  it("gives Ctrl-C to COMMAND once", async () => {
    const listener = `
      let count = 0;
      process.on("SIGINT", () => console.log("SIGINT " + ++count));
      process.on("SIGUSR1", () => process.exit(count));
      process.stdin.resume();
      console.log("ready");`;
    const terminal = startOnTerminal(place, `exec '${process.execPath}' -e '${listener.replaceAll("\n", " ")}'`);
    await terminal.says("ready");
    for (const count of [1, 2, 3]) {
      terminal.type("\u0003");
      await terminal.says(`SIGINT ${count}`);
    }
    // Everything that was sent before has come when this one does.
    process.kill(await terminal.initPid(), "SIGUSR1");
    expect((await terminal.ended).exitCode).toBe(3);
  });

  it("ends with 130 when Ctrl-C ends COMMAND", async () => {
    const terminal = startOnTerminal(place, "echo ready; exec sleep 300");
    await terminal.says("ready");
    terminal.type("\u0003");
    expect((await terminal.ended).exitCode).toBe(130);
  });

  it("ends with 131 when Ctrl-\\ ends COMMAND, and gives it to COMMAND once where that catches it", async () => {
    const terminal = startOnTerminal(place, "ulimit -c 0; echo ready; exec sleep 300");
    await terminal.says("ready");
    terminal.type("\u001C");
    expect((await terminal.ended).exitCode).toBe(131);

    const listener = `
      let count = 0;
      process.on("SIGQUIT", () => console.log("SIGQUIT " + ++count));
      process.on("SIGUSR1", () => process.exit(count));
      process.stdin.resume();
      console.log("ready");`;
    const other = startOnTerminal(place, `exec '${process.execPath}' -e '${listener.replaceAll("\n", " ")}'`);
    await other.says("ready");
    for (const count of [1, 2]) {
      other.type("\u001C");
      await other.says(`SIGQUIT ${count}`);
    }
    process.kill(await other.initPid(), "SIGUSR1");
    expect((await other.ended).exitCode).toBe(2);
  });

  it("lets COMMAND see the size of the terminal, and change it", async () => {
    const terminal = startOnTerminal(place, "stty rows 33 cols 91; stty size; exit 4");
    expect((await terminal.ended).exitCode).toBe(4);
    expect(textOf(terminal)).toContain("33 91\n");
  });

  it("lets COMMAND run job control of its own", async () => {
    const script =
      'set -m; sh -c "echo ready; read -r line; echo got $line; read -r line" ; echo "inner has $?"; fg; exit 3';
    const terminal = startOnTerminal(place, script);
    await terminal.says("ready");
    terminal.type("\u001A");
    await terminal.says("inner has 148");
    terminal.type("one\ntwo\n");
    expect((await terminal.ended).exitCode).toBe(3);
  });

  it("gives the foreground to a COMMAND that is another user", async (context) => {
    context.skip(!isRoot, "becoming another user needs root");
    const terminal = startOnTerminal(place, 'read line; echo "got $line as $(id -u)"', { NFS_USER: "1234" });
    terminal.type("some words\n");
    expect((await terminal.ended).exitCode).toBe(0);
    expect(textOf(terminal)).toContain("got some words as 1234\n");
  });

  it("becomes COMMAND on the terminal with NFS_EXEC", async () => {
    const terminal = startOnTerminal(place, 'read line; echo "got $line"; exit 5', { NFS_EXEC: "on" });
    terminal.type("some words\n");
    expect((await terminal.ended).exitCode).toBe(5);
    expect(textOf(terminal)).toContain("got some words\n");
  });

  it("leaves it to the terminal to tell COMMAND of a new size, once", async () => {
    const listener = `
      let count = 0;
      process.on("SIGWINCH", () => console.log("SIGWINCH " + ++count));
      process.on("SIGUSR1", () => require("node:child_process").execFileSync("stty", ["cols", "77"], { stdio: "inherit" }));
      process.on("SIGUSR2", () => process.exit(count));
      process.stdin.resume();
      console.log("ready");`;
    const terminal = startOnTerminal(place, `exec '${process.execPath}' -e '${listener.replaceAll("\n", " ")}'`);
    await terminal.says("ready");
    const init = await terminal.initPid();
    process.kill(init, "SIGUSR1");
    await terminal.says("SIGWINCH 1");
    process.kill(init, "SIGUSR2");
    expect((await terminal.ended).exitCode).toBe(1);
  });

  it("leaves the settings of the terminal to COMMAND", async () => {
    const terminal = startOnTerminal(place, "stty -echo -icanon min 1; stty -a; echo ready; head -c 1; exit 2");
    await terminal.says("ready");
    expect(textOf(terminal)).toMatch(/-icanon/);
    terminal.type("x");
    expect((await terminal.ended).exitCode).toBe(2);
  });

  it("logs plain text on a terminal", async () => {
    const terminal = startOnTerminal(place, "echo started", {
      NFS_MOUNT_SKIP: "on",
      NFS_HOST: "h",
      NFS_MOUNT_POINT: "/m",
    });
    expect((await terminal.ended).exitCode).toBe(0);
    expect(textOf(terminal)).toMatch(/^\d\d:\d\d:\d\d\.\d{3} error config: NFS_MOUNT_SKIP or TEST is set/m);
  });

  it("logs JSON on a terminal where that is asked for", async () => {
    const terminal = startOnTerminal(place, "echo started", { NFS_MOUNT_SKIP: "on", NFS_LOG_FORMAT: "json" });
    expect((await terminal.ended).exitCode).toBe(0);
    expect(textOf(terminal)).toMatch(/^\{.*"msg":"NFS_MOUNT_SKIP or TEST is set, nothing is mounted".*\}$/m);
  });
});

/** These hang where they fail. */
const soon = { timeout: 15_000 };

describePid1(() => {
  it(
    "gives the foreground to COMMAND where the terminal's foreground group lies outside the PID namespace",
    soon,
    async () => {
      // So it is without a session of its own: tcgetpgrp(3) then gives 0.
      const terminal = startInScript([...pidNamespace, binary, "--", "sh", "-c", 'read line; echo "got $line"']);
      terminal.type("some words\n");
      expect((await terminal.ended).exitCode).toBe(0);
      expect(textOf(terminal)).toContain("got some words\n");
    },
  );
});

describe("under a shell", () => {
  it.each([
    { title: "without job control", options: "set +m" },
    { title: "with job control", options: "set -m" },
  ])("$title gives the terminal back when COMMAND has ended", soon, async ({ options }) => {
    const terminal = startInScript(["sh", "-c", `${options}; '${binary}' -- true; read line; echo "shell got $line"`]);
    terminal.type("some words\n");
    expect((await terminal.ended).exitCode).toBe(0);
    expect(textOf(terminal)).toContain("shell got some words\n");
  });

  it("leaves the settings that COMMAND made", soon, async () => {
    const terminal = startInScript(["sh", "-c", `'${binary}' -- stty -echo rows 33 cols 91; stty -a`]);
    expect((await terminal.ended).exitCode).toBe(0);
    expect(textOf(terminal)).toMatch(/rows 33; columns 91;[^]*-echo /);
  });

  /** COMMAND that says what it reads, twice. */
  const reader = `'${binary}' -- sh -c 'echo ready; read a; echo "got $a"; read b; echo "got $b"; exit 5'`;

  it.each(["sh", "bash"])(
    "stops with COMMAND at Ctrl-Z, and goes on with it in the foreground (%s)",
    soon,
    async (shell) => {
      const steps = 'echo "shell has $?"; read x; echo "shell got $x"; fg; exit $?';
      const terminal = startInScript([shell, "-c", `set -m; ${reader}; ${steps}`]);
      await terminal.says("ready");
      terminal.type("one\n");
      await terminal.says("got one");
      terminal.type("\u001A");
      await terminal.says("shell has 148");
      const init = await terminal.initPid();
      const [command = 0] = descendantsOf(init);
      expect([statOf(init).state, statOf(command).state]).toEqual(["T", "T"]);
      terminal.type("two\n");
      await terminal.says("shell got two");
      terminal.type("three\n");
      expect((await terminal.ended).exitCode).toBe(5);
      expect(textOf(terminal)).toContain("got three\n");
    },
  );

  it("stops and goes on as often as it is asked to", soon, async () => {
    const again = 'while [ $? = 148 ]; do echo "shell"; read x; fg; done; exit $?';
    const count = `i=0; while read line; do echo "got $line"; done; exit 6`;
    const terminal = startInScript(["sh", "-c", `set -m; '${binary}' -- sh -c '${count}'; r=$?; (exit $r); ${again}`]);
    for (const word of ["one", "two", "three", "four"]) {
      terminal.type(`${word}\n`);
      await terminal.says(`got ${word}`);
      const before = textOf(terminal).split("shell\n").length;
      terminal.type("\u001A");
      await eventually("the shell", () => textOf(terminal).split("shell\n").length > before);
      terminal.type("\n");
    }
    terminal.type("\u0004");
    expect((await terminal.ended).exitCode).toBe(6);
  });

  it(
    "goes on with COMMAND in the background (bg), stops when it reads there, and reads in the foreground (fg)",
    soon,
    async () => {
      // It waits by itself, for a line in a FIFO: a shell that is starting a program by vfork(2) cannot stop while that has stopped.
      const command = `'${binary}' -- sh -c 'echo ready; read go <"$0"; echo late; read a; echo "got $a"; exit 5'`;
      const fifo = join(temporaryDirectory(), "fifo");
      const stopped = "until jobs >$0.jobs; grep -q Stopped $0.jobs; do sleep 0.05; done";
      const steps = `echo "shell has $?"; bg; read x; echo "shell got $x"; echo go >$0; ${stopped}; echo "stopped"; fg; exit $?`;
      const terminal = startInScript(["sh", "-c", `mkfifo $0; set -m; ${command} $0; ${steps}`, fifo]);
      await inForeground(terminal);
      terminal.type("\u001A");
      await terminal.says("shell has 148");
      const init = await terminal.initPid();
      await eventually("both go on", () => [init, ...descendantsOf(init)].every((pid) => statOf(pid).state !== "T"));
      terminal.type("one\n");
      await terminal.says("shell got one");
      await terminal.says("stopped");
      terminal.type("two\n");
      expect((await terminal.ended).exitCode).toBe(5);
      expect(textOf(terminal)).toContain("got two\n");
    },
  );

  it("ends with COMMAND when it is ended while it is stopped", soon, async () => {
    const steps = 'echo "shell has $?"; kill %1; fg; exit $?';
    const terminal = startInScript(["sh", "-c", `set -m; ${reader}; ${steps}`]);
    await inForeground(terminal);
    terminal.type("\u001A");
    expect((await terminal.ended).exitCode).toBe(143);
  });

  it("with job control does not take the terminal while it runs in the background", soon, async () => {
    const command = `'${binary}' -- sh -c 'echo ready; exec sleep 300' &`;
    const terminal = startInScript([
      "sh",
      "-c",
      `set -m; ${command} read line; echo "shell got $line"; kill %1; wait %1; exit 9`,
    ]);
    await terminal.says("ready");
    terminal.type("some words\n");
    expect((await terminal.ended).exitCode).toBe(9);
    expect(textOf(terminal)).toContain("shell got some words\n");
  });
});

describe("where no shell stands above it", () => {
  it("goes on at Ctrl-Z, since nobody could continue it", soon, async () => {
    const terminal = startOnTerminal({ name: "", isPid1: false }, 'echo ready; read line; echo "got $line"; exit 5');
    await terminal.says("ready");
    terminal.type("\u001Asome words\n");
    expect((await terminal.ended).exitCode).toBe(5);
    expect(textOf(terminal)).toContain("got some words\n");
  });
});

describePid1((place) => {
  it("goes on at Ctrl-Z, since nobody could continue it", soon, async () => {
    const terminal = startOnTerminal(place, 'echo ready; read line; echo "got $line"; exit 5');
    await terminal.says("ready");
    terminal.type("\u001Asome words\n");
    expect((await terminal.ended).exitCode).toBe(5);
    expect(textOf(terminal)).toContain("got some words\n");
  });
});

describe("where the terminal is another session's", () => {
  it("runs COMMAND as ever, with the terminal as its stdin", soon, async () => {
    const terminal = startInScript([
      "setsid",
      "--wait",
      binary,
      "--",
      "sh",
      "-c",
      'read line; echo "got $line"; exit 5',
    ]);
    terminal.type("some words\n");
    expect((await terminal.ended).exitCode).toBe(5);
    expect(textOf(terminal)).toContain("got some words\n");
  });
});

describePlaces((place) => {
  it("runs COMMAND as ever where there is no terminal at all", async () => {
    const script = 'exec 2>&1; (: </dev/tty) || echo "no terminal"; exit 5';
    const end = await run({ args: ["--", "sh", "-c", script], place, prelude: 'exec setsid --wait "$@"' });
    expect(end.exitCode).toBe(5);
    expect(end.stdout).toContain("no terminal\n");
  });
});
