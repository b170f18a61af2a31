// Asks for the addresses of a server's name.
import { within } from "../abort.ts";
import { askAddresses, type Host } from "../ask/addresses.ts";
import { type DoctorPorts, limits } from "./collect-ports.ts";
import type { NameFact } from "./facts.ts";

/** The addresses of a server, or why there are none; with the one to fall back to. */
export async function resolve(
  { clock, network }: DoctorPorts,
  question: Host & { readonly fallback?: string | undefined },
  whole: AbortSignal,
): Promise<{ readonly name: NameFact; readonly addresses: readonly string[] }> {
  const { fallback } = question;
  const found = await askAddresses(network, question, within(clock, limits.nameMs, whole));
  if (fallback !== undefined) {
    const byName = found.kind === "addresses" ? found.addresses : [];
    return { name: { kind: "resolved" }, addresses: [...new Set([...byName, fallback])] };
  }
  switch (found.kind) {
    case "addresses":
      return { name: { kind: "resolved" }, addresses: found.addresses };
    case "unresolved":
      return { name: { kind: found.cause, reason: found.reason, hint: found.hint }, addresses: [] };
    case "no-address":
      return { name: { kind: "unknown", reason: "it has no address" }, addresses: [] };
    case "wrong-family":
      return { name: found, addresses: [] };
  }
}
