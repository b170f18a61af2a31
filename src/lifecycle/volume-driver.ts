// The driver of Docker volumes: counts who uses which volume, and has each mounted while somebody does.
import { AppError, messageOf } from "../errors.ts";
import type { MountRecord } from "../shares/mountinfo.ts";
import { resolveTarget } from "../plan/target.ts";
import type { ShareConfig } from "../shares/share.ts";
import { formatAnswer, parseRequest, type VolumeAnswer, type VolumeRequest } from "../volumes/protocol.ts";
import {
  activated,
  created,
  givenUp,
  isUsed,
  mounted,
  removed,
  unmounted,
  unused,
  type Volume,
  type Volumes,
} from "../volumes/registry.ts";
import type { StoredVolumes } from "../volumes/stored.ts";
import type { VolumeStatus } from "../watch/status.ts";
import { mountVolume, type VolumeMount } from "./volume-mount.ts";
import {
  discardSubdirectory,
  makeSubdirectory,
  place,
  placeQuietly,
  VolumeError,
  type PlacedVolume,
  type VolumeSettings,
  type VolumeSharePorts,
} from "./volume-shares.ts";

export interface VolumeDriverPorts extends VolumeSharePorts {
  readonly bootId: string;
  /** What was kept; undefined where nothing was. Throws AppError 78 where it cannot be read as it was written. */
  readonly load: () => StoredVolumes | undefined;
  /** Throws the system's error. */
  readonly save: (stored: StoredVolumes) => void;
  /** The mount tables of other processes, one for each mount namespace; undefined where they cannot be seen. */
  readonly otherTables: () => readonly (readonly MountRecord[])[] | undefined;
  /** Takes down what an earlier instance has left on the target of a share. */
  readonly clear: (share: ShareConfig) => Promise<void>;
}

export interface DriverResponse {
  readonly status: number;
  readonly body: string;
}

export type DriverAnswers = (method: string, path: string, body: string) => Promise<DriverResponse>;

/** What is kept of the volumes while it runs. */
export interface VolumeDriver {
  readonly ports: VolumeDriverPorts;
  readonly given: VolumeSettings;
  volumes: Volumes;
  /** Whether they are not all written as they are. */
  isUnkept: boolean;
  readonly mounts: Map<string, VolumeMount>;
  /** What volumes are, by the options that each was created with; undefined for what is not understood any more. */
  readonly places: WeakMap<Volume["options"], PlacedVolume | undefined>;
  /** Why a volume could not be mounted last. */
  readonly troubles: Map<string, string>;
  /** Volumes that are being mounted for somebody. */
  readonly mounting: Set<string>;
  /** Volumes in use that are to be looked after again once their shares answer; each ends the waiting for one. */
  readonly adopting: Map<string, AbortController>;
  /** One thing at a time for each volume, in the order in which they were asked for. */
  readonly inTurn: <T>(name: string, work: () => Promise<T>) => Promise<T>;
}

/** The driver with what was kept. Throws AppError 78 where that is damaged. */
export function createDriver(ports: VolumeDriverPorts, given: VolumeSettings): VolumeDriver {
  const stored = ports.load();
  const before: Volumes = stored?.volumes ?? new Map<string, Volume>();
  // No mount outlives the start of the machine.
  const volumes = stored === undefined || stored.bootId === ports.bootId ? before : unused(before);
  return {
    ports,
    given: withRealDirectory(ports, given),
    volumes,
    isUnkept: false,
    mounts: new Map(),
    places: new WeakMap(),
    troubles: new Map(),
    mounting: new Set(),
    adopting: new Map(),
    inTurn: turns(),
  };
}

/** With NFS_PLUGIN_DIR as mountinfo writes it. */
function withRealDirectory({ planFacts }: VolumeDriverPorts, { config, ...given }: VolumeSettings): VolumeSettings {
  const { settings } = config;
  const { mounts, readLink } = planFacts();
  const pluginDir = resolveTarget(settings.pluginDir, mounts, readLink) ?? settings.pluginDir;
  return { ...given, config: { ...config, settings: { ...settings, pluginDir } } };
}

