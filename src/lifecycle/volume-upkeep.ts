// What is seen to between the calls of the daemon: volumes that an earlier instance has left, and users who will not give back.
import { topMountOn } from "../shares/mountinfo.ts";
import { isHeld } from "../volumes/holders.ts";
import { givenUp, isOldOnly, isUsed, unused, type Volume } from "../volumes/registry.ts";
import { Overtaken } from "./managed-share.ts";
import {
  callInTurn,
  clearLeft,
  ensureMounted,
  keep,
  keepAnyhow,
  onlyVolumeError,
  placeOf,
  save,
  sentenceOf,
  takeDown,
  type VolumeDriver,
} from "./volume-driver.ts";

/** Takes up what an earlier instance has left: what is not in use is taken down, what is will be looked after. */
export async function resumeVolumes(driver: VolumeDriver): Promise<void> {
  const { volumes, inTurn } = driver;
  const resume = async (name: string, volume: Volume): Promise<void> => {
    const placed = placeOf(driver, name, volume);
    if (placed === undefined) return;
    if (placed.whole !== undefined) await clearLeft(driver, placed.whole);
    if (isUsed(driver.volumes.get(name))) adopt(driver, name);
    else await clearLeft(driver, placed.share);
  };
  await Promise.all([...volumes].map(([name, volume]) => inTurn(name, () => resume(name, volume))));
}

/** Has an eye on what is in use and is looked after by nobody: the server was away when it was tried last. */
export function adoptUsed(driver: VolumeDriver): void {
  for (const [name, volume] of driver.volumes) if (isUsed(volume) && !driver.mounts.has(name)) adopt(driver, name);
}

/** Looks after a volume in use again, however long its server is away; its containers have it meanwhile. */
function adopt(driver: VolumeDriver, name: string): void {
  const { ports, mounts, troubles, adopting, inTurn } = driver;
  if (adopting.has(name)) return;
  const waiting = new AbortController();
  const { signal } = waiting;
  adopting.set(name, waiting);
  const work = async (): Promise<void> => {
    try {
      if (signal.aborted || mounts.has(name) || !isUsed(driver.volumes.get(name))) return;
      await ensureMounted(driver, name, () => 0, signal);
      troubles.delete(name);
    } catch (error) {
      if (error instanceof Overtaken) return;
      const reason = sentenceOf(error);
      if (troubles.get(name) !== reason)
        ports.log("warn", "a volume in use is not mounted", { stage: "mount", volume: name, reason });
      troubles.set(name, reason);
    } finally {
      adopting.delete(name);
    }
  };
  void inTurn(name, work);
}

/** Takes down what only daemons of before had, and no container has any more: one that was killed gives nothing back. */
export async function giveUpOld(driver: VolumeDriver): Promise<void> {
  const { ports } = driver;
  const old = [...driver.volumes].filter(([, volume]) => isOldOnly(volume));
  const tables = old.length === 0 ? undefined : ports.otherTables();
  if (tables === undefined) return;
  const own = ports.mounter.mounts();
  const isLeft = (name: string, volume: Volume): boolean => {
    const target = placeOf(driver, name, volume)?.share.target;
    const mount = target === undefined ? undefined : topMountOn(own, target);
    return mount !== undefined && !isHeld(mount, own, tables);
  };
  const giveUp = async (name: string): Promise<void> => {
    // It may have come back while it waited for its turn.
    if (!isOldOnly(driver.volumes.get(name))) return;
    ports.log("info", "no container has the volume any more", { stage: "watch", volume: name });
    keep(driver, givenUp(driver.volumes, name));
    await takeDown(driver, name);
  };
  const names = old.filter(([name, volume]) => isLeft(name, volume)).map(([name]) => name);
  // What cannot be kept is said, and tried again.
  await Promise.all(names.map((name) => callInTurn(driver, name, () => giveUp(name)).catch(onlyVolumeError)));
}

/** Writes what could not be written when it came about. */
export function keepLate(driver: VolumeDriver): void {
  if (driver.isUnkept) save(driver, driver.volumes);
}

/** Docker has stopped the driver, of which it has a managed one: its containers are gone, or have what they have without it. */
export function forgetUsers(driver: VolumeDriver): void {
  keepAnyhow(driver, unused(driver.volumes));
}
