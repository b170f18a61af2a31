// A name server on this machine that answers as a test says, or drops the question; nfs-init is led to it in a mount namespace.
import { createSocket } from "node:dgram";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { onTestFinished } from "vitest";

/** What is asked for: IPv4 addresses or IPv6 ones (RFC 1035, RFC 3596). */
export type QuestionType = "A" | "AAAA";

/** An IPv4 address, no such name, or nothing at all. */
export type NameAnswer = { readonly ipv4: string } | "unknown" | "no-such-type" | "dropped";

const types: Readonly<Record<number, QuestionType>> = { 1: "A", 28: "AAAA" };
const noSuchName = 3;

/** The name and the type of a question, and the bytes that hold it. */
function readQuestion(message: Buffer) {
  const labels: string[] = [];
  let offset = 12;
  for (let length = message[offset] ?? 0; length > 0; length = message[offset] ?? 0) {
    labels.push(message.toString("latin1", offset + 1, offset + 1 + length));
    offset += length + 1;
  }
  const bytes = message.subarray(12, offset + 5);
  return { name: labels.join("."), type: types[message.readUInt16BE(offset + 1)] ?? "A", bytes };
}

function reply(message: Buffer, question: Buffer, answer: Exclude<NameAnswer, "dropped">): Buffer {
  const address = typeof answer === "object" ? answer.ipv4.split(".").map(Number) : [];
  const code = answer === "unknown" ? noSuchName : 0;
  const header = [
    message[0] ?? 0,
    message[1] ?? 0,
    0x81,
    0x80 | code,
    0,
    1,
    0,
    address.length === 0 ? 0 : 1,
    0,
    0,
    0,
    0,
  ];
  // The name is a pointer to the question's; class IN, a time to live of 0, four bytes.
  const record = address.length === 0 ? [] : [0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4, ...address];
  return Buffer.concat([Buffer.from(header), question, Buffer.from(record)]);
}

/**
 * Serves on port 53 of a loopback address until the test has finished, which needs root. `prelude` is shell text that makes
 * getaddrinfo(3) ask there, in a mount namespace of its own.
 */
export async function openNameServer(directory: string, answerTo: (name: string, type: QuestionType) => NameAnswer) {
  const asked: { readonly name: string; readonly type: QuestionType }[] = [];
  const socket = createSocket("udp4");
  socket.on("message", (message, from) => {
    const { name, type, bytes } = readQuestion(message);
    asked.push({ name, type });
    const answer = answerTo(name, type);
    if (answer !== "dropped") socket.send(reply(message, bytes, answer), from.port, from.address);
  });
  // Tests run side by side.
  const part = () => 1 + Math.floor(Math.random() * 250);
  const address = `127.${part()}.${part()}.${part()}`;
  await new Promise<void>((resolve, reject) => {
    socket.once("error", reject);
    socket.bind(53, address, resolve);
  });
  onTestFinished(() => {
    socket.close();
  });
  return { asked, prelude: askAt(directory, address) };
}

/** Shell text that makes getaddrinfo(3) ask the name server at `address`, in a mount namespace of its own; its files lie in `directory`. */
export function askAt(directory: string, address: string): string {
  const resolv = join(directory, "resolv.conf");
  const nsswitch = join(directory, "nsswitch.conf");
  writeFileSync(resolv, `nameserver ${address}\n`);
  writeFileSync(nsswitch, "passwd: files\ngroup: files\nhosts: files dns\n");
  const lead = (file: string, place: string) => `if [ -e ${place} ]; then mount --bind "${file}" ${place}; fi`;
  return `${lead(resolv, "/etc/resolv.conf")}\n${lead(nsswitch, "/etc/nsswitch.conf")}`;
}
