// Starts plugin.
import * as native from "native";
import type { Config } from "../../config/config.ts";
import { readConfig } from "../../config/config.ts";
import { withNetshareVariables } from "../../config/plugin-variables.ts";
import { meansShares } from "../../config/share-names.ts";
import { formatResponse } from "../../report/http-answer.ts";
import type { Request } from "../../report/http-request.ts";
import { readFstab } from "../../host/fstab-file.ts";
import { serveHttp } from "../../host/http-server.ts";
import { takeInheritedSocket } from "../../host/inherited-socket.ts";
import { createWorkers } from "../../host/mounter.ts";
import { readOtherTables } from "../../host/other-tables.ts";
import { bootId } from "../../host/process-facts.ts";
import { makeDirectories, parentOf, readText } from "../../host/small-files.ts";
import { claimDirectory } from "../../host/state-directory.ts";
import { adoptDirectory, loadVolumes, moveBelow, saveVolumes } from "../../host/volume-files.ts";
import { abortedBy, Stopped } from "../../lifecycle/stop.ts";
import { answerDaemon, createDriver, volumeStatuses, type VolumeDriver } from "../../lifecycle/volume-driver.ts";
import { asking } from "../../kinds/servers.ts";
import { serverGates } from "../../lifecycle/server-gates.ts";
import { sharedAsk } from "../../wait/shared-ask.ts";
import type { BoardNews } from "../../report/board.ts";
import { contentType, longestBodyBytes } from "../../volumes/protocol.ts";
import { plugin } from "../plugin.ts";
import { unmount } from "../unmount.ts";
import { inFrame, WrongConfiguration, type Frame } from "./frame.ts";
import { mountingPorts } from "./mounting.ts";
import { boardOf, publishBoard, type PublishedBoard } from "./publishing.ts";
import type { Start } from "./start.ts";

export function start(given: Start): Promise<number> {
  return inFrame(given, run);
}

async function run(frame: Frame): Promise<number> {
  const { log, inbox, invocation } = frame;
  // Shares of other roles are not looked at, whatever is set for them.
  const own = Object.fromEntries(Object.entries(frame.environment).filter(([name]) => !meansShares(name)));
  const environment = withNetshareVariables(own);
  const config = configOf(frame, environment);
  const { stateDir, listen = "off", watchIntervalMs, pluginDir, pluginSocket, pluginState } = config.settings;
  claimDirectory(stateDir);
  const stop = new AbortController();
  inbox.onStop((signal) => stop.abort(new Stopped(signal)));
  const stopped = abortedBy(stop.signal);
  stopped.catch(() => {});
  const workers = createWorkers();
  const board = boardOf(frame, config);
  const listeners: ((news: BoardNews) => void)[] = [];
  const mounting = mountingPorts(frame, config, board, workers);
  // Hundreds of volumes may wait for one server, each by itself.
  const { clock, network } = mounting;
  const ports = { ...mounting, ask: sharedAsk(clock, asking(network)), gates: serverGates(clock) };
  const driver = createDriver(
    {
      ...ports,
      bootId: bootId(),
      load: () => loadVolumes(pluginState),
      save: (stored) => {
        saveVolumes(pluginState, stored);
        for (const tell of listeners) tell("change");
      },
      otherTables: readOtherTables,
      adopt: adoptDirectory,
      discard: moveBelow,
      clear: async (share) => void (await unmount({ ...ports, readFstab }, { ...config, shares: [share] })),
      reasonOf: board.reasonOf,
      forget: board.forget,
    },
    { config, environment, flags: invocation.flags },
  );
  const withVolumes: PublishedBoard = {
    current: () => ({ ...board.current(), volumes: volumeStatuses(driver) }),
    subscribe: (tell) => {
      board.subscribe(tell);
      listeners.push(tell);
    },
  };
  const withdraw = publishBoard(log, withVolumes, {
    state: { stateDir, intervalMs: watchIntervalMs },
    listen,
    targets: [pluginDir],
  });
  try {
    const listenOnSocket = () => listenOn(frame, driver, pluginSocket);
    const pause = () => ports.clock.sleep(watchIntervalMs, stop.signal);
    // Docker starts a managed one as the first process of a container.
    const isManaged = native.getpid() === 1;
    return await plugin({ log, stopped, isManaged, pause, listen: listenOnSocket }, driver);
  } finally {
    await withdraw();
    workers.stopAll();
  }
}

/** Throws WrongConfiguration. */
function configOf({ log, invocation }: Frame, environment: Frame["environment"]): Config {
  const read = readConfig(environment, invocation.flags, {
    defaults: invocation.role.defaults,
    canRestart: false,
    accounts: () => ({ passwd: readText("/etc/passwd") ?? "", group: readText("/etc/group") ?? "" }),
  });
  const config = read.kind === "config" ? read.config : read.rest;
  for (const reason of config.warnings) log("warn", "configuration", { stage: "config", reason });
  if (read.kind === "problems") throw new WrongConfiguration(read.problems);
  return config;
}

async function listenOn({ log, environment }: Frame, driver: VolumeDriver, path: string): Promise<() => void> {
  const fd = takeInheritedSocket(environment);
  if (fd === undefined) makeDirectories(parentOf(path));
  const address = fd === undefined ? path : "the socket that systemd listens on";
  const answer = async (request: Request, isGone: () => boolean): Promise<string> => {
    const body = new TextDecoder().decode(request.body ?? new Uint8Array());
    const response = await answerDaemon(driver, request.method, request.target, body, isGone);
    return formatResponse(request, { ...response, contentType, allow: "POST" });
  };
  const { close } = serveHttp(
    fd === undefined ? { kind: "socket", path } : { kind: "inherited", fd },
    { answer, longestBodyBytes },
    {
      onListening: () => log("info", "answering Docker", { stage: "init", address }),
      onTrouble: (reason) => log("warn", "Docker cannot be answered, trying again", { stage: "init", address, reason }),
    },
  );
  return close;
}
