// Asks everything doctor wants to know of a share's servers, side by side and each question within its time.
import { within } from "../abort.ts";
import type { Identity } from "../init/identity.ts";
import { diagnosisOf } from "../kinds/diagnoses.ts";
import { kernelMount, wantsHelper } from "../kinds/nfs/mount-data.ts";
import { type NfsQuestion, mountAddresses, questionOf } from "../kinds/nfs/question.ts";
import { securityNeeds } from "../kinds/nfs/security.ts";
import { versionsToTry } from "../kinds/nfs/versions.ts";
import { type OptionPorts, findRefusedOption, isOptionErrno } from "../mount/refused-option.ts";
import type { Share } from "../shares/share.ts";
import { lookAtPath } from "./collect-path.ts";
import { collectByService } from "./collect-service.ts";
import { type Case, type DoctorPorts, type TrialRequest, limits } from "./collect-ports.ts";
import { type Reached, dump, reach } from "./collect-services.ts";
import { resolve } from "./collect-name.ts";
import { type DoctorFacts, type ShareFacts, type TrialFact, wantsLocks } from "./facts.ts";
import { kindOfFirst, refusalOf } from "./rights.ts";

/** The facts of all shares; what is not answered within `budgetMs` counts as not answered. */
export async function collectFacts(
  ports: DoctorPorts,
  shares: readonly Share[],
  identity: Identity | undefined,
  budgetMs: number,
): Promise<DoctorFacts> {
  const startedMs = ports.clock.nowMs();
  const whole = ports.clock.timeout(budgetMs);
  const machine = ports.machine(shares);
  const mayMount = refusalOf(machine.process, kindOfFirst(shares)) === undefined;
  const [ownRpcbind, ...shareFacts] = await Promise.all([
    shares.some(wantsLocks) ? dump(ports, "127.0.0.1", whole) : undefined,
    ...shares.map((share) => collectShare({ ports, share, identity, mayMount, whole })),
  ]);
  return {
    ...machine,
    locks: { ...machine.locks, ownRpcbind },
    identity,
    shares: shareFacts,
    tookMs: ports.clock.nowMs() - startedMs,
  };
}

async function collectShare(one: Case): Promise<ShareFacts> {
  const { ports, share, whole } = one;
  if (diagnosisOf(share).steps === "service") return collectByService(one);
  const question = questionOf(share);
  const mountPoint = ports.mountPoint(share, limits.mountPointMs);
  const { name, addresses } = await resolve(ports, question, whole);
  const reached = await Promise.all(addresses.map((address) => reach(one, question, address)));
  const [trial, ...complete] = await Promise.all([
    tryMount(one, question, reached),
    ...reached.map((facts) => lookAtPath(one, question, facts)),
  ]);
  const needs = trial.kind === "tried" && trial.calls.every(({ errno }) => errno !== "") && securityNeeds(share);
  const security = needs ? ports.security(needs) : undefined;
  return { share, mountPoint: await mountPoint, name, addresses: complete, trial, security };
}

/** Tries to mount from the first address whose services answer, in each version that they speak. */
async function tryMount(
  { ports, share, mayMount, whole }: Case,
  question: NfsQuestion,
  reached: readonly Reached[],
): Promise<TrialFact> {
  if (!mayMount) return { kind: "not-tried", reason: "this process may not mount" };
  const speaks = (facts: Reached) =>
    versionsToTry(share.version).filter((version) =>
      version === "3"
        ? facts.nfs3?.kind === "success" && facts.mountd?.kind === "success"
        : facts.nfs4?.kind === "success",
    );
  const from = reached.find((facts) => speaks(facts).length > 0);
  if (from === undefined) return { kind: "not-tried", reason: "no server answers that could be mounted from" };
  const signal = within(ports.clock, limits.trialMs, whole);
  const requests: TrialRequest[] = [];
  for (const version of speaks(from)) {
    const addresses = await mountAddresses(ports.network, question, from, version, signal);
    if (typeof addresses === "string") continue;
    // Locks are looked at by themselves: the kernel alone would mount without asking for statd.
    const options = version === "3" && wantsHelper(share, "3") ? [...share.options, "nolock"] : share.options;
    requests.push({ version, call: kernelMount({ label: share.label, options }, version, addresses) });
  }
  const trial = await ports.trial(share, requests, signal);
  if (trial.kind === "not-tried" || trial.calls.some(({ errno }) => !isOptionErrno(errno))) return trial;
  const [first, ...others] = trial.calls;
  const [request] = requests;
  if (first === undefined || request === undefined) return trial;
  const optionPorts: OptionPorts = {
    readOptions: (call, words) => ports.readOptions(call, words, limits.questionMs),
    tryCalls: async (_, version, calls) => {
      const again = calls.map((call) => ({ version, call }));
      return errnosOf(await ports.trial(share, again, within(ports.clock, limits.trialMs, whole)));
    },
  };
  const refused = await findRefusedOption(optionPorts, share, request.version, request.call);
  return { ...trial, calls: [refused === undefined ? first : { ...first, refused }, ...others] };
}

function errnosOf(trial: TrialFact): readonly string[] {
  return trial.kind === "tried" ? trial.calls.map(({ errno }) => errno) : [];
}
