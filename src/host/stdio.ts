// What is said on the standard streams.
import * as native from "native";
import { AppError, errnoOf, messageOf } from "../errors.ts";

const stdout = 1;
const stderr = 2;

/** What other programs end with whose output is lost. Not in the table of exit codes: COMMAND never runs behind it. */
const notPrinted = 1;

const printHints: Readonly<Record<string, string>> = {
  ENOSPC: "make room where it is written to",
  EPIPE: "whoever reads it has ended before it was through",
};

/**
 * Writes to stdout to the end: an exit would cut off what a slow reader has not taken yet. Throws AppError where it cannot be
 * written: who asked for a text must not take half of it for the whole.
 */
export async function print(text: string): Promise<void> {
  const bytes = native.encodeUtf8(text);
  for (let offset = 0; offset < bytes.byteLength;) {
    try {
      offset += native.write(stdout, bytes.subarray(offset));
    } catch (error) {
      const reason = errnoOf(error) ?? messageOf(error);
      if (reason !== "EAGAIN") {
        const hint = printHints[reason];
        const details = { cause: error, ...(hint === undefined ? {} : { hint }) };
        throw new AppError(`cannot write to stdout: ${reason}`, notPrinted, details);
      }
      native.poll(stdout, native.POLLOUT, -1);
    }
  }
}

/** A pipe takes so many bytes at once or says beforehand that it would block (PIPE_BUF, pipe(7)). */
const atOnceBytes = 4096;

/** Writes to stderr as much as it takes now: a reader that has stopped must not hold us. What goes wrong is nobody's to know. */
export function complain(text: string): void {
  try {
    for (let rest = native.encodeUtf8(text); rest.byteLength > 0;) {
      if ((native.poll(stderr, native.POLLOUT, 0) & native.POLLOUT) === 0) return;
      rest = rest.subarray(native.write(stderr, rest.subarray(0, atOnceBytes)));
    }
  } catch {
    // A full disk or a closed pipe.
  }
}
