// The channels in which the kernel's NFS server asks: its questions are read, and the answers written.
import * as native from "native";
import type { KernelAnswer } from "../export/answers.ts";
import { parseQuestion, type ChannelName, type ChannelQuestion } from "../export/channels.ts";
import type { ServerNews } from "../export/server.ts";
import { errnoOf } from "../errors.ts";
import { clock } from "./clock.ts";

export interface Channel {
  readonly name: ChannelName;
  readonly fd: number;
  readonly flush: number;
}

/** Longest question of the kernel: a path and a domain, every byte of which may be escaped. */
const longestQuestionBytes = 32_768;

/** The kernel's clock for expiries: that of the wall. */
export function nowSeconds(): number {
  return Math.floor(clock.timeOfDayMs() / 1_000);
}

/** Answers the questions that wait in a channel. */
export function answerChannel(
  channel: Channel,
  answerTo: (question: ChannelQuestion) => KernelAnswer,
  tell: (news: ServerNews) => void,
): void {
  for (const line of questions(channel)) {
    const question = parseQuestion(channel.name, line);
    if (question !== undefined) write(channel, answerTo(question), tell);
  }
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

function write({ fd }: Channel, { text, refusal }: KernelAnswer, tell: (news: ServerNews) => void): void {
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
