// From facts to what is said of them: a line for each check, and one sentence with the likeliest cause and what to change.
import type { Cause } from "./cause.ts";
import { causesOf } from "./causes.ts";
import type { Check } from "./check.ts";
import { machineChecks, shareChecks } from "./checks.ts";
import type { DoctorFacts } from "./facts.ts";

export interface Section {
  /** What the checks are about: this container, or `host:/path on /target`. */
  readonly title: string;
  readonly checks: readonly Check[];
}

export interface Findings {
  readonly sections: readonly Section[];
  /** The likeliest first. */
  readonly causes: readonly Cause[];
  /** Whether every share would mount. */
  readonly wouldMount: boolean;
  /** One sentence. */
  readonly verdict: string;
}

/** `isSkipped` where the configuration says to mount nothing (NFS_MOUNT_SKIP). */
export function judge(facts: DoctorFacts, isSkipped = false): Findings {
  const causes = isSkipped ? [skipped, ...causesOf(facts)] : causesOf(facts);
  return {
    sections: [
      { title: "this container", checks: machineChecks(facts) },
      ...facts.shares.map((share) => ({
        title: `${share.share.label} on ${share.share.target}`,
        checks: shareChecks(share),
      })),
    ],
    causes,
    wouldMount: !causes.some(({ isFatal }) => isFatal),
    verdict: verdictOf(causes, facts),
  };
}

const skipped: Cause = {
  id: "skipped",
  share: undefined,
  isFatal: true,
  because: "NFS_MOUNT_SKIP or TEST is set, so nothing is meant to be mounted",
  change: "unset both",
};

function verdictOf(causes: readonly Cause[], { shares }: DoctorFacts): string {
  const all = shares.length === 1 ? (shares[0]?.share.label ?? "The share") : `All ${shares.length} shares`;
  const [first] = causes;
  if (first === undefined) return `${all} would mount: nothing was found that is in the way.`;
  if (!first.isFatal) return `${all} would mount, but ${first.because}; ${first.change}.`;
  if (first.share === undefined) return `Nothing can be mounted here because ${first.because}; ${first.change}.`;
  const failing = new Set(causes.flatMap(({ isFatal, share }) => (isFatal && share !== undefined ? [share] : []))).size;
  const others = shares.length > 1 ? ` (${failing} of ${shares.length} shares do not)` : "";
  return `${first.share} does not mount${others} because ${first.because}; ${first.change}.`;
}
