// Starts status.
import * as native from "native";
import { decodeEnvironment } from "../../text/encoding.ts";
import { AppError, errnoOf, exitCodes } from "../../errors.ts";
import { clock } from "../../host/clock.ts";
import { readMountstats } from "../../host/mounts.ts";
import { print } from "../../host/stdio.ts";
import { showStatus } from "../status.ts";
import { readerOf, sayWhy } from "./reader.ts";
import type { Start } from "./start.ts";

export async function start({ invocation, given }: Start): Promise<number> {
  native.unblockSignals();
  const environment = decodeEnvironment(given);
  const { switches } = invocation;
  const isTerminal = native.isatty(1);
  const isPlain = (environment["NO_COLOR"] ?? "") !== "" || environment["TERM"] === "dumb";
  return showStatus(
    {
      ...readerOf(invocation, environment),
      mountstats: readMountstats,
      print: (text) => print(text).catch(endWithReader),
      complain: sayWhy,
      sleep: clock.sleep,
      isTerminal,
      hasColours: isTerminal && !isPlain,
    },
    { json: switches.has("json"), watch: switches.has("watch") },
  );
}

/** Whoever reads it may have had enough (head). */
function endWithReader(error: unknown): never {
  if (error instanceof AppError && errnoOf(error.cause) === "EPIPE") native.exit(exitCodes.ok);
  throw error;
}
