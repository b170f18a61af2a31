// The arm64 executable, run by qemu: it starts, hands exit codes through and forwards signals. COMMAND is a program of this machine.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { execa } from "execa";
import { beforeAll, expect, it, onTestFinished } from "vitest";
import { prepareArm64 } from "./arm64.ts";
import { releasedFile } from "./released.ts";

let emulator: readonly string[] = [];

beforeAll(async () => {
  emulator = await prepareArm64();
}, 300_000);

const nfsInit = (...args: string[]): [string, string[]] => {
  const [qemu = "", ...options] = emulator;
  return [qemu, [...options, releasedFile("linux-arm64"), ...args]];
};

it("prints its version", async () => {
  const { stdout } = await execa(...nfsInit("--version"));
  expect(stdout).toMatch(/^nfs-init \d/);
});

it.each([
  { command: ["true"], exitCode: 0 },
  { command: ["sh", "-c", "exit 42"], exitCode: 42 },
  { command: ["sh", "-c", "kill -KILL $$"], exitCode: 137 },
  { command: ["/nonexistent"], exitCode: 127 },
  // 126 cannot be seen here: the emulator's vfork(2) does not hand the reason back.
])("ends with $exitCode after $command", async ({ command, exitCode }) => {
  const result = await execa(...nfsInit("--", ...command), { reject: false });
  expect(result.exitCode).toBe(exitCode);
});

it.each([
  { name: "TERM", number: 15 },
  { name: "USR1", number: 10 },
  { name: "RTMIN+3", number: 37 },
])("forwards $name", async ({ name, number }) => {
  const script = `trap 'echo got; exit 3' ${name}; sleep 0.5; echo ready; while :; do sleep 0.05; done`;
  const init = spawn(...nfsInit("--", "bash", "-c", script), { stdio: ["ignore", "pipe", "inherit"] });
  onTestFinished(() => void init.kill("SIGKILL"));
  let said = "";
  init.stdout.setEncoding("utf8").on("data", (text: string) => {
    // bash says it once its trap is set, and nfs-init listens before it starts COMMAND.
    if (said === "") process.kill(init.pid ?? 0, number);
    said += text;
  });
  const [exitCode] = (await once(init, "close")) as [number];
  expect(said).toBe("ready\ngot\n");
  expect(exitCode).toBe(3);
});
