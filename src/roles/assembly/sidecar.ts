// Starts sidecar.
import { sidecar } from "../sidecar.ts";
import { readForShares } from "./configuration.ts";
import { inFrame } from "./frame.ts";
import { withMounting } from "./mounting.ts";
import type { Start } from "./start.ts";

export function start(given: Start): Promise<number> {
  return inFrame(given, async (frame) => {
    const config = await readForShares(frame);
    return withMounting(frame, config, (ports) => sidecar(ports, config));
  });
}
