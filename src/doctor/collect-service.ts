// Asks about a share whose kind has no steps of RPC: the way to its server, does its service answer, and what a trial mount says.
import { within } from "../abort.ts";
import { diagnosisOf } from "../kinds/diagnoses.ts";
import type { FailedTrial } from "../kinds/diagnosis.ts";
import type { MountedShare } from "../kinds/mounting.ts";
import { mountingOf } from "../kinds/mountings.ts";
import { askServer, mountAddresses, questionOf } from "../kinds/servers.ts";
import { type OptionPorts, findRefusedOption, isOptionErrno } from "../mount/refused-option.ts";
import type { Share } from "../shares/share.ts";
import { resolve } from "./collect-name.ts";
import { type Case, type TrialRequest, limits } from "./collect-ports.ts";
import { unasked } from "./collect-services.ts";
import type { AddressFacts, ShareFacts, TrialFact } from "./facts.ts";
import type { Readiness } from "../kinds/server.ts";

export async function collectByService(one: Case): Promise<ShareFacts> {
  const { ports, share, whole } = one;
  const mountPoint = ports.mountPoint(share, limits.mountPointMs);
  const question = questionOf(share);
  const { name, addresses } = await resolve(ports, { host: question.host, family: undefined }, whole);
  const [service, ...ways] = await Promise.all([
    askServer(ports.network, question, within(ports.clock, limits.connectMs, whole)),
    ...addresses.map((address) => reach(one, address, question.port)),
  ]);
  const { trial, failed, mayWrite } = await tryMount(one, service);
  return { share, mountPoint: await mountPoint, name, addresses: ways, service, trial, failed, mayWrite };
}

async function reach({ ports, whole }: Case, address: string, port: number | undefined): Promise<AddressFacts> {
  const route = ports.route(address);
  const isAsked = route.kind === "route" && port !== undefined;
  return {
    ...unasked(address, route),
    port: isAsked ? await ports.tryPort(address, port, within(ports.clock, limits.connectMs, whole)) : undefined,
    path4: undefined,
    path3: undefined,
    access: undefined,
  };
}

type Tried = Pick<ShareFacts, "trial" | "failed" | "mayWrite">;

async function tryMount(one: Case, service: Readiness): Promise<Tried> {
  const { ports, share, mayMount, whole } = one;
  if (!mayMount) return notTried("this process may not mount");
  if (service.kind !== "ready") return notTried("no server answers that could be mounted from");
  const requests = await requestsFor(one, share, service);
  const trial = await ports.trial(share, requests, within(ports.clock, limits.trialMs, whole));
  const [request] = requests;
  const call = trial.kind === "tried" ? trial.calls[0] : undefined;
  if (request === undefined || call === undefined) return { trial };
  const { trial: words } = diagnosisOf(share);
  if (call.errno === "") return { trial, mayWrite: words?.mayWrite(call.rights ?? "", share) };
  const { secretsFile } = request.call;
  const file = secretsFile && ports.secretsFile(secretsFile);
  if (!isOptionErrno(call.errno)) {
    const failed = { errno: call.errno, file, telling: await tryTelling(one, call.errno, service) };
    return { trial, failed };
  }
  const optionPorts: OptionPorts = {
    readOptions: (asked, names) => ports.readOptions(asked, names, limits.questionMs),
    tryCalls: () => Promise.resolve([]),
  };
  const refused = await findRefusedOption(optionPorts, share, request.version, request.call);
  const calls = [refused === undefined ? call : { ...call, refused }];
  return { trial: { kind: "tried", calls }, failed: { errno: call.errno, file } };
}

function notTried(reason: string): Tried {
  return { trial: { kind: "not-tried", reason } };
}

async function requestsFor(
  { ports, share, whole }: Case,
  asked: MountedShare,
  service: Extract<Readiness, { kind: "ready" }>,
): Promise<readonly TrialRequest[]> {
  const requests: TrialRequest[] = [];
  const rightsFile = diagnosisOf(share).trial?.rightsFile;
  for (const { version, call } of mountingOf(share).ways(asked, service.unspoken)) {
    const signal = within(ports.clock, limits.trialMs, whole);
    const addresses = await mountAddresses(ports.network, questionOf(share), service, version, signal);
    if (typeof addresses !== "string") requests.push({ version, call: call(addresses), rightsFile });
  }
  return requests;
}

/** Another trial, which tells why the first one failed. */
async function tryTelling(
  one: Case,
  errno: string,
  service: Extract<Readiness, { kind: "ready" }>,
): Promise<FailedTrial["telling"]> {
  const { ports, share, whole } = one;
  const asked = diagnosisOf(share).trial?.telling(share, errno);
  if (asked === undefined) return undefined;
  const tried: TrialFact = await ports.trial(
    share,
    await requestsFor(one, asked, service),
    within(ports.clock, limits.trialMs, whole),
  );
  return tried.kind === "tried" ? tried.calls[0]?.errno : undefined;
}

/** The ports for a share whose mount call has failed already: where one more would be one more attempt to log on, that call is its trial. */
export function withKnownFailure(ports: Case["ports"], share: Share, errno: string | undefined): Case["ports"] {
  let known = diagnosisOf(share).steps === "service" ? errno : undefined;
  return {
    ...ports,
    trial: async (of, requests, signal) => {
      const [request] = requests;
      if (known === undefined || request === undefined) return ports.trial(of, requests, signal);
      const call = { version: request.version, errno: known };
      known = undefined;
      return { kind: "tried", calls: [call] };
    },
  };
}
