// Starts fstab.
import { exitCodes } from "../../errors.ts";
import { planFactsOf } from "../../host/plan-facts.ts";
import { print } from "../../host/stdio.ts";
import { printFstab } from "../fstab.ts";
import { readConfiguration } from "./configuration.ts";
import { inFrame } from "./frame.ts";
import type { Start } from "./start.ts";

export function start(given: Start): Promise<number> {
  return inFrame(given, async (frame) => {
    const config = await readConfiguration(frame);
    await print(printFstab(planFactsOf(frame.log, config.settings.stateDir), config));
    return exitCodes.ok;
  });
}
