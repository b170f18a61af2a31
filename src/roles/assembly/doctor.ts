// Starts doctor.
import * as native from "native";
import { withServerAliases } from "../../config/server-aliases.ts";
import { meansExports, meansShares } from "../../config/share-names.ts";
import { doctorPorts } from "../../host/doctor-facts.ts";
import { createWorkers } from "../../host/mounter.ts";
import { planFactsOf } from "../../host/plan-facts.ts";
import { print } from "../../host/stdio.ts";
import { doctor } from "../doctor.ts";
import { readForShares } from "./configuration.ts";
import { inFrame, type Frame } from "./frame.ts";
import { readServerConfiguration } from "./server-configuration.ts";
import type { Start } from "./start.ts";

/** It changes nothing, the termination log of the container it looks at included. */
export function start(given: Start): Promise<number> {
  return inFrame(given, look, { isQuiet: true });
}

async function look(frame: Frame): Promise<number> {
  if (isAboutServer(frame)) return lookAtServer(frame);
  const config = await readForShares(frame);
  const { environment, inbox, invocation, log } = frame;
  const { fstab, stateDir } = config.settings;
  return doctor(
    {
      doctor: doctorPorts({ environment, fstab, mounter: createWorkers().mounter }),
      planFacts: planFactsOf(log, stateDir),
      print,
      isColoured: isColoured(frame),
      onStop: inbox.onStop,
    },
    config,
    { json: invocation.switches.has("json") },
  );
}

function isColoured({ environment }: Frame): boolean {
  return native.isatty(1) && (environment["NO_COLOR"] ?? "") === "";
}

/** Whether a server is asked for, or nothing but one is configured. */
function isAboutServer({ environment, invocation: { switches, flags } }: Frame): boolean {
  const isSet = (means: (name: string) => boolean, given: Frame["environment"]) =>
    Object.entries(given).some(([name, value]) => means(name) && (value ?? "").trim() !== "");
  const hasShares = flags.mounts.length > 0 || flags.values.has("mountPoint") || isSet(meansShares, environment);
  return switches.has("server") || (!hasShares && isSet(meansExports, withServerAliases(environment)));
}

async function lookAtServer(frame: Frame): Promise<number> {
  const { inbox, invocation } = frame;
  const { exports } = readServerConfiguration(frame);
  const [{ serverDoctor }, { serverDoctorPorts }] = await Promise.all([
    import("../server-doctor.ts"),
    import("../../host/server-doctor.ts"),
  ]);
  const ports = { doctor: serverDoctorPorts, print, isColoured: isColoured(frame), onStop: inbox.onStop };
  return serverDoctor(ports, exports, { json: invocation.switches.has("json") });
}
