// Puts the rooms together for a role that has to do with shares; each role is loaded by itself.
import type { ExactVersion } from "../../kinds/nfs/versions.ts";
import type { Share } from "../../shares/share.ts";
import type { KernelMount } from "../../kinds/kind.ts";
import * as native from "native";
import { clock } from "../../host/clock.ts";
import { editFile, readFstab } from "../../host/fstab-file.ts";
import { lockLocalDirectory } from "../../host/locks.ts";
import { claimDirectory, hiddenPath, lineClaims, lockTarget } from "../../host/state-directory.ts";
import { killDescendants } from "../../host/descendants.ts";
import { loadModules } from "../../host/helper.ts";
import { initPorts } from "../../host/init.ts";
import { createWorkers } from "../../host/mounter.ts";
import { resolveName } from "../../host/names.ts";
import { planFactsOf } from "../../host/plan-facts.ts";
import { mountRights } from "../../host/process-facts.ts";
import { dial } from "../../host/sockets.ts";
import type { Config } from "../../config/config.ts";
import type { Surroundings } from "./configured.ts";
import type { Command } from "../../init/command.ts";
import type { Handover } from "../../init/handover.ts";
import type { Invocation, Role } from "../../command-line/invocation.ts";
import type { Log } from "../../lifecycle/log.ts";
import { startPublishing } from "./publishing.ts";

/** COMMAND, and what it is to be. */
export interface Handed {
  readonly command: Command;
  readonly handover: Handover;
}

/** Gives the exit code. */
export async function runWithShares(
  log: Log,
  { role, json = false }: Invocation & { readonly role: Exclude<Role, "fstab"> },
  config: Config,
  { command, handover }: Handed,
  { environment, inbox, workingDirectory, version, print }: Surroundings,
): Promise<number> {
  const { settings, identity } = config;
  const planFacts = planFactsOf(log, settings.stateDir);
  const workers = createWorkers();
  const machine = async () => {
    const { doctorPorts } = await import("../../host/doctor-facts.ts");
    return doctorPorts({ environment, fstab: settings.fstab ?? "/etc/fstab", mounter: workers.mounter });
  };
  if (role === "doctor") {
    const { doctor } = await import("../doctor.ts");
    const isColoured = native.isatty(1) && (environment["NO_COLOR"] ?? "") === "";
    return doctor({ doctor: await machine(), planFacts, print, isColoured, onStop: inbox.onStop }, config, { json });
  }
  if (config.shares.length > 0) claimDirectory(settings.stateDir);
  const publishing = startPublishing(log, config, role, version);
  const ports = {
    log,
    board: publishing.board,
    clock,
    network: { dial, resolveName },
    mounter: workers.mounter,
    workers,
    planFacts,
    rights: mountRights,
    workingDirectory,
    lockTarget: (target: string) => lockTarget(settings.stateDir, target),
    lockDirectory: lockLocalDirectory,
    asidePath: (target: string) => hiddenPath(settings.stateDir, "aside", target),
    keptPath: (target: string) => hiddenPath(settings.stateDir, "kept", target),
    loadModules,
    editFstab: editFile,
    readFstab,
    lineClaims: lineClaims(settings.stateDir),
    tryCalls: async (share: Share, asked: ExactVersion, calls: readonly KernelMount[]) => {
      const { trial } = await machine();
      const requests = calls.map((call) => ({ version: asked, call }));
      const tried = await trial(share, requests, AbortSignal.timeout(explainMs));
      return tried.kind === "tried" ? tried.calls.map(({ errno }) => errno) : [];
    },
    explain: async (share: Share) => {
      const { explain } = await import("../../doctor/explain.ts");
      return explain(share, await machine(), identity, explainMs);
    },
    writeAccess: workers.writeAccess,
    // A working directory that is gone is still ours, and is inherited.
    init: initPorts({ handover, workingDirectory }, inbox),
    onStop: inbox.onStop,
    onStopRequest: inbox.onStopRequest,
    user: identity ?? { uid: native.geteuid(), gid: native.getegid() },
    killDescendants,
  };
  try {
    switch (role) {
      case "run":
        return await (await import("../run.ts")).run(ports, config, command);
      case "wait":
        return await (await import("../wait.ts")).wait(ports, config);
      case "mount":
        return await (await import("../mount.ts")).mount(ports, config);
      case "unmount":
        return await (await import("../unmount.ts")).unmount(ports, config);
      case "sidecar":
        return await (await import("../sidecar.ts")).sidecar(ports, config);
    }
  } finally {
    await publishing.stop();
    // Outside a pid namespace one that waits for a dead server would stay behind; nobody is left to take its answer.
    workers.stopAll();
  }
}

/** Time for a diagnosis beside the waiting. */
const explainMs = 4_000;
