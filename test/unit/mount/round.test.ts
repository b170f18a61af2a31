import { describe, expect, test } from "vitest";
import type { MountFailure, Prospect } from "../../../src/kinds/failure.ts";
import { summarize } from "../../../src/mount/round.ts";

describe("a round over several versions", () => {
  const failure = (prospect: Prospect, more: Partial<MountFailure> = {}): MountFailure => ({
    prospect,
    reason: prospect,
    ...more,
  });

  test.each<[readonly MountFailure[], Prospect]>([
    [[failure("unsupported"), failure("ambiguous"), failure("permanent")], "ambiguous"],
    [[failure("unsupported"), failure("transient")], "transient"],
    [[failure("permanent"), failure("unsupported")], "unsupported"],
    [[failure("permanent"), failure("permanent")], "permanent"],
    [[failure("unsupported"), failure("unsupported")], "unsupported"],
    [[failure("ambiguous"), failure("permanent", { everyVersion: true })], "permanent"],
    [[], "transient"],
  ])("%j comes to %s", (failures, prospect) => {
    expect(summarize(failures).prospect).toBe(prospect);
  });

  test("gives the newest version's words", () => {
    const words = summarize([failure("ambiguous", { reason: "4.2" }), failure("ambiguous", { reason: "3" })]);
    expect(words.reason).toBe("4.2");
  });
});
