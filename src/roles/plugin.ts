// plugin: a driver of Docker volumes on a socket, until it is stopped.
import { exitCodes } from "../errors.ts";
import { Stopped } from "../lifecycle/stop.ts";
import { resumeVolumes, volumeStatuses, type VolumeDriver } from "../lifecycle/volume-driver.ts";
import type { Log } from "../report/log.ts";

/** What `plugin` needs of the machine. */
export interface PluginPorts {
  readonly log: Log;
  /** Answers requests from now on. Throws AppError where it cannot. */
  readonly listen: () => Promise<() => void>;
  /** Rejects with `Stopped` when a stop signal comes. */
  readonly stopped: Promise<never>;
}

/** Ends with 0 when it is stopped; what is in use stays mounted then. Throws AppError 32 where it cannot listen. */
export async function plugin({ log, listen, stopped }: PluginPorts, driver: VolumeDriver): Promise<number> {
  const close = await listen();
  try {
    await Promise.race([resumeVolumes(driver), stopped]);
    return await stopped;
  } catch (error) {
    if (!(error instanceof Stopped)) throw error;
    const used = volumeStatuses(driver).filter(({ references }) => references > 0).length;
    log("info", "stopped, volumes in use stay mounted", { stage: "init", signal: error.signal, volumes: used });
    return exitCodes.ok;
  } finally {
    close();
  }
}
