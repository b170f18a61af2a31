// Looks at a server that is to be, side by side and within a time; what has not answered by then is silent.
import type { Clock } from "../../clock.ts";
import type { ExportConfig, Preparation } from "../../config/exports.ts";
import { serverSettings, wantsVersion3 } from "../../config/server-settings.ts";
import { askExport } from "../../export/ask.ts";
import type { Network } from "../../export/clients.ts";
import { exportTable, type Export, type ExportTable } from "../../export/exports.ts";
import { versionsLine, type ServerSettings } from "../../export/server.ts";
import type { Dial } from "../../rpc/transport.ts";
import type { ExportFacts, PortFact, ServerFacts, ServerMachineFacts, ServerTrial } from "./facts.ts";

/** What is asked of the machine. */
export interface ServerDoctorPorts {
  readonly dial: Dial;
  readonly clock: Clock;
  readonly attachedNetworks: () => readonly Network[];
  readonly tryServer: (settings: ServerSettings, timeoutMs: number) => Promise<ServerTrial>;
  readonly tryPort: (port: number) => PortFact;
  readonly isClaimed: () => boolean;
  readonly hasPortmapper: () => Promise<boolean>;
  readonly stateFact: (path: string) => ServerMachineFacts["state"];
  readonly directory: (
    one: Preparation,
    timeoutMs: number,
  ) => Promise<Pick<ExportFacts, "directory" | "mount" | "device">>;
}

const nothing: ExportTable = { exports: [], byFsid: new Map(), above: new Set() };

export async function collectServerFacts(
  ports: ServerDoctorPorts,
  { table, preparations, server }: ExportConfig,
  budgetMs: number,
): Promise<ServerFacts> {
  const startedMs = ports.clock.nowMs();
  const settings = serverSettings(server, nothing, server.serverVersions);
  const trial = await ports.tryServer(settings, budgetMs);
  const wants3 = wantsVersion3(server);
  const services = [
    { name: "MOUNT service", variable: "NFS_MOUNTD_PORT", port: server.mountdPort },
    { name: "status monitor", variable: "NFS_STATD_PORT", port: server.statdPort },
  ];
  const machine: ServerMachineFacts = {
    trial,
    port: server.serverPort,
    portFact: ports.tryPort(server.serverPort),
    isClaimed: ports.isClaimed(),
    services: wants3 ? services.map((one) => ({ ...one, fact: ports.tryPort(one.port) })) : [],
    hasPortmapper: wants3 && (await ports.hasPortmapper()),
    state: ports.stateFact(server.serverState),
  };
  const versions = trial.kind === "fit" && trial.threads > 0 ? runningVersions(trial.versions) : [];
  const lookAt = async (one: Export, index: number): Promise<ExportFacts | undefined> => {
    const preparation = preparations[index];
    if (preparation === undefined) return undefined;
    const found = await ports.directory(preparation, budgetMs);
    const isMadeFirst =
      preparation.scratch !== undefined || (preparation.device !== undefined && found.mount?.isOwn !== true);
    const own = exportTable([one]);
    const mayTry = trial.kind === "fit" && found.directory === "there" && !isMadeFirst && !("problems" in own);
    const { serverPort: port, mountdPort } = server;
    const asked = { address: "127.0.0.1", port, versions, mountdPort, exports: table.exports };
    const isRunning = versions.length > 0;
    return {
      export: one,
      preparation,
      ...found,
      trial: mayTry ? await ports.tryServer({ ...settings, table: own }, budgetMs) : undefined,
      served: isRunning ? await askExport(ports.dial, one, asked, false, ports.clock.timeout(budgetMs)) : undefined,
    };
  };
  const exports = await Promise.all(table.exports.map(lookAt));
  return {
    machine,
    exports: exports.filter((one) => one !== undefined),
    wanted: server.serverVersions,
    attached: ports.attachedNetworks(),
    tookMs: ports.clock.nowMs() - startedMs,
  };
}

/** Those that are on. */
function runningVersions(has: string): ServerSettings["versions"] & object {
  const isOn = (one: string) => has.split(" ").includes(`+${one}`);
  const on = versionsLine(has, undefined)?.on ?? [];
  return on.filter((one) => isOn(one) || (one === "4.0" && isOn("4")));
}
