// doctor for a server: why it does not serve here, or what it serves; changes nothing.
import type { ExportConfig } from "../config/exports.ts";
import { collectServerFacts, type ServerDoctorPorts } from "../doctor/server/collect.ts";
import { judgeServer } from "../doctor/server/judge.ts";
import { formatPage, formatServerJson } from "../doctor/report.ts";
import { exitCodes } from "../errors.ts";
import { abortedBy, Stopped } from "../lifecycle/stop.ts";

export interface ServerDoctorRolePorts {
  readonly doctor: ServerDoctorPorts;
  readonly print: (text: string) => Promise<void>;
  /** Whether the page is to have colours. */
  readonly isColoured: boolean;
  /** Called with the first stop signal. */
  readonly onStop: (stop: (signal: number) => void) => void;
}

/** Longest time for one answer. */
const budgetMs = 5_000;
/** Exit code where an export would not be served. */
const wouldNotServe = 1;

/** Prints the page or JSON; 0 where every export would be served, or is, else 1. */
export async function serverDoctor(
  ports: ServerDoctorRolePorts,
  exports: ExportConfig,
  { json }: { readonly json: boolean },
): Promise<number> {
  const stop = new AbortController();
  ports.onStop((signal) => stop.abort(new Stopped(signal)));
  try {
    const collected = collectServerFacts(ports.doctor, exports, budgetMs);
    const facts = await Promise.race([collected, abortedBy(stop.signal)]);
    const findings = judgeServer(facts);
    await ports.print(json ? formatServerJson(findings, facts) : formatPage(findings, ports.isColoured));
    return findings.wouldServe ? exitCodes.ok : wouldNotServe;
  } catch (error) {
    if (!(error instanceof Stopped)) throw error;
    return exitCodes.signalBase + error.signal;
  }
}
