// The names of Amazon's EFS: what an id stands for in a region, and the answer to an id that names no region.
import type { Clock } from "../../clock.ts";
import type { Network } from "../../ask/network.ts";
import type { Resolved, ResolveName } from "../../ask/names.ts";
import { optionValue } from "../../shares/options.ts";
import { shown } from "../../text/shown.ts";
import { askPlace, isPlace, type Place, type Unplaced } from "./place.ts";

/** The id of a file system: eight digits, seventeen in those made since 2021. */
const idPattern = /^fs-[0-9a-f]{8,}$/;

/** Whether a host is the id of a file system. */
export function isId(host: string): boolean {
  return idPattern.test(host);
}

/** The suffix of names by the beginning of a region; the first that fits decides (Amazon's partitions, botocore partitions.json). */
const suffixes: readonly (readonly [string, string])[] = [
  ["cn-", "amazonaws.com.cn"],
  ["us-isob-", "sc2s.sgov.gov"],
  ["us-isof-", "csp.hci.ic.gov"],
  ["eu-isoe-", "cloud.adc-e.uk"],
  ["us-iso-", "c2s.ic.gov"],
  ["eusc-", "amazonaws.eu"],
  ["", "amazonaws.com"],
];

/** The name of a file system in a region; in front of it the zone, where that is given. */
export function nameOfId(id: string, { region, zone }: Place): string {
  const suffix = suffixes.find(([start]) => region.startsWith(start))?.[1] ?? "amazonaws.com";
  return `${zone === undefined ? "" : `${zone}.`}${id}.efs.${region}.${suffix}`;
}

/** Whether a text can be a region: `eu-west-1`. */
export function isRegion(text: string): boolean {
  return /^[a-z]{2,5}(?:-[a-z]+)+-\d{1,2}$/.test(text);
}

/** The region of a zone: `eu-west-1` of `eu-west-1a`; undefined where it is no name of one. */
export function regionOfZone(zone: string): string | undefined {
  const region = /^(.*\d)[a-z]$/.exec(zone)?.[1];
  return region !== undefined && isRegion(region) ? region : undefined;
}

/** The host to ask for: an id's name where the options tell its region, else the host as it is. */
export function hostAsked(host: string, options: readonly string[]): string {
  if (!isId(host)) return host;
  const zone = optionValue(options, "az");
  const region = optionValue(options, "region") ?? (zone === undefined ? undefined : regionOfZone(zone));
  return region === undefined ? host : nameOfId(host, { region, zone });
}

/** Whether an option of a mount of EFS only says where the file system is: the kernel does not know it. */
export function saysWhere(label: string, option: string): boolean {
  return isId(label.split(":")[0] ?? "") && /^(?:az|region|mounttargetip)=/.test(option);
}

/** Values of the environment by name. */
type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Resolves the id of a file system as well as names: in the region that the environment tells, else in the one that the machine is
 * in. There the zone's own name is tried first, which only a file system of one zone has.
 */
export function withIds(clock: Clock, { dial, resolveName }: Network, environment: Environment): Network {
  let known: Promise<Place | Unplaced> | undefined;
  /** Where the machine is; kept once it is known. */
  const findPlace = async (signal: AbortSignal): Promise<Place | Unplaced> => {
    for (const name of ["AWS_REGION", "AWS_DEFAULT_REGION"]) {
      const region = environment[name] ?? "";
      if (region === "") continue;
      if (isRegion(region)) return { region, zone: undefined };
      return { reason: `${name}=${shown(region)} names none` };
    }
    known ??= askPlace(clock, dial, environment["ECS_CONTAINER_METADATA_URI_V4"], signal);
    const place = await known;
    if (!isPlace(place)) known = undefined;
    return place;
  };
  const resolve: ResolveName = async (name, signal, family) => {
    if (!isId(name)) return resolveName(name, signal, family);
    const place = await findPlace(signal);
    if (!isPlace(place)) return withoutRegion(place);
    if (!isRegion(place.region)) return withoutRegion({ reason: `metadata tells ${shown(place.region)}` });
    if (place.zone !== undefined) {
      const ofZone = await resolveName(nameOfId(name, place), signal, family);
      if (ofZone.kind === "addresses") return ofZone;
    }
    const full = nameOfId(name, { region: place.region, zone: undefined });
    const found = await resolveName(full, signal, family);
    return found.kind === "addresses" ? found : { ...found, reason: `${full}: ${found.reason}` };
  };
  return { dial, resolveName: resolve };
}

function withoutRegion({ reason, hint }: Unplaced): Resolved {
  const set = "set AWS_REGION, or region= in the share's options";
  return {
    kind: "unresolved",
    cause: "no-region",
    reason: `its region is not known: ${reason}`,
    hint: hint === undefined ? set : `${set}; or ${hint}`,
  };
}