function turns(): VolumeDriver["inTurn"] {
  const last = new Map<string, Promise<unknown>>();
  return (name, work) => {
    const before = last.get(name) ?? Promise.resolve();
    const result = before.then(work, work);
    const over: Promise<void> = result
      .then(
        () => {},
        () => {},
      )
      .then(() => {
        if (last.get(name) === over) last.delete(name);
      });
    last.set(name, over);
    return result;
  };
}

/** The turn of a call, which sees to what was waited for: nobody waits behind a server that is away for who has the volume already. */
export function callInTurn<T>({ adopting, inTurn }: VolumeDriver, name: string, work: () => Promise<T>): Promise<T> {
  adopting.get(name)?.abort();
  return inTurn(name, work);
}

/** Answers a request of the daemon; `isGone` tells whether nobody waits for the answer any more. */
export async function answerDaemon(
  driver: VolumeDriver,
  method: string,
  path: string,
  body: string,
  isGone: () => boolean,
): Promise<DriverResponse> {
  const parsed = parseRequest(method, path, body);
  if (parsed.kind === "refused") {
    return { status: parsed.status, body: formatAnswer({ kind: "error", reason: parsed.reason }) };
  }
  const { request } = parsed;
  try {
    return { status: 200, body: formatAnswer(await act(driver, request, isGone)) };
  } catch (error) {
    if (!(error instanceof VolumeError) && !(error instanceof AppError)) throw error;
    const reason = sentenceOf(error);
    // That a volume is not there yet is how a creation begins.
    if (request.kind !== "get") {
      const volume = "name" in request ? request.name : "";
      driver.ports.log("warn", "Docker was refused", { stage: "mount", volume, reason });
    }
    return { status: 200, body: formatAnswer({ kind: "error", reason }) };
  }
}

/** What only looks does not wait for its turn: no mount holds it up. */
function act(
  driver: VolumeDriver,
  request: VolumeRequest,
  isGone: () => boolean,
): VolumeAnswer | Promise<VolumeAnswer> {
  const { volumes, mounts } = driver;
  switch (request.kind) {
    case "activate":
      // A daemon does without the driver where this fails.
      keepAnyhow(driver, activated(driver.volumes));
      return { kind: "activated" };
    case "capabilities":
      return { kind: "capabilities" };
    case "list":
      return { kind: "volumes", volumes: [...volumes].map(([name, { createdMs }]) => ({ name, createdMs })) };
    case "get": {
      const { name } = request;
      const volume = known(driver, name);
      const { phase, source, references, reason } = statusOf(driver, name, volume);
      const status = { state: phase, source, references, ...(reason === undefined ? {} : { reason }) };
      return { kind: "volume", volume: { name, createdMs: volume.createdMs, status } };
    }
    case "path":
      known(driver, request.name);
      return { kind: "mountpoint", path: mounts.get(request.name)?.target ?? "" };
    case "create":
      return callInTurn(driver, request.name, async () => create(driver, request.name, request.options));
    case "mount": {
      const { name, id } = request;
      const limitMs = limitFrom(driver);
      return callInTurn(driver, name, () => mountFor(driver, name, id, limitMs, isGone));
    }
    case "unmount":
      return callInTurn(driver, request.name, () => unmountFor(driver, request.name, request.id));
    case "remove":
      return callInTurn(driver, request.name, () => remove(driver, request.name));
  }
}

/** Keeps a change; what cannot be kept is not done. */
export function keep(driver: VolumeDriver, next: Volumes): void {
  const reason = next === driver.volumes ? undefined : save(driver, next);
  if (reason === undefined) return;
  const hint = "make room in NFS_PLUGIN_STATE";
  driver.ports.log("error", "the volumes cannot be kept", { stage: "mount", reason, hint });
  throw new VolumeError(`what volumes there are cannot be written (${reason}); ${hint}`);
}

