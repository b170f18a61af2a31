// fstab: the lines of the configuration, bare, in plan order.
import { fstabLines, type PlanFacts } from "../plan/plan.ts";
import type { Config } from "../config/config.ts";
import { planShares } from "../lifecycle/plan-shares.ts";

/** The text for stdout: a line a share. */
export function printFstab(facts: () => PlanFacts, config: Config): string {
  return fstabLines(planShares(facts, config))
    .map((line) => `${line}\n`)
    .join("");
}
