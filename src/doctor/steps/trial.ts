// What mount(2) says to a trial that nobody else sees.
import { classifyErrno } from "../../kinds/nfs/failures.ts";
import { type Check, fails, notApplicable, ok } from "../check.ts";
import type { ShareFacts } from "../facts.ts";

export function trialCheck({ trial }: ShareFacts): Check {
  const name = "trial mount";
  if (trial.kind === "not-tried") return notApplicable(name, trial.reason);
  const said = trial.calls
    .map(
      ({ version, errno }) =>
        `${version}: ${errno === "" ? "mounted, and unmounted again" : classifyErrno(errno).reason}`,
    )
    .join("; ");
  return trial.calls.some(({ errno }) => errno === "") ? ok(name, said) : fails(name, said);
}
