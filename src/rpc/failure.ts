// Why a question has no answer, in a few words.
import type { RpcFailure } from "./message.ts";

/** An RPC failure as a clause; what asked it says of whom. */
export function failureWords(failure: RpcFailure): string {
  switch (failure.kind) {
    case "version-mismatch":
      return `the server speaks version ${versionRange(failure)} only`;
    case "program-unavailable":
      return "another service answers there";
    case "no-answer":
    case "malformed":
    case "refused":
      return failure.reason;
  }
}

/** The versions of a program that a server speaks: `3`, or `2 to 4`. */
export function versionRange({ lowest, highest }: { readonly lowest: number; readonly highest: number }): string {
  return lowest === highest ? `${lowest}` : `${lowest} to ${highest}`;
}
