// One mount call: an explicit version, one attempt, a deadline that is longer while the server answers.
import type { Share } from "../fstab/plan.ts";
import { mountCallOptions, type ExactVersion } from "../fstab/options.ts";
import { classifyFailure, type MountFailure } from "./outcome.ts";
import type { Mounter } from "./ports.ts";

/** Longest time a mount call is given, however well the server answers. */
const longestCallMs = 2 * 60_000;

export interface CallPorts {
  readonly mounter: Pick<Mounter, "runHelper">;
  /** Whether the server answers RPC at this moment. */
  readonly serverAnswers: (signal: AbortSignal) => Promise<boolean>;
}

export type CallResult = { readonly kind: "accepted" } | { readonly kind: "failed"; readonly failure: MountFailure };

/**
 * Calls mount.nfs once. After `attemptTimeoutMs` the server is asked: while it answers the call goes on, up to two minutes;
 * else it is killed.
 */
export async function callMount(
  { mounter, serverAnswers }: CallPorts,
  share: Share,
  version: ExactVersion,
  mountPoint: string,
  attemptTimeoutMs: number,
  signal: AbortSignal,
): Promise<CallResult> {
  const options = mountCallOptions(share.options, version).join(",");
  const deadline = new AbortController();
  const stopWatching = new AbortController();
  const watching = extendWhileAnswered(serverAnswers, attemptTimeoutMs, stopWatching.signal).then((ranOut) => {
    if (ranOut) deadline.abort();
  });
  const end = await mounter.runHelper(
    "mount.nfs",
    [share.label, mountPoint, "-o", options],
    AbortSignal.any([signal, deadline.signal]),
  );
  stopWatching.abort();
  await watching;
  switch (end.kind) {
    case "exited":
      return end.exitCode === 0
        ? { kind: "accepted" }
        : { kind: "failed", failure: classifyFailure(end.stderr, end.exitCode) };
    case "killed":
      return {
        kind: "failed",
        failure: {
          verdict: "transient",
          reason: "the mount call did not end in time",
          unreachable: true,
          cutShort: true,
        },
      };
    case "not-started":
      return {
        kind: "failed",
        failure: {
          verdict: "permanent",
          everyVersion: true,
          reason: `mount.nfs cannot be started: ${end.reason}`,
          hint: "install it in the image: nfs-utils on Alpine, nfs-common on Debian and Ubuntu",
        },
      };
  }
}

/** Whether the time of a call ran out; false when `signal` aborts first because the call has ended. */
async function extendWhileAnswered(
  serverAnswers: CallPorts["serverAnswers"],
  attemptTimeoutMs: number,
  signal: AbortSignal,
): Promise<boolean> {
  const longest = new AbortController();
  const timer = setTimeout(() => longest.abort(), Math.max(longestCallMs, attemptTimeoutMs));
  const over = AbortSignal.any([signal, longest.signal]);
  const isOver = () => over.aborted;
  try {
    while (!isOver()) {
      await pause(attemptTimeoutMs, over);
      if (isOver()) break;
      const asked = AbortSignal.any([over, AbortSignal.timeout(attemptTimeoutMs)]);
      const answers = await Promise.race([serverAnswers(asked), aborted(over)]);
      if (answers !== true) break;
    }
  } finally {
    clearTimeout(timer);
  }
  return !signal.aborted;
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const timer = setTimeout(resolve, ms);
    signal.addEventListener(
      "abort",
      () => {
        clearTimeout(timer);
        resolve();
      },
      { once: true },
    );
  });
}
