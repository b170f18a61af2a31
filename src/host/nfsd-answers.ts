// Answers to what the kernel's NFS server asks: who a client is, where a handle leads, what may be done at a path.
import * as native from "native";
import { errnoOf } from "../errors.ts";
import type { Surroundings } from "../export/clients.ts";
import {
  addressAnswer,
  fsidInHandle,
  handleAnswer,
  parseQuestion,
  pathAnswer,
  type ChannelName,
  type ChannelQuestion,
} from "../export/channels.ts";
import { domainOf, entryFor, pathOf, type ExportTable } from "../export/exports.ts";
import type { ServerNews } from "../export/server.ts";

export interface Channel {
  readonly name: ChannelName;
  readonly fd: number;
  readonly flush: number;
}

/** How long an answer is good, one that depends on names or networks, and a refusal: seconds. */
export const goodSeconds = 1_800;
const changingSeconds = 60;
export const shortlySeconds = 10;
/** Longest question of the kernel: a path and a domain, every byte of which may be escaped. */
const longestQuestionBytes = 32_768;
/** Strangers are told of once each, and not without end. */
const mostRefused = 100;

/** The kernel's clock for expiries: that of the wall. */
export function nowSeconds(): number {
  return Math.floor(Date.now() / 1_000);
}

/** An answer, and the refusal that serves where the kernel does not take it. */
interface Answer {
  readonly text: string;
  readonly refusal: string;
}

/** Gives what answers the questions that wait in a channel. `mounts` are the mount points at present. */
export function answerer(
  table: ExportTable,
  around: Surroundings,
  mounts: () => readonly string[],
  tell: (news: ServerNews) => void,
): (channel: Channel) => void {
  const isChanging = table.exports.some(({ rules }) =>
    rules.some(({ clients }) => clients.some(({ kind }) => kind === "name" || kind === "attached")),
  );
  const refused = new Set<string>();
  const aboutAddress = (address: string, now: number): Answer => {
    const domain = domainOf(table, address, around);
    if (domain === undefined && !refused.has(address) && refused.size < mostRefused) {
      refused.add(address);
      tell({ kind: "refused", address });
    }
    const seconds = domain === undefined ? shortlySeconds : isChanging ? changingSeconds : goodSeconds;
    return {
      text: addressAnswer(address, domain, now + seconds),
      refusal: addressAnswer(address, undefined, now + shortlySeconds),
    };
  };
  const answerTo = (question: ChannelQuestion): Answer => {
    const now = nowSeconds();
    switch (question.kind) {
      case "address":
        return aboutAddress(question.address, now);
      case "handle": {
        const fsid = fsidInHandle(question);
        const path = fsid === undefined ? undefined : pathOf(table, fsid, mounts);
        const refusal = handleAnswer(question, undefined, now + shortlySeconds);
        return { text: path === undefined ? refusal : handleAnswer(question, path, now + goodSeconds), refusal };
      }
      case "path": {
        const { domain, path } = question;
        const entry = entryFor(table, domain, path);
        const refusal = pathAnswer(domain, path, undefined, now + shortlySeconds);
        return { text: entry === undefined ? refusal : pathAnswer(domain, path, entry, now + goodSeconds), refusal };
      }
    }
  };
  return (channel) => {
    for (const line of questions(channel)) {
      const question = parseQuestion(channel.name, line);
      if (question !== undefined) write(channel, answerTo(question), tell);
    }
  };
}

function questions({ fd }: Channel): readonly string[] {
  try {
    return native
      .decodeUtf8(native.read(fd, longestQuestionBytes))
      .split("\n")
      .filter((line) => line !== "");
  } catch {
    // Somebody else has answered.
    return [];
  }
}

function write({ fd }: Channel, { text, refusal }: Answer, tell: (news: ServerNews) => void): void {
  try {
    native.write(fd, native.encodeUtf8(text));
  } catch (error) {
    tell({ kind: "rejected", what: text.trim(), errno: errnoOf(error) ?? "EIO" });
    try {
      // Without any answer the client would hang.
      native.write(fd, native.encodeUtf8(refusal));
    } catch {
      // It asks again.
    }
  }
}
