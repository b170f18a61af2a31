// Starts doctor.
import * as native from "native";
import { doctorPorts } from "../../host/doctor-facts.ts";
import { createWorkers } from "../../host/mounter.ts";
import { planFactsOf } from "../../host/plan-facts.ts";
import { print } from "../../host/stdio.ts";
import { doctor } from "../doctor.ts";
import { readForShares } from "./configuration.ts";
import { inFrame, type Frame } from "./frame.ts";
import type { Start } from "./start.ts";

/** It changes nothing, the termination log of the container it looks at included. */
export function start(given: Start): Promise<number> {
  return inFrame(given, look, { isQuiet: true });
}

async function look(frame: Frame): Promise<number> {
  const config = await readForShares(frame);
  const { environment, inbox, invocation, log } = frame;
  const { fstab, stateDir } = config.settings;
  const isColoured = native.isatty(1) && (environment["NO_COLOR"] ?? "") === "";
  return doctor(
    {
      doctor: doctorPorts({ environment, fstab, mounter: createWorkers().mounter }),
      planFacts: planFactsOf(log, stateDir),
      print,
      isColoured,
      onStop: inbox.onStop,
    },
    config,
    { json: invocation.switches.has("json") },
  );
}
