// Names that change, or that a name server answers in part: what is waited for, and what is said of it.
import { expect, it } from "vitest";
import { eventually } from "../support/eventually.ts";
import { openNameServer, type NameAnswer, type QuestionType } from "../support/name-server.ts";
import { logLines } from "../support/process-log.ts";
import { describePlaces, start, temporaryDirectory, unreachableShare, type Place } from "../support/process.ts";

async function startWaitingFor(place: Place, answerTo: (name: string, type: QuestionType) => NameAnswer) {
  const directory = temporaryDirectory();
  const { asked, prelude } = await openNameServer(directory, answerTo);
  const env = { ...unreachableShare(directory), NFS_HOST: "nas.test" };
  const running = start({ args: ["--", "true"], place, env, ownMounts: true, prelude });
  const said = () => {
    const text = running.stderr();
    return logLines(text.slice(0, text.lastIndexOf("\n") + 1)).filter(({ msg }) => msg === "waiting for the server");
  };
  return {
    said,
    askedFor: (type: QuestionType) => asked.filter((question) => question.type === type).length,
    end: async () => {
      await running.send("SIGTERM");
      expect((await running.ended).exitCode).toBe(143);
    },
  };
}

describePlaces((place) => {
  it("uses the IPv4 address at once where the answer for IPv6 is dropped, again and again", async () => {
    const { said, askedFor, end } = await startWaitingFor(place, (_, type) =>
      type === "A" ? { ipv4: "127.0.0.1" } : "dropped",
    );
    const startedMs = performance.now();
    const { reason } = await eventually("what it waits for is said", () => said()[0]);
    expect(reason).toBe("port 1 of 127.0.0.1: connection refused");
    await eventually("the name is asked for again", () => askedFor("A") >= 4);
    expect(performance.now() - startedMs).toBeLessThan(4_900);
    await end();
  });

  it("says once that a server refuses whose address is another one each time", async () => {
    let last = 0;
    const { said, askedFor, end } = await startWaitingFor(place, (_, type) => {
      if (type === "AAAA") return "no-such-type";
      last = (last % 250) + 1;
      return { ipv4: `127.0.0.${last}` };
    });
    await eventually("the name is asked for again", () => askedFor("A") >= 15);
    expect(said()).toHaveLength(1);
    await end();
  });

  it("says once each why it waits where two reasons alternate", async () => {
    let times = 0;
    const { said, askedFor, end } = await startWaitingFor(place, (_, type) => {
      if (type === "A") times += 1;
      return times % 2 === 0 ? "unknown" : type === "A" ? { ipv4: "127.0.0.1" } : "no-such-type";
    });
    await eventually("the name is asked for again", () => askedFor("A") >= 16);
    expect(said().map(({ reason }) => reason)).toEqual([
      "port 1 of 127.0.0.1: connection refused",
      "cannot resolve nas.test: name not known",
    ]);
    await end();
  });
}, "mounting");
