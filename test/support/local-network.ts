// A network namespace with a name server and a host that answers multicast DNS; runs there, started by multicast.test.ts.
import { createSocket } from "node:dgram";
import { appendFileSync, writeFileSync } from "node:fs";

/** `asked`: the file that gets a line for each question; `known`: the name that the name server knows. */
const [, , asked = "", known = ""] = process.argv;
const nameHere = "nas.local";
const A = 1;
const noSuchName = 0x8183;
const multicastAnswer = 0x8400;

function readQuestion(message: Buffer) {
  const labels: string[] = [];
  let at = 12;
  for (let length = message[at] ?? 0; length > 0; length = message[at] ?? 0) {
    labels.push(message.toString("latin1", at + 1, at + 1 + length));
    at += 1 + length;
  }
  return { name: labels.join("."), type: message.readUInt16BE(at + 1), question: message.subarray(12, at + 5) };
}

function answer(message: Buffer, flags: number, address?: readonly number[]): Buffer {
  const count = address === undefined ? 0 : 1;
  const head = [message[0] ?? 0, message[1] ?? 0, flags >> 8, flags & 0xff, 0, 1, 0, count, 0, 0, 0, 0];
  // The name is that of the question, its class internet, by multicast with the bit of the only one, its time to live 10 s.
  const onlyOne = flags === multicastAnswer ? 0x80 : 0;
  const record = address === undefined ? [] : [0xc0, 12, 0, A, onlyOne, 1, 0, 0, 0, 10, 0, 4, ...address];
  return Buffer.concat([Buffer.from(head), readQuestion(message).question, Buffer.from(record)]);
}

function say(who: string, message: Buffer): void {
  const { name, type } = readQuestion(message);
  appendFileSync(asked, `${who} ${name} ${type}\n`);
}

const server = createSocket("udp4");
server.on("message", (message, from) => {
  say("dns", message);
  const { name, type } = readQuestion(message);
  const reply =
    name === known ? answer(message, 0x8180, type === A ? [127, 0, 0, 3] : undefined) : answer(message, noSuchName);
  server.send(reply, from.port, from.address);
});

const host = createSocket({ type: "udp4", reuseAddr: true });
host.on("message", (message, from) => {
  say("multicast", message);
  const { name, type } = readQuestion(message);
  if (name !== nameHere || type !== A) return;
  const send = (bytes: Buffer) => host.send(bytes, from.port, from.address);
  const toAnother = Buffer.from(message);
  toAnother[0] = (toAnother[0] ?? 0) ^ 1;
  // What is no answer to this question is passed over.
  send(Buffer.from("nonsense"));
  send(answer(toAnother, multicastAnswer, [127, 0, 0, 9]));
  send(answer(message, multicastAnswer, [127, 0, 0, 2]));
});

server.bind(53, "127.0.0.1", () =>
  host.bind(5353, () => {
    host.addMembership("224.0.0.251", "127.0.0.1");
    writeFileSync(asked, "");
  }),
);
