// What doctor says of EFS: the steps are those of NFS, what can be changed is at Amazon.
import { describe, expect, test } from "vitest";
import type { ShareFacts } from "../../../src/doctor/facts.ts";
import { judge } from "../../../src/doctor/findings.ts";
import { planOf } from "../fakes/shares.ts";
import { goodAddress, goodFacts, goodShare, noService } from "./good-facts.ts";

const nothingMore = { rpcbind: undefined, ...noService } as const;
const closed = (errno: string): Partial<ShareFacts> => ({
  addresses: [{ ...goodAddress, ...nothingMore, port: { kind: "closed", port: 2049, errno, reason: errno } }],
});

function verdictOf(facts: Partial<ShareFacts>, options: string): string {
  const [share] = planOf({ NFS_MOUNTS: `fs-0123abcd:/data /mnt/data efs ${options}` }).shares;
  if (share === undefined) throw new Error("no share");
  const untried = { trial: { kind: "not-tried", reason: "not in this test" } } as const;
  return judge(goodFacts([{ ...goodShare(), ...untried, share, ...facts }])).verdict;
}

describe("a file system of EFS does not mount", () => {
  test.each<[string, Partial<ShareFacts>, RegExp]>([
    [
      "without a region",
      { name: { kind: "no-region", reason: "its region is not known: none", hint: "set AWS_REGION" }, addresses: [] },
      /because fs-0123abcd is no name yet: its region is not known: none; set AWS_REGION\.$/,
    ],
    [
      "whose name is not known",
      { name: { kind: "unknown", reason: "name not known" }, addresses: [] },
      /enableDnsSupport, enableDnsHostnames.*mounttargetip=/,
    ],
    ["behind a security group", closed("ETIMEDOUT"), /no packet comes back.*through the mount target's security group/],
    ["where nothing listens", closed("ECONNREFUSED"), /nothing listens.*describe-mount-targets/],
  ])("%s", (_, facts, verdict) => {
    expect(verdictOf(facts, "hard")).toMatch(verdict);
  });

  test("whose name with its region is not known, and that name is told", () => {
    const facts: Partial<ShareFacts> = { name: { kind: "unknown", reason: "name not known" }, addresses: [] };
    expect(verdictOf(facts, "az=eu-west-1b")).toContain(
      "the name eu-west-1b.fs-0123abcd.efs.eu-west-1.amazonaws.com is not known here",
    );
  });
});
