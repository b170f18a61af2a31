// A terminal: COMMAND is in its foreground, reads from it, and gets Ctrl-C once.
import { describe, expect, it } from "vitest";
import { eventually } from "../support/eventually.ts";
import { descendantsOf, exeOf, statOf, terminalGroupOf } from "../support/process-table.ts";
import { binary, describePid1, describePlaces, pidNamespace, start, type Place } from "../support/process.ts";

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

/** The output with the line ends of a program that knows no terminal. */
function textOf(running: { readonly stdout: () => string }): string {
  return running.stdout().replaceAll("\r\n", "\n");
}

describePlaces((place) => {
  it("gives the foreground to COMMAND", async () => {
    const terminal = startOnTerminal(place, "echo ready; read line");
    await terminal.says("ready");
    const init = await terminal.initPid();
    const command = await eventually("COMMAND", () => descendantsOf(init)[0]);
    expect(terminalGroupOf(command)).toBe(statOf(command).group);
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
const soon = { timeout: 5_000 };

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
