// Starts wait: it asks servers, and nothing else of the machine.
import { clock } from "../../host/clock.ts";
import { resolveName } from "../../host/names.ts";
import { planFactsOf } from "../../host/plan-facts.ts";
import { dial } from "../../host/sockets.ts";
import { withIds } from "../../kinds/efs/names.ts";
import { wait } from "../wait.ts";
import { readForShares } from "./configuration.ts";
import { inFrame } from "./frame.ts";
import { boardOf } from "./publishing.ts";
import type { Start } from "./start.ts";

export function start(given: Start): Promise<number> {
  return inFrame(given, async (frame) => {
    const config = await readForShares(frame);
    const { log, inbox } = frame;
    const planFacts = planFactsOf(log, config.settings.stateDir);
    const network = withIds(clock, { dial, resolveName }, frame.environment);
    return wait({ log, board: boardOf(frame, config), clock, network, planFacts, onStop: inbox.onStop }, config);
  });
}
