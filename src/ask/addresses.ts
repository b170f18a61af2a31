// The addresses of a server that are of use: those of its name, in the family that is wanted.
import { isIP } from "../address.ts";
import type { Family, Resolved } from "./names.ts";
import type { Network } from "./network.ts";

export interface Host {
  readonly host: string;
  /** Undefined for both. */
  readonly family: Family | undefined;
}

export type AddressesFact =
  /** At least one, each once, in the order of the name server. */
  | { readonly kind: "addresses"; readonly addresses: readonly string[] }
  | Extract<Resolved, { kind: "unresolved" }>
  /** The name is known, and has none. */
  | { readonly kind: "no-address" }
  /** It has addresses, and none of the family. */
  | { readonly kind: "wrong-family"; readonly family: Family; readonly addresses: readonly string[] };

/** Asks for the addresses of a host; settles when `signal` aborts. */
export async function askAddresses(
  { resolveName }: Pick<Network, "resolveName">,
  { host, family }: Host,
  signal: AbortSignal,
): Promise<AddressesFact> {
  const resolved = await resolveName(host, signal, family);
  if (resolved.kind === "unresolved") return resolved;
  const all = [...new Set(resolved.addresses)];
  const addresses = family === undefined ? all : all.filter((address) => isIP(address) === family);
  if (addresses.length > 0) return { kind: "addresses", addresses };
  return family === undefined || all.length === 0
    ? { kind: "no-address" }
    : { kind: "wrong-family", family, addresses: all };
}
