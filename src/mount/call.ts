// One mount call: an explicit version, one attempt, a deadline that is longer while the server answers.
import { anyOf, within } from "../abort.ts";
import type { Clock } from "../clock.ts";
import type { MountFailure } from "../kinds/failure.ts";
import type { MountAddresses, MountHelper, MountWay } from "../kinds/mounting.ts";
import type { Mounter } from "./ports.ts";

/** After so long a call that has not ended is worth a word, and again each time it has passed. */
const pendingMs = 15_000;

/** Longest time a mount call is given, however well the server answers. */
const longestCallMs = 2 * 60_000;

export interface CallPorts {
  readonly clock: Clock;
  readonly mounter: Pick<Mounter, "runHelper" | "mount">;
  /** Addresses of the share's server as it was last found to answer, or why there are none. */
  readonly addresses: (version: string, signal: AbortSignal) => Promise<MountAddresses | string>;
  /** Told while a call does not end. */
  readonly onPending: (version: string, forMs: number) => void;
  /** Whether the server answers RPC at this moment. */
  readonly serverAnswers: (signal: AbortSignal) => Promise<boolean>;
}

export type CallResult = { readonly kind: "accepted" } | { readonly kind: "failed"; readonly failure: MountFailure };

/**
 * Asks for one mount: the kernel itself, whose errno is the truth, or a helper where the way is that. After
 * `attemptTimeoutMs` the server is asked: while it answers the call goes on, up to two minutes; else it is killed.
 */
export async function callMount(
  ports: CallPorts,
  way: MountWay,
  mountPoint: string,
  attemptTimeoutMs: number,
  signal: AbortSignal,
): Promise<CallResult> {
  const deadline = new AbortController();
  const stopWatching = new AbortController();
  const watching = extendWhileAnswered(ports, attemptTimeoutMs, stopWatching.signal).then((ranOut) => {
    if (ranOut) deadline.abort();
  });
  const everyMs = Math.min(pendingMs, attemptTimeoutMs);
  const { later } = ports.clock;
  let forMs = 0;
  const say = () => {
    sayNoMore = later(everyMs, say);
    ports.onPending(way.version, (forMs += everyMs));
  };
  let sayNoMore = later(everyMs, say);
  const { helper } = way;
  const ending = anyOf(signal, deadline.signal);
  try {
    return helper === undefined
      ? await askKernel(ports, way, mountPoint, ending)
      : await askHelper(ports, helper, mountPoint, ending);
  } finally {
    sayNoMore();
    stopWatching.abort();
    await watching;
  }
}

const cutShort: CallResult = {
  kind: "failed",
  failure: { prospect: "transient", reason: "the mount call did not end in time", unreachable: true, cutShort: true },
};

async function askKernel(
  { mounter, addresses }: CallPorts,
  way: MountWay,
  mountPoint: string,
  signal: AbortSignal,
): Promise<CallResult> {
  const found = await addresses(way.version, signal);
  if (typeof found === "string") {
    return { kind: "failed", failure: { prospect: "transient", reason: found, unreachable: true } };
  }
  const answer = await mounter.mount({ ...way.call(found), target: mountPoint }, signal);
  switch (answer.kind) {
    case "done":
      return { kind: "accepted" };
    case "failed":
      return { kind: "failed", failure: way.failure(answer.errno) };
    case "no-answer":
      return answer.notStarted === undefined ? cutShort : notMade(answer.notStarted);
  }
}

/** No version can be mounted without a process for the call. */
function notMade(why: string): CallResult {
  const reason = `no process can be started to mount it: ${why}`;
  return { kind: "failed", failure: { prospect: "transient", reason, unreachable: true } };
}

async function askHelper(
  { mounter }: CallPorts,
  { file, argumentsFor, failure, missingHint }: MountHelper,
  mountPoint: string,
  signal: AbortSignal,
): Promise<CallResult> {
  const end = await mounter.runHelper(file, argumentsFor(mountPoint), signal);
  switch (end.kind) {
    case "exited":
      return end.exitCode === 0 ? { kind: "accepted" } : { kind: "failed", failure: failure(end.stderr, end.exitCode) };
    case "killed":
      return cutShort;
    case "not-started": {
      const reason = `${file} cannot be started: ${end.reason}`;
      return { kind: "failed", failure: { prospect: "permanent", everyVersion: true, reason, hint: missingHint } };
    }
  }
}

/** Whether the time of a call ran out; false when `signal` aborts first because the call has ended. */
async function extendWhileAnswered(
  { clock, serverAnswers }: CallPorts,
  attemptTimeoutMs: number,
  signal: AbortSignal,
): Promise<boolean> {
  const longest = new AbortController();
  const callOff = clock.later(Math.max(longestCallMs, attemptTimeoutMs), () => longest.abort());
  const over = anyOf(signal, longest.signal);
  const isOver = () => over.aborted;
  try {
    while (!isOver()) {
      await clock.sleep(attemptTimeoutMs, over).catch(() => {});
      if (isOver()) break;
      const asked = within(clock, attemptTimeoutMs, over);
      const answers = await Promise.race([serverAnswers(asked), aborted(over)]);
      if (answers !== true) break;
    }
  } finally {
    callOff();
  }
  return !signal.aborted;
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
