// The exit code: COMMAND's own, 128+n for the signal that ended it, 126 and 127 where it could not be started.
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { constants } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { describePlaces, run, temporaryDirectory, type Launch, type Place } from "../support/process.ts";

const codes = [0, 1, 2, 3, 32, 63, 64, 70, 75, 78, 100, 124, 125, 126, 127, 128, 129, 137, 143, 200, 254, 255];

/** Signals whose default does not end a process. */
const harmless = new Set(
  (["SIGCHLD", "SIGCONT", "SIGSTOP", "SIGTSTP", "SIGTTIN", "SIGTTOU", "SIGURG", "SIGWINCH"] as const).map(
    (name) => constants.signals[name],
  ),
);
const lastRealTimeSignal = 64;
const terminating = Array.from({ length: lastRealTimeSignal }, (_, index) => index + 1).filter(
  (signal) => !harmless.has(signal),
);
const firstRealTimeSignal = 34;

/** Runs one COMMAND per item, a few at once. */
async function exitCodesOf(place: Place, items: readonly number[], scriptOf: (item: number) => string) {
  const found = new Map<number, number>();
  const rest = [...items];
  const worker = async () => {
    for (let item = rest.pop(); item !== undefined; item = rest.pop()) {
      found.set(item, (await run({ args: ["--", "sh", "-c", scriptOf(item)], place })).exitCode);
    }
  };
  await Promise.all([worker(), worker(), worker(), worker()]);
  return new Map(items.map((item) => [item, found.get(item)]));
}

describePlaces((place) => {
  it("is COMMAND's own", async () => {
    const found = await exitCodesOf(place, codes, (code) => `exit ${code}`);
    expect(found).toEqual(new Map(codes.map((code) => [code, code])));
  });

  it("is 128+n for every signal that can end COMMAND, real-time ones too", async () => {
    const found = await exitCodesOf(place, terminating, (signal) => `ulimit -c 0; kill -${signal} $$`);
    expect(found).toEqual(new Map(terminating.map((signal) => [signal, 128 + signal])));
  });

  it("is 128 + SIGRTMIN+3 for systemd's stop signal", async () => {
    const { exitCode } = await run({ args: ["--", "sh", "-c", `kill -${firstRealTimeSignal + 3} $$`], place });
    expect(exitCode).toBe(165);
  });

  it("is COMMAND's own however soon COMMAND ends", async () => {
    const rounds = Array.from({ length: 20 }, (_, index) => index);
    const found = await exitCodesOf(place, rounds, () => "exit 9");
    expect([...new Set(found.values())]).toEqual([9]);
  });

  it("is 0 of a COMMAND that is a bare program, every time", async () => {
    for (let round = 0; round < 15; round++) {
      expect(await run({ args: ["true"], place })).toEqual({ exitCode: 0, stdout: "", stderr: "" });
    }
  });

  it("is 127 for a path that is not there", async () => {
    await expectRefusal({ args: ["--", "/no/such/program"], place }, 127, "/no/such/program: not found");
  });

  it("is 127 for a name that is not in PATH", async () => {
    const env = { PATH: "/usr/local/bin:/usr/bin:/bin" };
    await expectRefusal({ args: ["--", "no-such-program"], place, env }, 127, "no-such-program: not found");
  });

  it("is 127 for a path through a file that is no directory", async () => {
    await expectRefusal({ args: ["--", "/etc/passwd/program"], place }, 127, "/etc/passwd/program: not found");
  });

  it("is 127 for an empty name", async () => {
    await expectRefusal({ args: ["--", ""], place }, 127, "cannot start : not found");
  });

  it("is 127 for a script whose interpreter is missing, and says to look at it", async () => {
    const script = program("#!/no/such/interpreter\n");
    await expectRefusal({ args: ["--", script], place }, 127, `${script}: not found`);
    expect((await run({ args: ["--", script], place })).stderr).toContain("interpreter");
  });

  it("is 126 for a directory", async () => {
    const directory = temporaryDirectory();
    await expectRefusal({ args: ["--", directory], place }, 126, `${directory}: permission denied`);
  });

  it("is 126 for a file without the x bit", async () => {
    const script = program("#!/bin/sh\n", 0o644);
    await expectRefusal({ args: ["--", script], place }, 126, `${script}: permission denied`);
  });

  it("is 126 for a file without the x bit that PATH leads to", async () => {
    const directory = temporaryDirectory();
    writeFileSync(join(directory, "tool"), "#!/bin/sh\n", { mode: 0o644 });
    const env = { PATH: `${process.env["PATH"]}:${directory}` };
    await expectRefusal({ args: ["--", "tool"], place, env }, 126, "tool: permission denied");
  });

  it("is 126 for a program in a format this machine cannot run", async () => {
    // The head of an ELF file for a machine there is none of (e_machine 0xffff).
    const head = Buffer.alloc(64);
    head.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
    head.writeUInt16LE(2, 16);
    head.writeUInt16LE(0xffff, 18);
    const file = program(head);
    await expectRefusal({ args: ["--", file], place }, 126, `${file}: not in a format this machine can run`);
  });

  it("is the script's for a script without a first line that names its interpreter", async () => {
    const script = program('echo "$0 $1 $2"; exit 5\n');
    expect(await run({ args: ["--", script, "a b", "c"], place })).toEqual({
      exitCode: 5,
      stdout: `${script} a b c\n`,
      stderr: "",
    });
  });

  it("is the script's for such a script that PATH leads to", async () => {
    const directory = temporaryDirectory();
    writeFileSync(join(directory, "tool"), "exit 6\n", { mode: 0o755 });
    const end = await run({ args: ["--", "tool"], place, env: { PATH: `${directory}:${process.env["PATH"]}` } });
    expect(end).toEqual({ exitCode: 6, stdout: "", stderr: "" });
  });

  it("is the script's for such a script behind a directory of its name in PATH", async () => {
    const [first, second] = [temporaryDirectory(), temporaryDirectory()];
    mkdirSync(join(first, "tool"));
    writeFileSync(join(second, "tool"), "exit 6\n", { mode: 0o755 });
    const env = { PATH: `${first}:${second}:${process.env["PATH"]}` };
    expect(await run({ args: ["--", "tool"], place, env })).toEqual({ exitCode: 6, stdout: "", stderr: "" });
  });

  it("finds COMMAND beside the working directory, in it and without PATH", async () => {
    const cwd = temporaryDirectory();
    mkdirSync(join(cwd, "bin"));
    writeFileSync(join(cwd, "bin", "tool"), "#!/bin/sh\nexit 4\n", { mode: 0o755 });
    expect((await run({ args: ["bin/tool"], place, cwd })).exitCode).toBe(4);
    expect((await run({ args: ["./tool"], place, cwd: join(cwd, "bin") })).exitCode).toBe(4);
    expect((await run({ args: ["true"], place, prelude: "unset PATH" })).exitCode).toBe(0);
  });
});

/** An executable file of the test's own. */
function program(content: string | Uint8Array, mode = 0o755): string {
  const file = join(temporaryDirectory(), "program");
  writeFileSync(file, content);
  chmodSync(file, mode);
  return file;
}

/** Expects one line on stderr that names the file and the reason, and nothing on stdout. */
async function expectRefusal(launch: Launch, exitCode: number, text: string): Promise<void> {
  const end = await run(launch);
  expect({ exitCode: end.exitCode, stdout: end.stdout }).toEqual({ exitCode, stdout: "" });
  expect(end.stderr).toContain(text);
  expect(end.stderr.trimEnd().split("\n")).toHaveLength(1);
}
