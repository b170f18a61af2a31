// Starts unmount.
import { clock } from "../../host/clock.ts";
import { editFile, readFstab } from "../../host/fstab-file.ts";
import { createWorkers } from "../../host/mounter.ts";
import { planFactsOf } from "../../host/plan-facts.ts";
import { claimDirectory, hiddenPath, lineClaims, lockTarget } from "../../host/state-directory.ts";
import { unmount } from "../unmount.ts";
import { readForShares } from "./configuration.ts";
import { inFrame } from "./frame.ts";
import type { Start } from "./start.ts";

export function start(given: Start): Promise<number> {
  return inFrame(given, async ({ log, ...frame }) => {
    const config = await readForShares({ log, ...frame });
    const { stateDir } = config.settings;
    if (config.shares.length > 0) claimDirectory(stateDir);
    const { mounter, stopAll } = createWorkers();
    const ports = {
      log,
      clock,
      mounter,
      planFacts: planFactsOf(log, stateDir),
      lockTarget: (target: string) => lockTarget(stateDir, target),
      asidePath: (target: string) => hiddenPath(stateDir, "aside", target),
      editFstab: editFile,
      readFstab,
      lineClaims: lineClaims(stateDir),
    };
    try {
      return await unmount(ports, config);
    } finally {
      stopAll();
    }
  });
}
