import { describe, expect, test } from "vitest";
import { questionOf } from "../../../src/kinds/nfs/question.ts";
import type { ServerQuestion } from "../../../src/kinds/servers.ts";
import type { Readiness } from "../../../src/kinds/server.ts";
import { serverWaiter } from "../../../src/wait/wait.ts";
import { leapingClock } from "../fakes/clock.ts";
import { random } from "../fakes/random.ts";
import { shareOf } from "../fakes/shares.ts";

const ready: Readiness = { kind: "ready", unspoken: [], address: "10.0.0.2" };
const notReady = (reason: string): Readiness => ({ kind: "not-ready", reason });
const question = questionOf(shareOf());
const version3 = questionOf(shareOf({ NFS_VERSION: "3" }));
const other = questionOf(shareOf({ NFS_HOST: "other" }));

/** A waiter whose servers answer in turn, each after a time; the last answer stays. */
function waiterOver(answers: readonly Readiness[], signal = new AbortController().signal, answerMs = 0) {
  const drawn = random(1);
  const clock = leapingClock({ random: () => drawn.below(1_000) / 1_000 });
  const asked: ServerQuestion[] = [];
  const asksRpcbind: boolean[] = [];
  const told: string[] = [];
  const waiter = serverWaiter(
    {
      clock,
      ask: (one, _, rpcbind) => {
        asked.push(one);
        asksRpcbind.push(rpcbind);
        clock.advance(answerMs);
        const answer = answers[Math.min(asked.length, answers.length) - 1] ?? ready;
        // Of version 4 a round that asks less says the same.
        const isPartial = answer.kind === "not-ready" && !rpcbind && one.kind === "nfs" && !one.version4;
        return Promise.resolve(isPartial ? { ...answer, isPartial } : answer);
      },
      tell: (one, reason) => told.push(`${one.host}: ${reason}`),
    },
    15_000,
    signal,
  );
  return { waiter, clock, asked, asksRpcbind, told };
}

