// From facts to a page about a server: a line for each check, and one sentence with what is in the way and what to change.
import {
  formatClient,
  formatNetwork,
  isFarNetwork,
  networksMeet,
  type Client,
  type Network,
} from "../../export/clients.ts";
import { exportFlags } from "../../export/options.ts";
import { versionsLine } from "../../export/server.ts";
import { troubleError } from "../../export/troubles.ts";
import { type Check, fails, notApplicable, ok, warning } from "../check.ts";
import type { Section } from "../findings.ts";
import type { ExportFacts, ServerFacts, ServerMachineFacts, ServerTrial } from "./facts.ts";

export interface ServerFindings {
  readonly sections: readonly Section[];
  /** Whether everything would be served, or is. */
  readonly wouldServe: boolean;
  /** One sentence. */
  readonly verdict: string;
}

export function judgeServer(facts: ServerFacts): ServerFindings {
  const machine = machineChecks(facts);
  const sections: readonly Section[] = [
    { title: "this machine", checks: machine },
    ...facts.exports.map((one) => ({ title: `export ${one.export.path}`, checks: exportChecks(one, facts) })),
  ];
  const failing = sections.flatMap(({ title, checks }) =>
    checks.filter(({ status }) => status === "fails").map((check) => ({ title, check })),
  );
  const [first] = failing;
  const wouldServe = first === undefined;
  return { sections, wouldServe, verdict: wouldServe ? goodVerdict(facts) : badVerdict(first, facts) };
}

function goodVerdict({ machine, exports }: ServerFacts): string {
  const all = exports.length === 1 ? `${exports[0]?.export.path}` : `All ${exports.length} exports`;
  const isServed = exports.every(({ served }) => served !== undefined && served.kind !== "not-served");
  if (isServed) return `${all} ${exports.length === 1 ? "is" : "are"} served.`;
  const wait = machine.isClaimed ? ", once the nfs-init that serves in this network has ended" : "";
  return `${all} would be served${wait}: nothing was found that is in the way.`;
}

function badVerdict(
  { title, check }: { readonly title: string; readonly check: Check },
  { exports }: ServerFacts,
): string {
  const what = title.startsWith("export ")
    ? title.slice("export ".length)
    : exports.length === 1
      ? (exports[0]?.export.path ?? "")
      : "nothing";
  const next = check.next === undefined ? "" : `; ${check.next}`;
  return `${what} ${what === "nothing" ? "can be" : "cannot be"} served because ${check.fact}${next}.`;
}

function machineChecks({ machine, wanted }: ServerFacts): readonly Check[] {
  const { trial } = machine;
  return [
    kernelCheck(trial, wanted),
    instanceCheck(machine),
    portCheck(machine),
    ...version3Checks(machine, wanted?.includes("3") === true),
    stateCheck(machine),
  ];
}

function kernelCheck(trial: ServerTrial, wanted: ServerFacts["wanted"]): Check {
  const name = "NFS server of the kernel";
  if (trial.kind === "no-answer")
    return fails(name, "the kernel does not answer within the time", "look at the kernel's log (dmesg)");
  if (trial.kind === "trouble") return ofTrouble(name, trial);
  const has = versionsLine(trial.versions, undefined)?.on ?? [];
  const on = versionsLine(trial.versions, wanted)?.on ?? [];
  if (on.length > 0) return ok(name, `it can be driven from here, with versions ${on.join(", ")}`);
  return fails(
    name,
    `this kernel has none of the versions asked for (it has ${has.join(", ")})`,
    "set NFS_SERVER_VERSIONS to one that it has, or leave it unset",
  );
}

/** The sentence that a start would end with. */
function ofTrouble(name: string, { trouble }: Extract<ServerTrial, { kind: "trouble" }>): Check {
  const { message, hint } = troubleError(trouble);
  return fails(name, message.replace(/^cannot (?:serve|export [^:]*): /, ""), hint);
}

function instanceCheck({ trial, isClaimed }: ServerMachineFacts): Check {
  const name = "other servers";
  const threads = trial.kind === "fit" ? trial.threads : 0;
  if (isClaimed) return ok(name, "an nfs-init serves in this network; a second one would wait until it ends");
  if (threads > 0)
    return warning(
      name,
      `${threads} threads serve in this network that no nfs-init looks after; a start takes over from them`,
    );
  return ok(name, "none in this network");
}

function portCheck({ port, portFact, trial }: ServerMachineFacts): Check {
  const name = `port ${port}`;
  if (portFact.kind === "free") return ok(name, "it is free");
  if (portFact.kind === "refused") {
    return fails(
      name,
      `port ${port} cannot be had (${portFact.errno})`,
      "give this process CAP_NET_BIND_SERVICE, or set NFS_SERVER_PORT to a port above 1023",
    );
  }
  if (trial.kind === "fit" && trial.threads > 0) return ok(name, "the kernel's server has it");
  return fails(
    name,
    `port ${port} is taken by another program`,
    "end that server, or set NFS_SERVER_PORT to another port",
  );
}

