// A share whose kind has no steps of its own: its service, and what the trial mount says.
import { mountingOf } from "../../kinds/mountings.ts";
import { describeRefusedOption } from "../../mount/option-told.ts";
import { type Check, fails, ok } from "../check.ts";
import type { Cause } from "../cause.ts";
import type { ShareFacts } from "../facts.ts";

export function answeringServiceCheck({ share, service }: ShareFacts): readonly Check[] {
  if (service === undefined) return [];
  const name = `${mountingOf(share).title} service`;
  return service.kind === "ready"
    ? [ok(name, `answers at ${service.address}`)]
    : [fails(name, service.reason, "start the server, or open its port in the firewall")];
}

export function answeringServiceCause({
  share,
  service,
  trial,
}: ShareFacts): Omit<Cause, "share" | "isFatal"> | undefined {
  if (service?.kind === "not-ready") {
    return {
      id: "service-not-ready",
      because: `its server is not there: ${service.reason}`,
      change: "start the server, open its port in the firewall, or correct the host of the source",
    };
  }
  const call = trial.kind === "tried" ? trial.calls[0] : undefined;
  if (call === undefined || call.errno === "") return undefined;
  if (call.refused !== undefined) {
    const { reason, hint } = describeRefusedOption(call.refused, share);
    return { id: "option-unknown", because: reason, change: hint };
  }
  const failure = mountingOf(share)
    .ways(share, [])
    .find(({ version }) => version === call.version)
    ?.failure(call.errno);
  return {
    id: "mount-failed",
    because: failure?.reason ?? `mount(2) says ${call.errno}`,
    change: failure?.hint ?? "look at the kernel's log (dmesg) on this host and at the server's",
  };
}
