// How those who wait for one server share its answers.
import { expect, test } from "vitest";
import type { ServerQuestion } from "../../../src/kinds/servers.ts";
import type { Readiness } from "../../../src/kinds/server.ts";
import { sharedAsk } from "../../../src/wait/shared-ask.ts";

const question = (host: string) => ({ kind: "nfs", host }) as unknown as ServerQuestion;
const refused: Readiness = { kind: "not-ready", reason: "connection refused" };

function setUp() {
  let nowMs = 1_000;
  const asked: string[] = [];
  const ask = sharedAsk({ nowMs: () => nowMs }, ({ host }, _signal, asksRpcbind) => {
    asked.push(`${host}${asksRpcbind ? " and rpcbind" : ""}`);
    return Promise.resolve(refused);
  });
  return { asked, ask, pass: (ms: number) => (nowMs += ms) };
}

test("who asks the same within a fifth of a second has the same answer, and a server is asked anew after that", async () => {
  const { asked, ask, pass } = setUp();
  const { signal } = new AbortController();
  expect(await ask(question("nas"), signal, false)).toBe(refused);
  pass(199);
  expect(await ask(question("nas"), signal, false)).toBe(refused);
  expect(asked).toEqual(["nas"]);
  pass(1);
  expect(await ask(question("nas"), signal, false)).toBe(refused);
  expect(asked).toEqual(["nas", "nas"]);
});

test("another server is asked by itself, and so is more of the same one", async () => {
  const { asked, ask } = setUp();
  const { signal } = new AbortController();
  await ask(question("nas"), signal, false);
  await ask(question("other"), signal, false);
  await ask(question("nas"), signal, true);
  expect(asked).toEqual(["nas", "other", "nas and rpcbind"]);
});

test("an answer to one who went meanwhile is nobody else's", async () => {
  const { asked, ask } = setUp();
  const gone = new AbortController();
  gone.abort();
  await ask(question("nas"), gone.signal, false);
  await ask(question("nas"), new AbortController().signal, false);
  expect(asked).toEqual(["nas", "nas"]);
});
