// One mount call: an explicit version, one attempt, a deadline that is longer while the server answers.
import type { Share } from "../shares/share.ts";
import { mountCallOptions } from "../kinds/nfs/options.ts";
import type { ExactVersion } from "../kinds/nfs/versions.ts";
import { kernelMount, wantsHelper } from "../kinds/nfs/mount-data.ts";
import type { MountAddresses } from "../kinds/kind.ts";
import { classifyErrno, classifyFailure } from "../kinds/nfs/failures.ts";
import type { MountFailure } from "../kinds/failure.ts";
import type { Mounter } from "./ports.ts";

/** After so long a call that has not ended is worth a word, and again each time it has passed. */
const pendingMs = 15_000;

/** Longest time a mount call is given, however well the server answers. */
const longestCallMs = 2 * 60_000;

export interface CallPorts {
  readonly mounter: Pick<Mounter, "runHelper" | "mount">;
  /** Addresses of the share's server as it was last found to answer, or why there are none. */
  readonly addresses: (version: ExactVersion, signal: AbortSignal) => Promise<MountAddresses | string>;
  /** Told while a call does not end. */
  readonly onPending: (version: ExactVersion, forMs: number) => void;
  /** Whether the server answers RPC at this moment. */
  readonly serverAnswers: (signal: AbortSignal) => Promise<boolean>;
}

export type CallResult = { readonly kind: "accepted" } | { readonly kind: "failed"; readonly failure: MountFailure };

/**
 * Asks for one mount: the kernel itself, whose errno is the truth, or mount.nfs where the share wants it. After
 * `attemptTimeoutMs` the server is asked: while it answers the call goes on, up to two minutes; else it is killed.
 */
export async function callMount(
  ports: CallPorts,
  share: Share,
  version: ExactVersion,
  mountPoint: string,
  attemptTimeoutMs: number,
  signal: AbortSignal,
): Promise<CallResult> {
  const deadline = new AbortController();
  const stopWatching = new AbortController();
  const watching = extendWhileAnswered(ports.serverAnswers, attemptTimeoutMs, stopWatching.signal).then((ranOut) => {
    if (ranOut) deadline.abort();
  });
  const everyMs = Math.min(pendingMs, attemptTimeoutMs);
  let forMs = 0;
  const saying = setInterval(() => ports.onPending(version, (forMs += everyMs)), everyMs);
  const ask = wantsHelper(share, version) ? askHelper : askKernel;
  try {
    return await ask(ports, share, version, mountPoint, AbortSignal.any([signal, deadline.signal]));
  } finally {
    clearInterval(saying);
    stopWatching.abort();
    await watching;
  }
}

const cutShort: CallResult = {
  kind: "failed",
  failure: { verdict: "transient", reason: "the mount call did not end in time", unreachable: true, cutShort: true },
};

async function askKernel(
  { mounter, addresses }: CallPorts,
  share: Share,
  version: ExactVersion,
  mountPoint: string,
  signal: AbortSignal,
): Promise<CallResult> {
  const found = await addresses(version, signal);
  if (typeof found === "string") {
    return { kind: "failed", failure: { verdict: "transient", reason: found, unreachable: true } };
  }
  const answer = await mounter.mount({ ...kernelMount(share, version, found), target: mountPoint }, signal);
  switch (answer.kind) {
    case "done":
      return { kind: "accepted" };
    case "failed":
      return { kind: "failed", failure: classifyErrno(answer.errno) };
    case "no-answer":
      return answer.notStarted === undefined ? cutShort : notMade(answer.notStarted);
  }
}

/** No version can be mounted without a process for the call. */
function notMade(why: string): CallResult {
  const reason = `no process can be started to mount it: ${why}`;
  return { kind: "failed", failure: { verdict: "transient", reason, unreachable: true } };
}

async function askHelper(
  { mounter }: CallPorts,
  share: Share,
  version: ExactVersion,
  mountPoint: string,
  signal: AbortSignal,
): Promise<CallResult> {
  const options = mountCallOptions(share.options, version).join(",");
  // -n: without a note in /run/mount/utab, which nobody would take away again.
  const end = await mounter.runHelper("mount.nfs", [share.label, mountPoint, "-n", "-o", options], signal);
  switch (end.kind) {
    case "exited":
      return end.exitCode === 0
        ? { kind: "accepted" }
        : { kind: "failed", failure: classifyFailure(end.stderr, end.exitCode) };
    case "killed":
      return cutShort;
    case "not-started":
      return {
        kind: "failed",
        failure: {
          verdict: "permanent",
          everyVersion: true,
          reason: `mount.nfs cannot be started: ${end.reason}`,
          hint: "version 3 with locks and the option x-nfs-init.helper need it: install nfs-utils (Alpine) or nfs-common (Debian, Ubuntu) in the image, or use nolock",
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
