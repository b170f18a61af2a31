// stdin, stdout and stderr are COMMAND's: nothing is read, added, mixed or proxied.
import { constants, openSync, readFileSync, closeSync } from "node:fs";
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { expect, it } from "vitest";
import { descriptorsOf, procText } from "../support/process-table.ts";
import {
  describePlaces,
  nofailShare,
  run,
  settled,
  start,
  temporaryDirectory,
  type Launch,
} from "../support/process.ts";

describePlaces((place) => {
  it("leaves stdin to COMMAND, to the last byte", async () => {
    const running = start({ args: ["--", "sha256sum"], place });
    const bytes = Buffer.alloc(1_000_000, "0123456789\n\0\xff", "latin1");
    running.stdin.write(bytes);
    running.stdin.end();
    const expected = execFileSync("sha256sum", { input: bytes, encoding: "utf8" });
    expect(await running.ended).toEqual({ exitCode: 0, stdout: expected, stderr: "" });
  });

  it("does not mix stdout and stderr, and adds nothing to either", async () => {
    const end = await run({ args: ["--", "sh", "-c", "echo out; echo err >&2; printf tail"], place });
    expect(end).toEqual({ exitCode: 0, stdout: "out\ntail", stderr: "err\n" });
  });

  it("hands over the very files, not copies of them", async () => {
    const running = start({ args: ["--", "cat"], place });
    const [init, command] = [await running.initPid(), await running.commandPid()];
    for (const fd of [0, 1, 2]) expect(descriptorsOf(command).get(fd)).toBe(descriptorsOf(init).get(fd));
  });

  it("leaves the flags of stdin, stdout and stderr as they were", async () => {
    await expectFlagsKept({ place });
  });

  it.each([
    { name: "stdin", closing: "<&-", expected: { exitCode: 5, stdout: "out\n", stderr: "err\n" } },
    { name: "stdout", closing: ">&-", expected: { exitCode: 5, stdout: "", stderr: /^(?!.*nfs-init).*err\n$/s } },
    { name: "stderr", closing: "2>&-", expected: { exitCode: 5, stdout: "out\n", stderr: "" } },
    { name: "all three", closing: "<&- >&- 2>&-", expected: { exitCode: 5, stdout: "", stderr: "" } },
  ])("runs COMMAND with $name closed", async ({ closing, expected }) => {
    const end = await run({
      args: ["--", "sh", "-c", "echo out; echo err >&2; exit 5"],
      place,
      prelude: `exec ${closing}`,
    });
    expect(end).toMatchObject({
      ...expected,
      stderr: expected.stderr instanceof RegExp ? expect.stringMatching(expected.stderr) : expected.stderr,
    });
  });

  it("ends although nobody reads what COMMAND writes", async () => {
    const end = await run({ args: ["--", "sh", "-c", `"$0" -- yes | head -n 1; exit 3`, "dist/nfs-init"], place });
    expect(end).toEqual({ exitCode: 3, stdout: "y\n", stderr: "" });
  });
});

describePlaces((place) => {
  it("leaves their flags as they were with a share that it goes on trying to mount", async () => {
    await expectFlagsKept({ place, env: nofailShare(temporaryDirectory()), ownMounts: true });
  });

  it("puts nothing of its own where stdin, stdout and stderr are closed", async () => {
    const directory = temporaryDirectory();
    const running = start({
      args: ["--", "sleep", "300"],
      place,
      prelude: "exec <&- >&- 2>&-",
      env: nofailShare(directory),
      ownMounts: true,
    });
    const found = descriptorsOf(await settled(await running.commandPid()));
    for (const fd of [0, 1, 2]) expect([undefined, "/dev/null"]).toContain(found.get(fd));
  });
}, "mounting");

/** Expects that COMMAND finds its stdin, stdout and stderr, which are pipes, with the flags they had before. */
async function expectFlagsKept(launch: Omit<Launch, "args">): Promise<void> {
  const directory = temporaryDirectory();
  const pipes = ["in", "out", "err"].map((name) => join(directory, name));
  execFileSync("mkfifo", pipes);
  const ends = pipes.map((pipe) => openSync(pipe, constants.O_RDWR));
  const before = ends.map((fd) => flagsOf("self", fd));
  const command = await start({ ...launch, args: ["--", "sleep", "300"], stdio: ends }).commandPid();
  expect([0, 1, 2].map((fd) => flagsOf(command, fd))).toEqual(before);
  for (const fd of ends) closeSync(fd);
}

/** The open file's flags (octal), from fdinfo. */
function flagsOf(pid: number | "self", fd: number): string {
  const text = pid === "self" ? readFileSync(`/proc/self/fdinfo/${fd}`, "utf8") : procText(pid, `fdinfo/${fd}`);
  // O_CLOEXEC belongs to the descriptor, not to the open file.
  const flags = Number.parseInt(/^flags:\s*(\d+)$/m.exec(text)?.[1] ?? "", 8);
  return (flags & ~0o2_000_000).toString(8);
}
