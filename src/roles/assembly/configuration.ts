// The configuration of roles about shares: read for the role, with its problems and warnings told.
import * as native from "native";
import { readConfig, type Config } from "../../config/config.ts";
import { AppError, exitCodes } from "../../errors.ts";
import { readText } from "../../host/small-files.ts";
import { WrongConfiguration, type Frame } from "./frame.ts";

/** Throws WrongConfiguration with every problem at once, those of the mount points included. */
export async function readConfiguration({ log, environment, invocation }: Frame): Promise<Config> {
  const { role, flags } = invocation;
  const result = readConfig(environment, flags, {
    defaults: role.defaults,
    canRestart: role.command !== "none" || !role.publishes,
    accounts: () => ({ passwd: readText("/etc/passwd") ?? "", group: readText("/etc/group") ?? "" }),
  });
  const config = result.kind === "config" ? result.config : result.rest;
  for (const reason of config.warnings) log("warn", "configuration", { stage: "config", reason });
  if (result.kind === "config") return config;
  const [{ planMounts }, { planFactsOf }] = await Promise.all([
    import("../../plan/plan.ts"),
    import("../../host/plan-facts.ts"),
  ]);
  const plan = planMounts(config, planFactsOf(log, config.settings.stateDir)());
  throw new WrongConfiguration([...result.problems, ...(plan.kind === "problems" ? plan.problems : [])]);
}

/** The same, for a role that has something to do with the shares themselves. Throws AppError 78 where it needs one and has none. */
export async function readForShares(frame: Frame): Promise<Config> {
  const config = await readConfiguration(frame);
  if (config.settings.mountSkip) {
    frame.log("error", "NFS_MOUNT_SKIP or TEST is set, nothing is mounted", { stage: "config" });
  } else if (config.shares.length > 0) {
    // A working directory below a mount point would be the one under the share; one that is gone lies under nothing.
    if (frame.workingDirectory !== undefined) native.chdir("/");
  } else if (frame.invocation.role.needsShares) {
    throw new AppError("no share is configured", exitCodes.config, { hint: "set NFS_HOST and NFS_MOUNT_POINT" });
  }
  return config;
}
