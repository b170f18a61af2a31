// Starts serve.
import * as native from "native";
import { exitCodes } from "../../errors.ts";
import { keepVip } from "../../export/vip/keeping.ts";
import { inChild } from "../../host/children.ts";
import { clock } from "../../host/clock.ts";
import { complainOf } from "../../host/faults.ts";
import { killDescendants } from "../../host/descendants.ts";
import { exportDirectoryPorts } from "../../host/export-directories.ts";
import { initPorts } from "../../host/init.ts";
import { claimNetwork } from "../../host/network-claim.ts";
import { networksHere } from "../../host/networks.ts";
import { vipWorld } from "../../host/netlink.ts";
import { startNfsd } from "../../host/nfsd.ts";
import { bootId, processStartedMs } from "../../host/process-facts.ts";
import { dial } from "../../host/sockets.ts";
import { createExportBoard } from "../../report/export-board.ts";
import { staleAfterMs } from "../../report/refresh.ts";
import { serve, type ServePorts } from "../serve.ts";
import { commandOf } from "./command.ts";
import { inFrame, WrongConfiguration, type Frame, type LastPhrases } from "./frame.ts";
import { publishBoard } from "./publishing.ts";
import { readServerConfiguration } from "./server-configuration.ts";
import type { Start } from "./start.ts";

/** Time for a look at a disk. */
const spaceMs = 5_000;

/** Not everybody serves version 3. */
const startVersion3: ServePorts["startVersion3"] = async (given) => {
  const [world, services] = await Promise.all([
    import("../../host/version3.ts"),
    import("../../export/v3/version3.ts"),
  ]);
  const ports = { mountd: given.mountdPort, statd: given.statdPort };
  return services.startVersion3(world.version3World({ ...given, onFault: (error) => void complainOf(error) }), ports);
};

const phrases: LastPhrases = {
  [exitCodes.mountFailed]: { phrase: "cannot serve here", stage: "serve" },
  [exitCodes.lost]: { phrase: "the exports are not served", stage: "serve" },
};

export function start(given: Start): Promise<number> {
  return inFrame(given, run, { phrases });
}

async function run(frame: Frame): Promise<number> {
  const { log, invocation, inbox, workingDirectory } = frame;
  const { config, exports } = readServerConfiguration(frame);
  if (config.settings.exec) throw new WrongConfiguration(["NFS_EXEC: nobody would be left to serve; leave it unset"]);
  const hasCommand = invocation.command.length > 0;
  const { command, handover } = commandOf(frame, config);
  // A working directory on an export would keep its disk busy; COMMAND enters it again.
  native.chdir("/");
  const { table, server } = exports;
  const { stateDir, listen = "off" } = config.settings;
  const board = createExportBoard(
    clock.nowMs,
    {
      program: frame.version,
      role: invocation.role.name,
      bootId: bootId(),
      startedMs: processStartedMs("self") ?? clock.nowMs(),
      staleAfterMs: staleAfterMs(server.serverCheckIntervalMs, server.serverCheckTimeoutMs),
    },
    table.exports.map(({ path }) => path),
  );
  const withdraw = publishBoard(log, board, {
    state: { stateDir, intervalMs: server.serverCheckIntervalMs },
    listen,
    targets: [],
  });
  const ports: ServePorts = {
    log,
    clock,
    dial,
    board,
    init: initPorts({ handover, workingDirectory, mayHang: false }, inbox),
    onStop: inbox.onStop,
    killDescendants,
    directories: exportDirectoryPorts(log),
    space: async (path) => {
      const answer = await inChild(() => native.statfs(path), spaceMs);
      if (answer.kind !== "answer") return undefined;
      const { totalBytes, freeBytes, availableBytes } = answer.value;
      return { totalBytes, freeBytes, availableBytes };
    },
    claimNetwork,
    startServer: startNfsd,
    startVersion3,
    attachedNetworks: networksHere,
    keepVip: (vip, onEvent, signal) => keepVip(vipWorld, vip, onEvent, signal),
  };
  try {
    return await serve(ports, config.settings, exports, hasCommand ? command : undefined);
  } finally {
    await withdraw();
  }
}
