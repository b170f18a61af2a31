// What to ask of which server before a share of NFS is mounted, and from which addresses it is mounted then.
import { askAddresses, type AddressesFact } from "../../ask/addresses.ts";
import type { Network } from "../../ask/network.ts";
import type { MinorVersion } from "../../rpc/nfs4-compound.ts";
import { hasOption, optionValue } from "../../shares/options.ts";
import type { Share } from "../../shares/share.ts";
import type { MountAddresses } from "../mounting.ts";
import type { ServerQuestion } from "../server.ts";
import { hostAsked, isId } from "../efs/names.ts";
import { versionsToTry, type ExactVersion } from "./versions.ts";

/** What to ask which server; shares with equal questions share the answer. */
export interface NfsQuestion extends ServerQuestion {
  readonly kind: "efs" | "nfs";
  /** Port of the NFS service, undefined where only rpcbind knows it (version 3) or 2049 is meant (version 4). */
  readonly port: number | undefined;
  /** Where mountd is asked for, undefined where it is the server itself. */
  readonly mountHost: string | undefined;
  readonly mountPort: number | undefined;
  /** 4, 6, or undefined for both. */
  readonly family: 4 | 6 | undefined;
  /** The address to ask where the name is of no use (EFS). */
  readonly fallback?: string | undefined;
  readonly version4: boolean;
  readonly version3: boolean;
}

/** The question whose answer tells whether `share` could be mounted now. */
export function questionOf(share: Pick<Share, "source" | "options" | "version">): NfsQuestion {
  const { options } = share;
  const versions = versionsToTry(share.version);
  const protocol = optionValue(options, "proto") ?? "";
  return {
    kind: "nfs",
    host: hostAsked(share.source.host, options),
    port: portIn(options, "port"),
    mountHost: optionValue(options, "mountaddr") ?? optionValue(options, "mounthost"),
    mountPort: portIn(options, "mountport"),
    fallback: isId(share.source.host) ? optionValue(options, "mounttargetip") : undefined,
    family: protocol.endsWith("6") ? 6 : hasOption(options, "proto") ? 4 : undefined,
    version4: versions.some((version) => version !== "3"),
    version3: versions.includes("3"),
  };
}

function portIn(options: readonly string[], name: string): number | undefined {
  const value = Number(optionValue(options, name) ?? Number.NaN);
  return Number.isInteger(value) && value > 0 && value <= 65_535 ? value : undefined;
}

const minorVersionNumbers: Readonly<Record<ExactVersion, MinorVersion | undefined>> = {
  "3": undefined,
  "4.0": 0,
  "4.1": 1,
  "4.2": 2,
};

/** The minor versions of 4 among some versions, in their order. */
export function minorVersionsOf(versions: readonly ExactVersion[]): readonly MinorVersion[] {
  return versions.flatMap((version) => minorVersionNumbers[version] ?? []);
}

export function versionOfMinor(minorVersion: MinorVersion): Exclude<ExactVersion, "3"> {
  return `4.${minorVersion}`;
}

/** Whether the options name another host for mountd than the server. */
function hasMountHost(question: NfsQuestion): question is NfsQuestion & { readonly mountHost: string } {
  return question.mountHost !== undefined && question.mountHost !== question.host;
}

/** Where mountd is asked of a server: at its address, unless the options name another host. */
export async function askMountHost(
  network: Pick<Network, "resolveName">,
  question: NfsQuestion,
  address: string,
  signal: AbortSignal,
): Promise<{ readonly kind: "address"; readonly address: string } | Exclude<AddressesFact, { kind: "addresses" }>> {
  if (!hasMountHost(question)) return { kind: "address", address };
  const { mountHost: host, family } = question;
  const fact = await askAddresses(network, { host, family }, signal);
  return fact.kind === "addresses" ? { kind: "address", address: fact.addresses[0] ?? address } : fact;
}

/** Why mountd cannot be asked at the host that the options name. */
export function mountHostWords(
  { mountHost }: Pick<NfsQuestion, "mountHost">,
  fact: Exclude<AddressesFact, { kind: "addresses" }>,
): string {
  return fact.kind === "unresolved"
    ? `cannot resolve mountaddr ${mountHost}: ${fact.reason}`
    : `mountaddr ${mountHost} has no address of the server's family`;
}

/** The addresses for a mount in `version` from a server that was found ready; or why there are none. */
export async function mountAddresses(
  network: Pick<Network, "resolveName">,
  question: NfsQuestion,
  { address }: { readonly address: string },
  version: string,
  signal: AbortSignal,
): Promise<MountAddresses | string> {
  if (version !== "3" || !hasMountHost(question)) return { server: address, mountd: undefined };
  const fact = await askMountHost(network, question, address, signal);
  return fact.kind === "address" ? { server: address, mountd: fact.address } : mountHostWords(question, fact);
}
