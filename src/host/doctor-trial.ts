// The trial mount: in a child with a mount namespace of its own, which goes with it, so that nothing is left and nobody sees it.
import { isShared, mountAround, parseMountinfo } from "../shares/mountinfo.ts";
import * as native from "native";
import type { TrialRequest } from "../doctor/collect-ports.ts";
import type { TrialCall, TrialFact } from "../doctor/facts.ts";
import { errnoOf } from "../errors.ts";
import { outcomeOf, tryChild } from "./children.ts";
import { wholeMountText } from "./mount-secrets.ts";
import { readText } from "./small-files.ts";

type Told =
  | { readonly kind: "entered"; readonly refused: string | undefined }
  /** "" where the mount was made. */
  | { readonly kind: "called"; readonly errno: string; readonly rights?: string | undefined };

/** Beyond the time of the trial: it only matters where a process that was killed does not go. */
const callMs = 4_000;

/**
 * Mounts on `directory` in one version after another until one works. What does not end in time is killed and not waited
 * for; `signal` ends it all.
 */
export async function tryMount(
  directory: string | undefined,
  requests: readonly TrialRequest[],
  signal: AbortSignal,
): Promise<TrialFact> {
  if (directory === undefined) return { kind: "not-tried", reason: "there is no directory to mount on" };
  const started = tryChild<Told>((tell) => trial(directory, requests, tell));
  if (started.kind === "not-started") {
    return { kind: "not-tried", reason: `no process can be started for it: ${started.reason}` };
  }
  const { child } = started;
  signal.addEventListener("abort", child.stop, { once: true });
  if (signal.aborted) child.stop();
  const next = async () => {
    const timer = setTimeout(child.stop, callMs);
    const told = await child.next();
    clearTimeout(timer);
    return told;
  };
  try {
    const entered = await next();
    if (entered?.kind !== "entered") return { kind: "not-tried", reason: "it did not begin in time" };
    if (entered.refused !== undefined) {
      return { kind: "not-tried", reason: `no mount namespace of its own could be made: ${entered.refused}` };
    }
    const calls: TrialCall[] = [];
    for (const { version } of requests) {
      const told = await next();
      const errno = told?.kind === "called" ? told.errno : "ETIMEDOUT";
      calls.push({ version, errno, rights: told?.kind === "called" ? told.rights : undefined });
      if (told === undefined || errno === "") break;
    }
    // Before the namespace goes, so that the server is told.
    if (calls.at(-1)?.errno === "") await next();
    return { kind: "tried", calls };
  } finally {
    signal.removeEventListener("abort", child.stop);
    child.stop();
  }
}

function trial(directory: string, requests: readonly TrialRequest[], tell: (told: Told) => void): void {
  const refused = enterPrivateNamespace(directory);
  tell({ kind: "entered", refused });
  if (refused !== undefined) return;
  for (const { call, rightsFile } of requests) {
    const { source, fstype, flags } = call;
    const text = wholeMountText(call);
    const outcome =
      text === undefined
        ? ({ kind: "failed", errno: call.secretsFile?.lack ?? "" } as const)
        : outcomeOf(() => native.mount(source, directory, fstype, flags, text));
    const errno = outcome.kind === "failed" ? outcome.errno : "";
    const rights = errno === "" && rightsFile !== undefined ? readText(rightsFile) : undefined;
    tell({ kind: "called", errno, rights });
    if (outcome.kind !== "failed") {
      outcomeOf(() => native.umount2(directory, native.MNT_DETACH | native.UMOUNT_NOFOLLOW));
      return;
    }
  }
}

/**
 * Leaves the mount namespace that this process was started in; undefined, or why a mount on `target` would be seen outside.
 * A security profile that allows nothing but NFS forbids to make mounts private: then `target` must lie on one that is.
 */
function enterPrivateNamespace(target: string): string | undefined {
  try {
    native.unshare(native.CLONE_NEWNS);
  } catch (error) {
    return `unshare(2): ${errnoOf(error)}`;
  }
  const outcome = outcomeOf(() => native.mount("none", "/", null, native.MS_REC | native.MS_PRIVATE, null));
  if (outcome.kind !== "failed") return undefined;
  const around = mountAround(parseMountinfo(readText("/proc/self/mountinfo") ?? ""), target);
  if (around === undefined) return "its mounts cannot be read";
  return isShared(around)
    ? `what is mounted would be seen outside, and making it private says ${outcome.errno}`
    : undefined;
}
