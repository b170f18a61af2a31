// The plan of a configuration on this machine, or the AppError that names every target that cannot be one.
import { planMounts, type MountPlan, type PlanFacts } from "../plan/plan.ts";
import type { Config } from "../config/config.ts";
import { AppError, exitCodes } from "../errors.ts";

export function planShares(facts: () => PlanFacts, config: Config): MountPlan {
  if (config.shares.length === 0) return { shares: [] };
  const result = planMounts(config, facts());
  if (result.kind === "plan") return result.plan;
  throw new AppError(result.problems.join("; "), exitCodes.config);
}
