import { describe, expect, test } from "vitest";
import type { Connection, Dial } from "../../../../src/rpc/transport.ts";
import { askPlace } from "../../../../src/kinds/efs/place.ts";
import { handClock } from "../../fakes/clock.ts";

/** The bytes of one, or `refuses` or `hangs`. */
type Answer = string;

/** A connection that sends one answer to whatever it is asked, or none. */
function answering(answer: Answer, signal: AbortSignal): Connection {
  const chunks = answer === "hangs" ? [] : [new TextEncoder().encode(answer)];
  return {
    reservedPort: false,
    send: () => {},
    receive: () => {
      if (answer !== "hangs") return Promise.resolve(chunks.shift());
      return new Promise((_, reject) => signal.addEventListener("abort", () => reject(new Error("out of time"))));
    },
    close: () => {},
  };
}

/** Answers of the addresses, one connection after the other; the last again and again. */
function machine(answers: Readonly<Record<string, readonly Answer[]>>): Dial {
  const asked = new Map<string, number>();
  return (address, _, signal) => {
    const count = asked.get(address) ?? 0;
    asked.set(address, count + 1);
    const answer = answers[address]?.[count] ?? answers[address]?.at(-1) ?? "refuses";
    return answer === "refuses"
      ? Promise.reject(new Error("connection refused"))
      : Promise.resolve(answering(answer, signal));
  };
}

const instance = "169.254.169.254";
const agent = "169.254.170.2";
const ok = (text: string) => `HTTP/1.1 200 OK\r\nContent-Length: ${text.length}\r\n\r\n${text}`;
const status = (code: number) => `HTTP/1.1 ${code} X\r\nContent-Length: 0\r\n\r\n`;
/** What comes of it in the time that all questions together may take. */
const ask = async (answers: Parameters<typeof machine>[0], ecs?: string) => {
  const clock = handClock();
  const found = askPlace(clock, machine(answers), ecs, new AbortController().signal);
  await clock.pass(5_000);
  return found;
};

describe("without a place", () => {
  test.each<[string, readonly Answer[], RegExp, RegExp | undefined]>([
    ["nobody is there", ["refuses"], /is not there \(connection refused\)/, undefined],
    ["a question is never answered", ["hangs"], /does not answer within 500 ms/, /hop limit to 2/],
    ["metadata is turned off", [status(403)], /status 403/, /http-endpoint enabled/],
    ["there is no version 2", [status(405)], /status 405/, /IMDSv2/],
    ["it is no service of HTTP", ["SSH-2.0\r\n\r\n"], /does not speak HTTP/, undefined],
    ["it hangs up", [""], /ends in the middle/, undefined],
    ["the token is none", [ok("a b")], /gives no token/, undefined],
    [
      "the token counts for nothing",
      [ok("T"), status(401), ok("T"), status(401), ok("T"), status(401)],
      /gives a token.*status 401/,
      undefined,
    ],
    ["the document has no region", [ok("T"), ok("{}"), ok("T"), ok("[]")], /names no region/, undefined],
  ])("it is told that %s, and what to do", async (_, answers, reason, hint) => {
    const found = await ask({ [instance]: answers });
    expect(found).toMatchObject({ reason: expect.stringMatching(reason) as string });
    expect("hint" in found ? found.hint : undefined).toEqual(hint && expect.stringMatching(hint));
  });

  test.each<[string, string, Answer, RegExp]>([
    ["names no agent", "file:///x", "refuses", /is no address of the agent/],
    ["leads to nobody", `http://${agent}/v4/x`, "refuses", /is not there/],
    ["leads to an agent that fails", `http://${agent}/v4/x`, status(500), /status 500/],
    ["leads to a task without a region", `http://${agent}/v4/x`, ok("{}"), /task's metadata names no region/],
  ])("the agent's address %s, and the instance's metadata is told of as well", async (_, ecs, answer, reason) => {
    const found = await ask({ [agent]: [answer] }, ecs);
    expect(found).toMatchObject({ reason: expect.stringMatching(reason) as string });
    expect(found).toMatchObject({ reason: expect.stringMatching(/; the instance's metadata is not there/) as string });
  });
});

test("metadata that answers at the second question tells the place", async () => {
  const document = '{"region":"eu-west-1","availabilityZone":"eu-west-1b"}';
  const found = await ask({ [instance]: ["refuses", ok("T"), ok(document)] });
  expect(found).toEqual({ region: "eu-west-1", zone: "eu-west-1b" });
});