/** The same of what has come about already: what cannot be written holds for as long as this process lives, and is written later. */
export function keepAnyhow(driver: VolumeDriver, next: Volumes): void {
  try {
    keep(driver, next);
  } catch (error) {
    onlyVolumeError(error);
    driver.volumes = next;
    driver.isUnkept = true;
  }
}

/** Why it cannot be written. */
export function save(driver: VolumeDriver, volumes: Volumes): string | undefined {
  const { bootId, save: write } = driver.ports;
  try {
    write({ bootId, volumes });
  } catch (error) {
    return messageOf(error);
  }
  driver.volumes = volumes;
  driver.isUnkept = false;
  return undefined;
}

function known({ volumes }: VolumeDriver, name: string): Volume {
  const volume = volumes.get(name);
  if (volume === undefined) throw new VolumeError(`no such volume: ${name}`);
  return volume;
}

/** What was created once may not be understood any more, after a change of the configuration: undefined. */
export function placeOf({ places, given }: VolumeDriver, name: string, { options }: Volume): PlacedVolume | undefined {
  if (!places.has(options)) places.set(options, placeQuietly(given, name, options));
  return places.get(options);
}

function create(driver: VolumeDriver, name: string, options: Readonly<Record<string, string>>): VolumeAnswer {
  const { ports, given, volumes } = driver;
  const { spec } = place(given, name, options);
  const next = created(volumes, name, options, ports.clock.timeOfDayMs());
  if (next === undefined) {
    throw new VolumeError(`there is a volume ${name} with other options; remove that first (docker volume rm ${name})`);
  }
  if (next !== volumes)
    ports.log("info", "a volume was created", { stage: "mount", volume: name, source: spec.source });
  keep(driver, next);
  return { kind: "done" };
}

/** One that has waited long for its turn gets this at least. */
const leastMountMs = 5_000;

/** What is left of NFS_WAIT_TIMEOUT, counted from now on, in whole seconds: who waits in vain reads it. 0 is for ever. */
function limitFrom({ ports: { clock }, given }: VolumeDriver): () => number {
  const { waitTimeoutMs } = given.config.settings;
  const endMs = clock.nowMs() + waitTimeoutMs;
  const leftMs = () => 1_000 * Math.ceil((endMs - clock.nowMs()) / 1_000);
  return () => Math.min(waitTimeoutMs, Math.max(leastMountMs, leftMs()));
}

async function mountFor(
  driver: VolumeDriver,
  name: string,
  id: string,
  limitMs: () => number,
  isGone: () => boolean,
): Promise<VolumeAnswer> {
  const { mounting, mounts, troubles } = driver;
  known(driver, name);
  mounting.add(name);
  try {
    if (isGone()) throw goneError();
    const { target } = await ensureMounted(driver, name, limitMs);
    // The daemon has given up, or was killed: it will not give back what it does not know it has.
    if (isGone()) throw goneError();
    // Noted last: whoever asks a plugin anew that was killed would be counted twice. It takes down what nobody has when it starts again.
    keep(driver, mounted(driver.volumes, name, id));
    troubles.delete(name);
    return { kind: "mountpoint", path: target };
  } catch (error) {
    if (mounts.has(name) && !isUsed(driver.volumes.get(name))) await takeDown(driver, name);
    troubles.set(name, sentenceOf(error));
    throw error;
  } finally {
    mounting.delete(name);
  }
}

const goneError = () => new VolumeError("who asked for it does not wait any more");