describe("waiting for a server", () => {
  test("ends with the first answer that says ready, without a pause before it", async () => {
    const { waiter, clock, told } = waiterOver([{ kind: "ready", unspoken: ["4.2"], address: "10.0.0.2" }]);
    expect(await waiter.ready(question, () => {})).toEqual({ kind: "ready", unspoken: ["4.2"], address: "10.0.0.2" });
    expect(clock.pausesMs).toEqual([]);
    expect(told).toEqual([]);
  });

  test("goes on while it is not ready, and tells every reason", async () => {
    const { waiter, told, asked } = waiterOver([notReady("name not known"), notReady("connection refused"), ready]);
    let notYet = 0;
    await waiter.ready(question, () => (notYet += 1));
    expect(told).toEqual(["nas: name not known", "nas: connection refused"]);
    expect(notYet).toBe(2);
    expect(asked).toHaveLength(3);
  });

  test("tells a new reason of version 3 once everything was asked again", async () => {
    const { waiter, told } = waiterOver([
      notReady("name not known"),
      ...Array.from({ length: 8 }, () => notReady("connection refused")),
      ready,
    ]);
    await waiter.ready(version3, () => {});
    expect(told).toEqual([...Array.from({ length: 8 }, () => "nas: name not known"), "nas: connection refused"]);
  });

  test("keeps the quick pace for two minutes, then the slow one", async () => {
    const abort = new AbortController();
    const { waiter, clock } = waiterOver([notReady("connection refused")], abort.signal);
    const startedMs = clock.nowMs();
    let rounds = 0;
    const waiting = waiter.ready(question, () => {
      rounds += 1;
      if (clock.nowMs() - startedMs > 10 * 60_000) abort.abort(new Error("enough"));
    });
    await expect(waiting).rejects.toThrow("enough");
    const quick = clock.pausesMs.filter((pauseMs) => pauseMs <= 300);
    const slow = clock.pausesMs.filter((pauseMs) => pauseMs > 300);
    expect(clock.pausesMs).toEqual([...quick, ...slow]);
    expect(quick.length).toBeGreaterThan(120_000 / 300);
    expect(quick.length).toBeLessThan(120_000 / 200 + 2);
    expect(Math.min(...quick)).toBeGreaterThanOrEqual(200);
    expect(Math.min(...slow)).toBeGreaterThanOrEqual(800);
    expect(Math.max(...slow)).toBeLessThanOrEqual(1_200);
    expect(rounds).toBe(clock.pausesMs.length + 1);
  });

  test("asks rpcbind for an unusual port at first, and then every eighth time: that is five times the packets", async () => {
    const refused = Array.from({ length: 23 }, () => notReady("connection refused"));
    const { waiter, asksRpcbind } = waiterOver([...refused, ready]);
    await waiter.ready(question, () => {});
    const rounds = asksRpcbind.flatMap((asked, round) => (asked ? [round] : []));
    expect(rounds).toEqual([0, 8, 16]);
  });

  test("asks rpcbind in each round where a server is silent: seven without it would take minutes", async () => {
    const silent = Array.from({ length: 3 }, () => notReady("no answer in time"));
    const { waiter, asksRpcbind } = waiterOver([...silent, ready], undefined, 15_000);
    await waiter.ready(version3, () => {});
    expect(asksRpcbind).toEqual([true, true, true, true]);
  });

  test("does not pause equally each time", async () => {
    const { waiter, clock } = waiterOver([...Array.from({ length: 20 }, () => notReady("x")), ready]);
    await waiter.ready(question, () => {});
    expect(new Set(clock.pausesMs).size).toBeGreaterThan(1);
  });

  test("is shared by shares with the same question, each told that it is not there yet", async () => {
    const { waiter, asked, told } = waiterOver([notReady("connection refused"), ready]);
    const seen: string[] = [];
    const first = waiter.ready(question, () => seen.push("first"));
    const second = waiter.ready(questionOf(shareOf({ NFS_HOST_MOUNT: "/else" })), () => seen.push("second"));
    await Promise.all([first, second]);
    expect(asked).toHaveLength(2);
    expect(told).toHaveLength(1);
    expect(seen).toEqual(["first", "second"]);
  });

  test("is not shared by shares with different questions", async () => {
    const { waiter, asked } = waiterOver([ready]);
    await Promise.all([waiter.ready(question, () => {}), waiter.ready(other, () => {})]);
    expect(asked.map(({ host }) => host)).toEqual(["nas", "other"]);
  });

  test("ends when nobody needs the answer any more, and not while somebody does", async () => {
    let rounds = 0;
    const [first, second] = [new AbortController(), new AbortController()];
    const { waiter, asked } = waiterOver([notReady("connection refused")]);
    const notYet = () => {
      rounds += 1;
      if (rounds === 3) first.abort();
      if (rounds === 5) second.abort();
    };
    const [one, two] = [waiter.ready(question, () => {}, first.signal), waiter.ready(question, notYet, second.signal)];
    await Promise.all([expect(one).rejects.toThrow("nobody waits"), expect(two).rejects.toThrow("nobody waits")]);
    expect(asked).toHaveLength(5);
    const third = new AbortController();
    const anew = waiter.ready(question, () => third.abort(), third.signal);
    await expect(anew).rejects.toThrow("nobody waits");
    expect(asked).toHaveLength(6);
  });

  test("starts anew once it has ended", async () => {
    const { waiter, asked } = waiterOver([ready]);
    await waiter.ready(question, () => {});
    await waiter.ready(question, () => {});
    expect(asked).toHaveLength(2);
  });

  test("ends with the reason of its signal, before another question", async () => {
    const abort = new AbortController();
    abort.abort(new Error("stopped"));
    const { waiter, asked } = waiterOver([ready], abort.signal);
    await expect(waiter.ready(question, () => {})).rejects.toThrow("stopped");
    expect(asked).toEqual([]);
  });

  test("tells nothing of a question that was cut short", async () => {
    const abort = new AbortController();
    const told: string[] = [];
    const clock = leapingClock();
    const waiter = serverWaiter(
      {
        clock,
        ask: () => {
          abort.abort(new Error("stopped"));
          return Promise.resolve(notReady("no answer in time"));
        },
        tell: (_, reason) => told.push(reason),
      },
      15_000,
      abort.signal,
    );
    await expect(waiter.ready(question, () => {})).rejects.toThrow("stopped");
    expect(told).toEqual([]);
  });
});
