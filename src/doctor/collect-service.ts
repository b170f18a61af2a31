// Asks about a share whose kind has no steps of its own here: does its service answer, and does a trial mount work.
import { mountingOf } from "../kinds/mountings.ts";
import { askServer, mountAddresses, questionOf } from "../kinds/servers.ts";
import { type OptionPorts, findRefusedOption, isOptionErrno } from "../mount/refused-option.ts";
import { type Case, type TrialRequest, limits, within } from "./collect-ports.ts";
import type { ShareFacts, TrialFact } from "./facts.ts";
import type { Readiness } from "../kinds/server.ts";

export async function collectByService(one: Case): Promise<ShareFacts> {
  const { ports, share, whole } = one;
  const mountPoint = ports.mountPoint(share, limits.mountPointMs);
  const service = await askServer(ports.network, questionOf(share), within(limits.connectMs, whole));
  const trial = await tryMount(one, service);
  return { share, mountPoint: await mountPoint, name: { kind: "resolved" }, addresses: [], service, trial };
}

async function tryMount({ ports, share, mayMount, whole }: Case, service: Readiness): Promise<TrialFact> {
  if (!mayMount) return { kind: "not-tried", reason: "this process may not mount" };
  if (service.kind !== "ready") {
    return { kind: "not-tried", reason: "no server answers that could be mounted from" };
  }
  const signal = within(limits.trialMs, whole);
  const requests: TrialRequest[] = [];
  for (const way of mountingOf(share).ways(share, service.unspoken)) {
    const addresses = await mountAddresses(ports.network, questionOf(share), service, way.version, signal);
    if (typeof addresses !== "string") requests.push({ version: way.version, call: way.call(addresses) });
  }
  const trial = await ports.trial(share, requests, signal);
  const [request] = requests;
  const call = trial.kind === "tried" ? trial.calls[0] : undefined;
  if (request === undefined || call === undefined || !isOptionErrno(call.errno)) return trial;
  const optionPorts: OptionPorts = {
    readOptions: (asked, words) => ports.readOptions(asked, words, limits.questionMs),
    tryCalls: () => Promise.resolve([]),
  };
  const refused = await findRefusedOption(optionPorts, share, request.version, request.call);
  return { kind: "tried", calls: [refused === undefined ? call : { ...call, refused }] };
}
