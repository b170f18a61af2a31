// The addresses of a name, whatever a name server leaves unanswered.
import { describe, expect, test } from "vitest";
import { nameResolver, type Family, type Resolved } from "../../../src/ask/names.ts";
import { handClock } from "../fakes/clock.ts";

const unknown: Resolved = { kind: "unresolved", cause: "unknown", reason: "name not known" };
const ipv4: Resolved = { kind: "addresses", addresses: ["192.0.2.1"] };
const ipv6: Resolved = { kind: "addresses", addresses: ["2001:db8::1"] };
const both: Resolved = { kind: "addresses", addresses: ["192.0.2.1", "2001:db8::1"] };
const tooLate: Resolved = {
  kind: "unresolved",
  cause: "no-answer",
  reason: "name server does not answer in time",
};

/** What a name server says of a family, and after how long; "never" where its answer is dropped. */
type Answer = Resolved | "never" | { readonly afterMs: number; readonly says: Resolved };

const clock = handClock();

/** A resolver with the questions that were put: `nas 4`. */
function setUp(answers: (name: string, family: Family) => Answer) {
  const asked: string[] = [];
  const resolve = nameResolver({
    clock,
    lookup: async (name, family) => {
      asked.push(`${name} ${family}`);
      const answer = answers(name, family);
      if (answer === "never") return new Promise<Resolved>(() => {});
      if ("kind" in answer) return answer;
      await clock.sleep(answer.afterMs);
      return answer.says;
    },
  });
  return {
    asked,
    resolve: (name = "nas", family?: Family) => resolve(name, clock.timeout(15_000), family),
  };
}

/** What comes of it and after how long. */
async function timed<T>(begin: () => Promise<T>): Promise<{ readonly value: T; readonly ms: number }> {
  const startedMs = clock.nowMs();
  let ended: { readonly value: T; readonly ms: number } | undefined;
  void begin().then((value) => {
    ended = { value, ms: Math.round(clock.nowMs() - startedMs) };
  });
  for (let steps = 0; ended === undefined && steps < 3_000; steps++) await clock.pass(10);
  if (ended === undefined) throw new Error("it has not ended");
  return ended;
}

describe("a name is resolved", () => {
  test.each<[string, Answer, Answer, Resolved, number]>([
    ["both families at once", ipv4, ipv6, both, 0],
    ["IPv4 alone", ipv4, unknown, ipv4, 0],
    ["IPv6 alone", unknown, ipv6, ipv6, 0],
    ["neither", unknown, unknown, unknown, 0],
    ["a dropped AAAA answer", ipv4, "never", ipv4, 50],
    ["a late AAAA answer", ipv4, { afterMs: 3_000, says: ipv6 }, ipv4, 50],
    ["IPv6 alone, late", unknown, { afterMs: 500, says: ipv6 }, ipv6, 500],
    ["no A answer in 10 s", { afterMs: 10_000, says: unknown }, ipv6, ipv6, 10_000],
    ["a name that is not known, and a dropped AAAA answer", unknown, "never", unknown, 1_000],
    ["a name server that is silent", "never", "never", tooLate, 15_000],
  ])("with %s", async (_, answer4, answer6, value, afterMs) => {
    const { resolve } = setUp((_name, family) => (family === 4 ? answer4 : answer6));
    const ended = await timed(() => resolve());
    expect(ended.value).toEqual(value);
    expect(ended.ms).toBeGreaterThanOrEqual(afterMs);
    expect(ended.ms).toBeLessThanOrEqual(afterMs + 20);
  });

  test.each<[Family, Answer, Answer, Resolved, number]>([
    [4, ipv4, "never", ipv4, 0],
    [6, "never", ipv6, ipv6, 0],
    [6, ipv4, { afterMs: 3_000, says: ipv6 }, ipv6, 3_000],
    // Whoever asked can say that there are others.
    [6, ipv4, unknown, ipv4, 0],
    [6, ipv4, "never", tooLate, 15_000],
    [6, "never", unknown, unknown, 1_000],
  ])("where only IPv%d is of use, with %o and %o", async (family, answer4, answer6, value, afterMs) => {
    const { resolve } = setUp((_, asked) => (asked === 4 ? answer4 : answer6));
    const ended = await timed(() => resolve("nas", family));
    expect(ended.value).toEqual(value);
    expect(ended.ms).toBeLessThanOrEqual(afterMs + 20);
  });

  test.each(["192.0.2.7", "2001:db8::7", "fe80::7%eth0"])("%s is its own answer", async (address) => {
    const { asked, resolve } = setUp(() => "never");
    expect((await timed(() => resolve(address))).value).toEqual({ kind: "addresses", addresses: [address] });
    expect(asked).toEqual([]);
  });

  test("anew each time", async () => {
    const { asked, resolve } = setUp((_, family) => (family === 4 ? ipv4 : unknown));
    for (let times = 0; times < 3; times++) await timed(() => resolve());
    expect(asked.filter((question) => question === "nas 4")).toHaveLength(3);
  });

  test("with one question at a time of a kind that gets no answer, and each of the other", async () => {
    const { asked, resolve } = setUp((_, family) => (family === 4 ? ipv4 : "never"));
    for (let times = 0; times < 40; times++) expect((await timed(() => resolve())).value).toEqual(ipv4);
    expect(asked.filter((question) => question === "nas 6")).toHaveLength(1);
    expect(asked.filter((question) => question === "nas 4")).toHaveLength(40);
  });

  test("with IPv6 addresses that came too late for the question before", async () => {
    const { resolve } = setUp((_, family) => (family === 4 ? ipv4 : { afterMs: 200, says: ipv6 }));
    expect((await timed(() => resolve())).value).toEqual(ipv4);
    await clock.pass(250);
    expect((await timed(() => resolve())).value).toEqual(both);
  });

  test("with no address that came long ago", async () => {
    const { asked, resolve } = setUp((_, family) => (family === 4 ? ipv4 : { afterMs: 200, says: ipv6 }));
    await timed(() => resolve());
    await clock.pass(60_000);
    expect((await timed(() => resolve())).value).toEqual(ipv4);
    expect(asked.filter((question) => question === "nas 6")).toHaveLength(2);
  });

  test("with one thread taken for all names whose AAAA answers are dropped", async () => {
    const { asked, resolve } = setUp((_, family) => (family === 4 ? ipv4 : "never"));
    for (const name of ["one", "two", "three"]) expect((await timed(() => resolve(name))).value).toEqual(ipv4);
    expect(asked).toEqual(["one 4", "one 6", "two 4", "three 4"]);
  });

  test("with IPv4 asked first: a silent name server takes one thread", async () => {
    const { asked, resolve } = setUp(() => "never");
    await timed(() => resolve());
    expect(asked).toEqual(["nas 4"]);
  });
});
