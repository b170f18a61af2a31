import { expect, test } from "vitest";
import { longestCallBytes } from "../../../src/rpc/service.ts";
import { serveConnection } from "../../../src/rpc/served-connection.ts";
import { MalformedMessage } from "../../../src/rpc/xdr.ts";
import { fragment, join, words } from "../fakes/server.ts";

/** Serves what comes in these chunks with an echo; a call of the one word 0 is none. Gives what was sent. */
async function serve(...chunks: readonly Uint8Array[]) {
  const waiting = [...chunks];
  const sent: Uint8Array[] = [];
  let [answered, asked] = [0, 0];
  const done = serveConnection(
    {
      receive: () => Promise.resolve(waiting.shift()),
      send: (bytes) => {
        sent.push(bytes);
        return Promise.resolve();
      },
    },
    (message) => {
      asked += 1;
      return Promise.resolve(message.every((byte) => byte === 0) ? undefined : message);
    },
    () => (answered += 1),
  );
  const failure = await done.then(
    () => undefined,
    (error: unknown) => error,
  );
  return { sent: [...join(...sent)], answered, asked, failure, unread: waiting.length };
}

test("each record is answered by one, in the order they come, until the stream ends", async () => {
  const whole = join(fragment(words(1)), fragment(words(2, 3)));
  const expected = { sent: [...whole], answered: 2, asked: 2, failure: undefined, unread: 0 };
  expect(await serve(whole)).toEqual(expected);
  expect(await serve(...Array.from(whole, (byte) => Uint8Array.of(byte)))).toEqual(expected);
});

test("a record in fragments is one call", async () => {
  expect((await serve(join(fragment(words(1), false), fragment(words(2))))).sent).toEqual([...fragment(words(1, 2))]);
});

test("what is no call ends the connection, with nothing after it read", async () => {
  expect(await serve(join(fragment(words(0)), fragment(words(1))), fragment(words(2)))).toMatchObject({
    sent: [],
    asked: 1,
    unread: 1,
    failure: undefined,
  });
});

test("a record that is longer than any call ends it as soon as that is announced", async () => {
  const { failure, unread } = await serve(words(0x8000_0000 + longestCallBytes + 1), words(1));
  expect(failure).toBeInstanceOf(MalformedMessage);
  expect(unread).toBe(1);
});

test("nothing is read while an answer is on its way", async () => {
  let received = 0;
  const { promise: never } = Promise.withResolvers<undefined>();
  void serveConnection(
    {
      receive: () => {
        received += 1;
        return Promise.resolve(fragment(words(1)));
      },
      send: () => never,
    },
    (message) => Promise.resolve(message),
    () => {},
  );
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
  expect(received).toBe(1);
});
