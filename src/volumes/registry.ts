// The volumes that Docker has been told of, and who uses each: a value, and what the calls of the daemon make of it.

/** How often one user has a volume mounted. Docker names a user by an id, one for each mount of a container. */
export interface Reference {
  readonly count: number;
  /** Of a daemon that has gone since: it may have forgotten what it had mounted, or come back for it. */
  readonly isOld: boolean;
}

export interface Volume {
  /** As the daemon gave them. */
  readonly options: Readonly<Record<string, string>>;
  /** Time of day, in milliseconds. */
  readonly createdMs: number;
  readonly references: ReadonlyMap<string, Reference>;
}

/** By name. */
export type Volumes = ReadonlyMap<string, Volume>;

/** A daemon has come up: what is used from before may never be given back. */
export function activated(volumes: Volumes): Volumes {
  return mapVolumes(volumes, (volume) => ({
    ...volume,
    references: new Map([...volume.references].map(([id, { count }]) => [id, { count, isOld: true }])),
  }));
}

/** The machine has started again: nothing is mounted any more. */
export function unused(volumes: Volumes): Volumes {
  return mapVolumes(volumes, (volume) => ({ ...volume, references: new Map() }));
}

/** Nobody who runs is known to use it: all who do have it from daemons that are gone. */
export function isOldOnly(volume: Pick<Volume, "references"> | undefined): boolean {
  return volume !== undefined && isUsed(volume) && [...volume.references.values()].every(({ isOld }) => isOld);
}

/** None of its users is there any more. */
export function givenUp(volumes: Volumes, name: string): Volumes {
  const volume = volumes.get(name);
  return volume === undefined ? volumes : withVolume(volumes, name, { ...volume, references: new Map() });
}

function mapVolumes(volumes: Volumes, change: (volume: Volume) => Volume): Volumes {
  return new Map([...volumes].map(([name, volume]) => [name, change(volume)]));
}

export function hasSameOptions(
  one: Readonly<Record<string, string>>,
  other: Readonly<Record<string, string>>,
): boolean {
  const names = Object.keys(one);
  return names.length === Object.keys(other).length && names.every((name) => one[name] === other[name]);
}

/** Undefined where there is one of that name with other options: the daemon asks again for what it may have made already. */
export function created(
  volumes: Volumes,
  name: string,
  options: Readonly<Record<string, string>>,
  nowMs: number,
): Volumes | undefined {
  const there = volumes.get(name);
  if (there !== undefined) return hasSameOptions(there.options, options) ? volumes : undefined;
  return withVolume(volumes, name, { options, createdMs: nowMs, references: new Map() });
}

export function removed(volumes: Volumes, name: string): Volumes {
  return new Map([...volumes].filter(([one]) => one !== name));
}

/**
 * A user has it mounted once more. `docker cp` into a running container mounts a second time under the id of the first; a daemon that
 * was killed has given nothing back, and counts from the beginning.
 */
export function mounted(volumes: Volumes, name: string, id: string): Volumes {
  const volume = volumes.get(name);
  if (volume === undefined) return volumes;
  const before = volume.references.get(id);
  const count = before === undefined || before.isOld ? 1 : before.count + 1;
  return withReference(volumes, name, volume, id, { count, isOld: false });
}

/** A user has given it back. One that is not known is none: with live-restore a daemon gives back what it has not mounted itself. */
export function unmounted(volumes: Volumes, name: string, id: string): Volumes {
  const volume = volumes.get(name);
  const before = volume?.references.get(id);
  if (volume === undefined || before === undefined) return volumes;
  const count = before.isOld ? 0 : before.count - 1;
  return withReference(volumes, name, volume, id, count === 0 ? undefined : { count, isOld: false });
}

function withReference(
  volumes: Volumes,
  name: string,
  volume: Volume,
  id: string,
  reference: Reference | undefined,
): Volumes {
  const references = new Map(volume.references);
  if (reference === undefined) references.delete(id);
  else references.set(id, reference);
  return withVolume(volumes, name, { ...volume, references });
}

function withVolume(volumes: Volumes, name: string, volume: Volume): Volumes {
  return new Map([...volumes, [name, volume]]);
}

export function isUsed(volume: Pick<Volume, "references"> | undefined): boolean {
  return volume !== undefined && volume.references.size > 0;
}
