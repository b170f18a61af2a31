// What a round of mount calls comes to that has failed in each of its versions.
import type { MountFailure, Verdict } from "../kinds/failure.ts";

/** Sums up one round over several versions: hope in one of them is hope for the share. */
export function summarize(failures: readonly MountFailure[]): MountFailure {
  const byHope: readonly Verdict[] = ["ambiguous", "transient", "look", "unsupported", "permanent"];
  const settled = failures.find(({ verdict, everyVersion }) => verdict === "permanent" && everyVersion === true);
  if (settled !== undefined) return settled;
  for (const verdict of byHope) {
    const found = failures.find((failure) => failure.verdict === verdict);
    if (found !== undefined) return found;
  }
  return { verdict: "transient", reason: "the server speaks none of the versions the share may use" };
}
