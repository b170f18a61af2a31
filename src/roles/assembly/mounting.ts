// The machine for roles that mount, and what goes on around them: the state directory, publishing, workers that are ended.
import * as native from "native";
import { clock } from "../../host/clock.ts";
import { editFile } from "../../host/fstab-file.ts";
import { loadModules } from "../../host/helper.ts";
import { lockLocalDirectory } from "../../host/locks.ts";
import { createWorkers, type Workers } from "../../host/mounter.ts";
import { resolveName } from "../../host/names.ts";
import { planFactsOf } from "../../host/plan-facts.ts";
import { mountRights } from "../../host/process-facts.ts";
import { dial } from "../../host/sockets.ts";
import { claimDirectory, hiddenPath, lineClaims, lockTarget } from "../../host/state-directory.ts";
import type { Config } from "../../config/config.ts";
import { withIds } from "../../kinds/efs/names.ts";
import type { KernelMount } from "../../kinds/mounting.ts";
import type { Share } from "../../shares/share.ts";
import type { Board } from "../../report/board.ts";
import type { Frame } from "./frame.ts";
import { boardOf, publish } from "./publishing.ts";

/** Ports that `mount`, `sidecar` and `run` have in common. */
export type MountingPorts = ReturnType<typeof mountingPorts>;

/** Runs a role that mounts with its ports; gives the exit code. */
export async function withMounting(
  frame: Frame,
  config: Config,
  role: (ports: MountingPorts, workers: Workers) => Promise<number>,
): Promise<number> {
  const { stateDir } = config.settings;
  if (config.shares.length > 0) claimDirectory(stateDir);
  const workers = createWorkers();
  const board = boardOf(frame, config);
  const withdraw = frame.invocation.role.publishes ? publish(frame.log, board, config) : async () => {};
  try {
    return await role(mountingPorts(frame, config, board, workers), workers);
  } finally {
    await withdraw();
    // Outside a pid namespace one that waits for a dead server would stay behind; nobody is left to take its answer.
    workers.stopAll();
  }
}

export function mountingPorts(frame: Frame, { settings, identity }: Config, board: Board, { mounter }: Workers) {
  const { log, environment, inbox } = frame;
  const { fstab, stateDir } = settings;
  const machine = async () => {
    const { doctorPorts } = await import("../../host/doctor-facts.ts");
    return doctorPorts({ environment, fstab, mounter });
  };
  return {
    log,
    board,
    clock,
    network: withIds(clock, { dial, resolveName }, environment),
    mounter,
    planFacts: planFactsOf(log, stateDir),
    rights: mountRights,
    lockTarget: (target: string) => lockTarget(stateDir, target),
    lockDirectory: lockLocalDirectory,
    asidePath: (target: string) => hiddenPath(stateDir, "aside", target),
    keptPath: (target: string) => hiddenPath(stateDir, "kept", target),
    loadModules,
    editFstab: editFile,
    lineClaims: lineClaims(stateDir),
    tryCalls: async (share: Share, asked: string, calls: readonly KernelMount[]) => {
      const { trial } = await machine();
      const requests = calls.map((call) => ({ version: asked, call }));
      const tried = await trial(share, requests, clock.timeout(explainMs));
      return tried.kind === "tried" ? tried.calls.map(({ errno }) => errno) : [];
    },
    explain: async (share: Share, failure?: string) => {
      const { explain } = await import("../../doctor/explain.ts");
      return explain(share, await machine(), identity, explainMs, failure);
    },
    user: identity ?? { uid: native.geteuid(), gid: native.getegid() },
    onStop: inbox.onStop,
  };
}

/** Time for a diagnosis beside the waiting. */
const explainMs = 4_000;
