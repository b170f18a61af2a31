// plugin: a driver of Docker volumes on a socket, until it is stopped.
import { exitCodes } from "../errors.ts";
import { Stopped } from "../lifecycle/stop.ts";
import { volumeStatuses, type VolumeDriver } from "../lifecycle/volume-driver.ts";
import { adoptUsed, forgetUsers, giveUpOld, keepLate, resumeVolumes } from "../lifecycle/volume-upkeep.ts";
import type { Log } from "../report/log.ts";

/** What `plugin` needs of the machine. */
export interface PluginPorts {
  readonly log: Log;
  /** Answers requests from now on. Throws AppError where it cannot. */
  readonly listen: () => Promise<() => void>;
  /** Settles when it is time to look again who uses volumes; rejects as `stopped` does. */
  readonly pause: () => Promise<void>;
  /** Whether Docker runs it as a plugin of its own, and stops it when it ends itself. */
  readonly isManaged: boolean;
  /** Rejects with `Stopped` when a stop signal comes. */
  readonly stopped: Promise<never>;
}

/** Ends with 0 when it is stopped; what is in use stays mounted then. Throws AppError 32 where it cannot listen. */
export async function plugin(ports: PluginPorts, driver: VolumeDriver): Promise<number> {
  const { log, listen, stopped } = ports;
  const close = await listen();
  try {
    await Promise.race([resumeVolumes(driver), stopped]);
    return await Promise.race([tend(ports, driver), stopped]);
  } catch (error) {
    if (!(error instanceof Stopped)) throw error;
    const used = volumeStatuses(driver).filter(({ references }) => references > 0).length;
    log("info", "stopped, volumes in use stay mounted", { stage: "init", signal: error.signal, volumes: used });
    if (ports.isManaged) forgetUsers(driver);
    return exitCodes.ok;
  } finally {
    close();
  }
}

async function tend({ pause }: PluginPorts, driver: VolumeDriver): Promise<never> {
  for (;;) {
    await pause();
    keepLate(driver);
    adoptUsed(driver);
    await giveUpOld(driver);
  }
}