/** Has a volume mounted and well; `calledOff` ends the waiting for one that somebody has already. */
export async function ensureMounted(
  driver: VolumeDriver,
  name: string,
  limitMs: () => number,
  calledOff?: AbortSignal,
): Promise<VolumeMount> {
  const { ports, given, mounts } = driver;
  const there = mounts.get(name);
  if (there !== undefined) {
    await there.restored(limitMs());
    return there;
  }
  const placed = place(given, name, known(driver, name).options);
  // What is in use was made; its share is not to be mounted beside it for nothing.
  const isInUse = calledOff !== undefined && isThere(driver, placed.share);
  if (!isInUse) await makeSubdirectory(ports, within(given, limitMs()), placed, calledOff);
  const mount = await mountVolume(ports, within(given, limitMs()).config, placed.share, calledOff);
  mounts.set(name, mount);
  const forget = () => {
    if (mounts.get(name) === mount) mounts.delete(name);
  };
  mount.over.then(forget, forget);
  return mount;
}

function within({ config, ...given }: VolumeSettings, waitTimeoutMs: number): VolumeSettings {
  return { ...given, config: { ...config, settings: { ...config.settings, waitTimeoutMs } } };
}

async function unmountFor(driver: VolumeDriver, name: string, id: string): Promise<VolumeAnswer> {
  // Docker does not ask again.
  keepAnyhow(driver, unmounted(driver.volumes, name, id));
  if (!isUsed(driver.volumes.get(name))) await takeDown(driver, name);
  return { kind: "done" };
}

async function remove(driver: VolumeDriver, name: string): Promise<VolumeAnswer> {
  const { ports, given } = driver;
  const volume = driver.volumes.get(name);
  if (volume === undefined) return { kind: "done" };
  // The daemon removes what no container of its has: whoever is still counted was forgotten.
  if (isUsed(volume)) keep(driver, givenUp(driver.volumes, name));
  await takeDown(driver, name);
  const placed = placeOf(driver, name, volume);
  if (placed?.spec.onRemove === "delete") await discardSubdirectory(ports, given, name, placed);
  keep(driver, removed(driver.volumes, name));
  ports.log("info", "a volume was removed", { stage: "mount", volume: name });
  return { kind: "done" };
}

export async function takeDown(driver: VolumeDriver, name: string): Promise<void> {
  const { ports, volumes, mounts, troubles } = driver;
  const volume = volumes.get(name);
  await mounts.get(name)?.end();
  mounts.delete(name);
  troubles.delete(name);
  const placed = volume && placeOf(driver, name, volume);
  if (placed === undefined) return;
  // One that an earlier instance has mounted was not this one's to take down.
  await clearLeft(driver, placed.share);
  ports.forget(placed.share.target);
}

export async function clearLeft(driver: VolumeDriver, share: ShareConfig): Promise<void> {
  if (isThere(driver, share)) await driver.ports.clear(share);
}

function isThere({ ports }: VolumeDriver, share: ShareConfig): boolean {
  return ports.mounter.mounts().some(({ target }) => target === share.target);
}

export function onlyVolumeError(error: unknown): void {
  if (!(error instanceof VolumeError)) throw error;
}

export function volumeStatuses(driver: VolumeDriver): readonly VolumeStatus[] {
  return [...driver.volumes].map(([name, volume]) => statusOf(driver, name, volume));
}

function statusOf(driver: VolumeDriver, name: string, volume: Volume): VolumeStatus {
  const { ports, mounts, mounting, troubles } = driver;
  const { spec: { source } = { source: "" }, share: { target } = { target: "" } } = placeOf(driver, name, volume) ?? {};
  const mount = mounts.get(name);
  const lost = mount?.lost();
  const references = volume.references.size;
  const told = { name, source, target, references };
  if (lost !== undefined) return { ...told, phase: "lost", reason: lost };
  const trouble = troubles.get(name);
  if (mount !== undefined) return { ...told, phase: "mounted", reason: trouble };
  const isWanted = references > 0 || mounting.has(name);
  if (!isWanted) return { ...told, phase: "unused", reason: trouble };
  return { ...told, phase: "waiting", reason: ports.reasonOf(target) ?? trouble };
}

export function sentenceOf(error: unknown): string {
  if (error instanceof AppError && error.hint !== undefined) return `${error.message}; ${error.hint}`;
  return messageOf(error);
}
