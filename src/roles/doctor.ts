// doctor: why a share does not mount here, and what to do about it; changes nothing.
import type { Config } from "../config/config.ts";
import { collectFacts } from "../doctor/collect.ts";
import type { DoctorPorts } from "../doctor/collect-ports.ts";
import { judge } from "../doctor/findings.ts";
import { formatJson, formatPage } from "../doctor/report.ts";
import type { DoctorFacts } from "../doctor/facts.ts";
import { exitCodes } from "../errors.ts";
import type { PlanFacts } from "../plan/plan.ts";
import { planShares } from "../lifecycle/plan-shares.ts";
import { abortedBy, Stopped } from "../lifecycle/stop.ts";

export interface DoctorRolePorts {
  readonly doctor: DoctorPorts;
  readonly planFacts: () => PlanFacts;
  readonly print: (text: string) => Promise<void>;
  /** Whether the page is to have colours. */
  readonly isColoured: boolean;
  /** Called with the first stop signal. */
  readonly onStop: (stop: (signal: number) => void) => void;
}

/** From the first question to the last answer; what has not been answered by then counts as silent. */
const budgetMs = 7_500;
/** Exit code where a share would not mount. */
const wouldNotMount = 1;

/** Prints the page or JSON; 0 where every share would mount, else 1. Throws AppError 78 for mount points that cannot be. */
export async function doctor(
  ports: DoctorRolePorts,
  config: Config,
  { json }: { readonly json: boolean },
): Promise<number> {
  const { shares } = planShares(ports.planFacts, config);
  const stop = new AbortController();
  ports.onStop((signal) => stop.abort(new Stopped(signal)));
  let facts: DoctorFacts;
  try {
    const collected = collectFacts(ports.doctor, shares, config.identity, budgetMs);
    facts = await Promise.race([collected, abortedBy(stop.signal)]);
  } catch (error) {
    if (!(error instanceof Stopped)) throw error;
    return exitCodes.signalBase + error.signal;
  }
  const findings = judge(facts, config.settings.mountSkip);
  await ports.print(json ? formatJson(findings, facts) : formatPage(findings, ports.isColoured));
  return findings.wouldMount ? exitCodes.ok : wouldNotMount;
}
