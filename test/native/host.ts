// Builds the programs of these tests into the host, with the sanitizers of the compiler or without.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { buildExecutable } from "../../scripts/native/executable.ts";

export type Variant = "plain" | "sanitized";

/** The path of the executable. */
export async function buildHost(variant: Variant): Promise<string> {
  const outfile = `.build/test-native-${variant}`;
  await buildExecutable({
    target: process.arch === "arm64" ? "arm64" : "x64",
    outfile,
    sanitize: variant === "sanitized",
    entry: "test/native/programs/main.ts",
  });
  return outfile;
}

export interface Ran {
  readonly code: number | null;
  readonly signal: string | null;
  readonly output: string;
}

const sanitizers = {
  ASAN_OPTIONS: "halt_on_error=1:abort_on_error=1",
  UBSAN_OPTIONS: "halt_on_error=1:print_stacktrace=1",
};

export async function run(command: string, args: readonly string[], cwd?: string): Promise<Ran> {
  const child = spawn(command, args, {
    cwd,
    env: { ...process.env, ...sanitizers },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const [stdout, stderr, [code, signal]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, "close"),
  ]);
  return { code: code as number | null, signal: signal as string | null, output: stdout + stderr };
}
