// Starts sidecar.
import { initPorts } from "../../host/init.ts";
import { plainHandover } from "../../init/handover.ts";
import { sidecar } from "../sidecar.ts";
import { readForShares } from "./configuration.ts";
import { inFrame } from "./frame.ts";
import { withMounting } from "./mounting.ts";
import type { Start } from "./start.ts";

export function start(given: Start): Promise<number> {
  return inFrame(given, async (frame) => {
    const config = await readForShares(frame);
    const init = initPorts({ handover: plainHandover, workingDirectory: undefined }, frame.inbox);
    return withMounting(frame, config, (ports) => sidecar({ ...ports, init }, config));
  });
}
