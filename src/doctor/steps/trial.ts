// What mount(2) says to a trial that nobody else sees.
import { mountingOf } from "../../kinds/mountings.ts";
import { type Check, fails, notApplicable, ok } from "../check.ts";
import type { ShareFacts } from "../facts.ts";

export function trialCheck({ share, trial }: ShareFacts): Check {
  const name = "trial mount";
  if (trial.kind === "not-tried") return notApplicable(name, trial.reason);
  const ways = mountingOf(share).ways(share, []);
  const reasonOf = (errno: string, version: string) =>
    ways.find((way) => way.version === version)?.failure(errno).reason ?? errno;
  const said = trial.calls
    .map(
      ({ version, errno }) => `${version}: ${errno === "" ? "mounted, and unmounted again" : reasonOf(errno, version)}`,
    )
    .join("; ");
  return trial.calls.some(({ errno }) => errno === "") ? ok(name, said) : fails(name, said);
}
