// The share behind a volume, and the directory of its own that it may have there.
import { readNamedShare } from "../config/shares.ts";
import type { Config, Environment, Flags } from "../config/config.ts";
import type { ShareConfig } from "../shares/share.ts";
import { directoryOf, lineOfVolume, readVolume, trash, type Owner, type VolumeSpec } from "../volumes/options.ts";
import { mountVolume, type VolumeMount, type VolumeMountPorts } from "./volume-mount.ts";

export interface VolumeSharePorts extends VolumeMountPorts {
  /** Gives a directory to an owner, and a mode; why that cannot be, otherwise undefined. */
  readonly adopt: (path: string, owner: Owner | undefined, mode: number | undefined) => Promise<string | undefined>;
  /** Moves a directory below `share` to another path below it; why that cannot be, otherwise undefined. */
  readonly discard: (share: string, path: string, to: string) => Promise<string | undefined>;
  /** Why what is to be mounted on a target is not, as far as is known. */
  readonly reasonOf: (target: string) => string | undefined;
  /** Forgets a mount for those who ask for the state. */
  readonly forget: (target: string) => void;
}

export interface VolumeSettings {
  readonly config: Config;
  readonly environment: Environment;
  readonly flags: Flags;
}

/** Why a volume cannot be had, for the user of `docker`. */
export class VolumeError extends Error {
  override readonly name = "VolumeError";
}

/** What a volume is, and where its share is mounted. */
export interface PlacedVolume {
  readonly spec: VolumeSpec;
  readonly share: ShareConfig;
  /** The share that a directory of its own lies below, as it is mounted beside the volumes; undefined for a volume without one. */
  readonly whole: ShareConfig | undefined;
}

/** Throws VolumeError with all that is wrong. */
export function place(given: VolumeSettings, name: string, options: Readonly<Record<string, string>>): PlacedVolume {
  const { pluginDir, pluginStore } = given.config.settings;
  const spec = readVolume(name, options, pluginStore);
  if ("problem" in spec) throw new VolumeError(spec.problem);
  const { subdirectory } = spec;
  const directory = directoryOf(name);
  return {
    spec,
    share: shareOf(given, name, spec, subdirectory?.path ?? "", `${pluginDir}/${directory}`),
    whole: subdirectory && shareOf(given, name, spec, "", `${pluginDir}/.shares/${directory}`),
  };
}

/** What was created once may not be understood any more, after a change of the configuration. */
export function placeQuietly(
  given: VolumeSettings,
  name: string,
  options: Readonly<Record<string, string>>,
): PlacedVolume | undefined {
  try {
    return place(given, name, options);
  } catch (error) {
    if (!(error instanceof VolumeError)) throw error;
    return undefined;
  }
}

function shareOf(
  { environment, flags }: VolumeSettings,
  name: string,
  spec: VolumeSpec,
  path: string,
  target: string,
): ShareConfig {
  const read = readNamedShare(environment, flags, `volume ${name}`, lineOfVolume(spec, path, target));
  if ("problems" in read) throw new VolumeError(read.problems.join("; "));
  // No container is to start without it, and write to the machine's own disk.
  return { ...read.share, nofail: false };
}

/** The share that a volume's directory lies below, mounted beside the volumes for a moment. */
async function onWholeShare(
  ports: VolumeSharePorts,
  given: VolumeSettings,
  share: ShareConfig,
  work: (share: VolumeMount) => Promise<void>,
  calledOff?: AbortSignal,
): Promise<void> {
  const mount = await mountVolume(ports, given.config, share, calledOff);
  try {
    await work(mount);
  } finally {
    await mount.end();
    ports.forget(share.target);
  }
}

/** Makes it where it is not there, never through a symbolic link: whoever writes to the share must not choose what is mounted. */
export async function makeSubdirectory(
  ports: VolumeSharePorts,
  given: VolumeSettings,
  { spec: { subdirectory }, whole }: PlacedVolume,
  calledOff?: AbortSignal,
): Promise<void> {
  if (subdirectory === undefined || whole === undefined) return;
  const { path, owner, mode } = subdirectory;
  const timeoutMs = given.config.settings.attemptTimeoutMs;
  const make = async ({ realTarget }: VolumeMount): Promise<void> => {
    const prepared = await ports.mounter.prepare(`${realTarget}/${path}`, realTarget, timeoutMs);
    if (prepared.kind === "no-answer") throw new VolumeError(`${path} on the share does not answer`);
    if (prepared.kind !== "prepared") throw new VolumeError(prepared.reason.replaceAll(`${realTarget}/`, ""));
    try {
      if (owner === undefined && mode === undefined) return;
      const refusal = await ports.adopt(prepared.path, owner, mode);
      if (refusal !== undefined)
        throw new VolumeError(`owner and mode of ${path} on the share cannot be set: ${refusal}`);
    } finally {
      prepared.release();
    }
  };
  await onWholeShare(ports, given, whole, make, calledOff);
}

/** Moves it out of the way, with its files. */
export async function discardSubdirectory(
  ports: VolumeSharePorts,
  given: VolumeSettings,
  name: string,
  { spec: { subdirectory }, whole }: PlacedVolume,
): Promise<void> {
  if (subdirectory === undefined || whole === undefined) return;
  await onWholeShare(ports, given, whole, async ({ realTarget }) => {
    const to = `${trash}/${directoryOf(name)}-${ports.clock.timeOfDayMs()}`;
    const refusal = await ports.discard(realTarget, subdirectory.path, to);
    if (refusal !== undefined) throw new VolumeError(`its files cannot be moved to the trash: ${refusal}`);
  });
}