function version3Checks(
  { services, hasPortmapper, isClaimed }: ServerMachineFacts,
  isAskedFor: boolean,
): readonly Check[] {
  if (services.length === 0) return [notApplicable("version 3", "NFS_SERVER_VERSIONS leaves it out")];
  const portmapper =
    hasPortmapper && !isClaimed
      ? "that of this network is used"
      : isClaimed
        ? "the nfs-init that serves has it"
        : "nfs-init is its own";
  return [
    ok("portmapper", portmapper),
    ...services.map(({ name, variable, port, fact }) => {
      if (fact.kind === "free") return ok(name, `port ${port} is free`);
      if (isClaimed && fact.kind === "taken") return ok(name, `port ${port} is that of the nfs-init that serves`);
      const reason =
        fact.kind === "taken"
          ? `port ${port} is taken by another program`
          : `port ${port} cannot be had (${fact.errno})`;
      const next = `end what has it, set ${variable} to another port, or leave version 3 out with NFS_SERVER_VERSIONS=4`;
      return isAskedFor ? fails(name, reason, next) : warning(name, `${reason}; version 3 is left out`, next);
    }),
  ];
}

const passing: ReadonlySet<string> = new Set(["overlay", "tmpfs", "ramfs"]);

function stateCheck({ state: { path, fstype, unwritable } }: ServerMachineFacts): Check {
  const name = "client records";
  if (unwritable !== undefined)
    return fails(name, `${path} cannot be written (${unwritable})`, "set NFS_SERVER_STATE to a directory on a volume");
  if (!passing.has(fstype)) return ok(name, `${path} lies on ${fstype}`);
  return warning(
    name,
    `${path} lies on ${fstype} and ends with this container: after a restart clients wait for the grace period`,
    "set NFS_SERVER_STATE to a directory on a volume",
  );
}

function exportChecks(facts: ExportFacts, { attached }: ServerFacts): readonly Check[] {
  return [directoryCheck(facts), fileSystemCheck(facts), clientsCheck(facts, attached), servedCheck(facts)];
}

function directoryCheck({ preparation, directory, mount, device }: ExportFacts): Check {
  const { path, scratch, requireMount } = preparation;
  const name = "directory";
  if (directory === "no-answer") return fails(name, `${path} does not answer`, "look at its disk");
  if (directory === "no-directory")
    return fails(name, `${path} is not a directory`, "mount a volume there, or correct the path");
  if (scratch !== undefined) return ok(name, "a tmpfs is mounted on it at the start");
  if (device !== undefined && mount?.isOwn !== true) {
    return device.kind === "found"
      ? ok(name, `${device.source} is mounted on it at the start`)
      : fails(name, "its disk is not there", "attach the disk, or correct NFS_EXPORT_DEVICE; serve waits for it");
  }
  if (directory === "absent")
    return fails(name, `there is no directory ${path}`, "mount a volume there, or correct the path");
  if (requireMount && mount?.isOwn !== true) {
    return fails(
      name,
      `nothing is mounted on ${path}`,
      "mount the volume there, or set NFS_EXPORT_REQUIRE_MOUNT=off to export the directory itself",
    );
  }
  if (mount !== undefined && mount.root.includes("/kubernetes.io~empty-dir/")) {
    return warning(name, "it is an emptyDir, its files end with the pod", "export a volume that outlives the pod");
  }
  return ok(name, mount?.isOwn === true ? `a volume is mounted on it (${mount.fstype})` : "it is there");
}

function fileSystemCheck({ trial, mount, preparation }: ExportFacts): Check {
  const name = "file system";
  if (preparation.scratch !== undefined) return ok(name, "memory can be exported");
  if (trial === undefined) return notApplicable(name, "not tried");
  if (trial.kind === "no-answer") return fails(name, "the kernel does not answer within the time", "look at the disk");
  if (trial.kind === "trouble") return ofTrouble(name, trial);
  return ok(name, `the kernel exports ${mount?.fstype ?? "it"}`);
}

function clientsCheck({ export: one }: ExportFacts, attached: readonly Network[]): Check {
  const name = "clients";
  const clients = one.rules.flatMap((rule) => rule.clients);
  const words = [...new Set(clients.flatMap((client) => wordsOf(client, attached)))].join(", ");
  const isReadOnly = one.rules.every(({ options }) => (options.flags & exportFlags.readOnly) !== 0);
  const fact = `${words} ${isReadOnly ? "may mount it and read" : "may mount it"}`;
  const far = attached.filter(isFarNetwork);
  // Names may be of any network. Behind a published port everybody comes from Docker's gateway, which is attached.
  const mayComeFrom = (network: Network) =>
    clients.some((client) => client.kind !== "network" || networksMeet(client.network, network));
  if (far.length > 0 && !far.some(mayComeFrom)) {
    return warning(
      name,
      `${fact}, and nobody from a network that this machine is attached to (${far.map(formatNetwork).join(", ")})`,
      `unless all clients come through a router, let these networks in too, at ${one.origin}: the log of serve names whom it refuses`,
    );
  }
  const isAttachedOnly = clients.every(({ kind }) => kind === "attached");
  return ok(
    name,
    isAttachedOnly ? `${fact}: the networks of this machine, until NFS_EXPORT_CLIENTS says otherwise` : fact,
  );
}

function wordsOf(client: Client, attached: readonly Network[]): readonly string[] {
  return client.kind === "any" ? ["everybody"] : formatClient(client, attached);
}

function servedCheck({ served }: ExportFacts): Check {
  const name = "answer";
  if (served === undefined) return notApplicable(name, "no server runs in this network");
  if (served.kind === "served") return ok(name, "it is served: asked over the wire, it answers");
  if (served.kind === "not-writable") return warning(name, `it is served and takes no file: ${served.reason}`);
  return fails(
    name,
    `the server that runs here does not serve it: ${served.reason}`,
    "look at the log of nfs-init serve; start it again",
  );
}
