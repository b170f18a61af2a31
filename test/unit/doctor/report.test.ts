import { describe, expect, test } from "vitest";
import { judge } from "../../../src/doctor/findings.ts";
import { formatJson, formatPage } from "../../../src/doctor/report.ts";
import { goodFacts, goodShare } from "./good-facts.ts";

const facts = goodFacts([goodShare()]);
const findings = judge(facts);

describe("the page", () => {
  test("ends with the sentence, a line of its own", () => {
    expect(formatPage(findings, false).split("\n").slice(-3)).toEqual(["", findings.verdict, ""]);
  });

  test("has every check of this container and of each share", () => {
    const page = formatPage(findings, false);
    for (const name of [
      "CAP_SYS_ADMIN",
      "seccomp",
      "fstab",
      "mount point",
      "name",
      "route",
      "port",
      "export list",
      "trial mount",
    ]) {
      expect(page).toMatch(new RegExp(`^  (?:ok|warning|fails|-) +${name} `, "m"));
    }
  });

  test("is coloured only where it is asked for", () => {
    expect(formatPage(findings, false)).not.toContain("\u001b");
    expect(formatPage(findings, true)).toContain("\u001b[32mok");
  });

  test("lets no control character of a server through", () => {
    const hostile = { ...findings, verdict: "a\u001b[2J\nb\u009b" };
    expect(formatPage(hostile, false)).toMatch(/a\\u001b\[2J\\u000ab\\u009b\n$/);
    expect(formatJson(hostile, facts)).toContain(String.raw`"verdict": "a\u001b[2J\nb\u009b"`);
    expect(JSON.parse(formatJson(hostile, facts))).toMatchObject({ verdict: hostile.verdict });
  });
});

test("JSON carries its version, the verdict, every check and every cause", () => {
  expect(JSON.parse(formatJson(findings, facts))).toMatchObject({
    schemaVersion: 1,
    engine: "docker",
    wouldMount: true,
    verdict: findings.verdict,
    causes: [],
    sections: [{ title: "this container" }, { title: "nas:/export on /mnt/data" }],
    tookMs: 100,
  });
});

test("nothing of the options is told but what is at fault: they may hold a secret", () => {
  const secret = judge(goodFacts([goodShare({ NFS_OPTIONS: "hard,nolock,context=topsecret" })]));
  expect(`${formatPage(secret, false)}${formatJson(secret, facts)}`).not.toContain("topsecret");
});
