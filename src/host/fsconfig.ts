// The new mount API: the kernel reads the words of a mount one by one and says which it refuses, without mounting anything.
import * as native from "native";
import type { OptionsRead } from "../mount/ports.ts";
import { outcomeOf } from "./children.ts";

const mostMessages = 20;
const longestMessageBytes = 1_024;

/** Gives `words` to a context of `fstype`, and where all are accepted has it made as mount(2) would, from `source`. */
export function readOptions(fstype: string, source: string, words: readonly string[]): OptionsRead {
  const opened = outcomeOf(() => native.fsopen(fstype));
  if (opened.kind === "failed") return { kind: "unknown" };
  const context = opened.value;
  for (const [index, word] of words.entries()) {
    const [, name = "", value] = /^([^=]*)(?:=(.*))?$/s.exec(word) ?? [];
    const given = outcomeOf(() => native.fsconfig(context, name, value ?? null));
    if (given.kind === "failed") return { kind: "refused", index, errno: given.errno, said: messagesOf(context) };
  }
  const made = outcomeOf(() => {
    native.fsconfig(context, "source", source);
    native.fsconfigCreate(context);
  });
  return made.kind === "failed"
    ? { kind: "failed", errno: made.errno, said: messagesOf(context) }
    : { kind: "accepted" };
}

/** What the kernel has to say, a read(2) each, without the letter of its severity. */
function messagesOf(context: number): readonly string[] {
  const said: string[] = [];
  while (said.length < mostMessages) {
    const message = outcomeOf(() => native.read(context, longestMessageBytes));
    if (message.kind === "failed" || message.value.byteLength === 0) break;
    said.push(native.decodeUtf8(message.value.subarray(2)).trim());
  }
  return said;
}
