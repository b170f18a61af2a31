// Starts run where there are shares to mount, or where others are to be told that there are none.
import type { Config } from "../../config/config.ts";
import { killDescendants } from "../../host/descendants.ts";
import type { Command } from "../../init/command.ts";
import type { InitPorts } from "../../init/supervise.ts";
import { run } from "../run.ts";
import type { Frame } from "./frame.ts";
import { withMounting } from "./mounting.ts";

export function runOnShares(frame: Frame, config: Config, command: Command, init: InitPorts): Promise<number> {
  const { inbox, workingDirectory } = frame;
  return withMounting(frame, config, (ports, workers) => {
    const { writeAccess } = workers;
    const { onStopRequest } = inbox;
    return run(
      { ...ports, workers, workingDirectory, writeAccess, init, onStopRequest, killDescendants },
      config,
      command,
    );
  });
}
