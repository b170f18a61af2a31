// Starts run: COMMAND alone where there is nothing to mount, else behind its shares.
import { initPorts } from "../../host/init.ts";
import { exitCodeOf } from "../../init/exit-status.ts";
import { becomeCommand, startCommand } from "../../init/supervise.ts";
import { commandOf } from "./command.ts";
import { readForShares } from "./configuration.ts";
import { inFrame, type Frame } from "./frame.ts";
import type { Start } from "./start.ts";

export function start(given: Start): Promise<number> {
  return inFrame(given, run);
}

async function run(frame: Frame): Promise<number> {
  const config = await readForShares(frame);
  const { shares, settings } = config;
  const { command, handover } = commandOf(frame, config);
  // A working directory that is gone is still ours, and is inherited.
  const init = initPorts(
    { handover, workingDirectory: frame.workingDirectory, mayHang: shares.length > 0 },
    frame.inbox,
  );
  if (shares.length > 0 || (settings.listen ?? "off") !== "off") {
    const { runOnShares } = await import("./run-on-shares.ts");
    return runOnShares(frame, config, command, init);
  }
  if (settings.exec) return becomeCommand(init, command);
  const { ended } = await startCommand(init, command, { map: settings.signalMap });
  return exitCodeOf(await ended);
}
