// Starts check.
import * as native from "native";
import { decodeEnvironment } from "../../text/encoding.ts";
import { exitCodes } from "../../errors.ts";
import { print } from "../../host/stdio.ts";
import { printable } from "../../text/printable.ts";
import { check } from "../check.ts";
import { readerOf, sayWhy } from "./reader.ts";
import type { Start } from "./start.ts";

export async function start({ invocation, given }: Start): Promise<number> {
  native.unblockSignals();
  const { switches } = invocation;
  const reader = readerOf(invocation, decodeEnvironment(given));
  const question = { ready: switches.has("ready"), sinceStart: switches.has("since-start") };
  const { exitCode, line } = check(reader, question);
  // The answer is the exit code: it is the same where nobody takes the line.
  if (exitCode === exitCodes.ok) await print(`${printable(line)}\n`).catch(() => {});
  else sayWhy(line);
  return exitCode;
}
