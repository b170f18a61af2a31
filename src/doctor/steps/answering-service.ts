// A share whose kind has no steps of RPC: its service, and what the trial mount says.
import { diagnosisOf } from "../../kinds/diagnoses.ts";
import { mountingOf } from "../../kinds/mountings.ts";
import { describeRefusedOption } from "../../mount/option-told.ts";
import { isReadOnly } from "../../shares/options.ts";
import { type Check, fails, ok, warning } from "../check.ts";
import type { Engine } from "../engine.ts";
import type { ShareFacts } from "../facts.ts";
import { type Found, furthest, stages } from "../found.ts";
import { unreachable } from "./port.ts";

export function answeringServiceCheck({ share, service, mayWrite }: ShareFacts): readonly Check[] {
  if (service === undefined) return [];
  const name = `${mountingOf(share).title} service`;
  if (service.kind !== "ready") return [fails(name, service.reason, "see the server, and the way to it")];
  const checks = [ok(name, `answers at ${service.address}`)];
  if (mayWrite === true) checks.push(ok("writable", "the server lets this user write"));
  if (mayWrite === false) checks.push(warning("writable", "the server does not let this user write"));
  return checks;
}

/** What is in the way of a share whose name is known. */
export function answeringServiceCause(facts: ShareFacts, engine: Engine): Found | undefined {
  const { share, addresses, service, trial, failed } = facts;
  if (service?.kind === "not-ready") {
    const closed = addresses.map((address) => unreachable(facts, address, engine));
    const isShut = closed.length > 0 && !closed.includes(undefined);
    return isShut
      ? furthest(closed.flatMap((found) => found ?? []))
      : { id: "service-not-ready", stage: stages.service, because: service.reason, change: "see what runs there" };
  }
  const call = trial.kind === "tried" ? trial.calls[0] : undefined;
  if (call === undefined || call.errno === "") return undefined;
  const stage = stages.minor;
  if (call.refused !== undefined) {
    const { reason, hint } = describeRefusedOption(call.refused, share);
    return { id: "option-unknown", stage, because: reason, change: hint };
  }
  const told = failed && diagnosisOf(share).trial?.explain(share, failed);
  if (told !== undefined) return { ...told, stage };
  const failure = mountingOf(share)
    .ways(share, [])
    .find(({ version }) => version === call.version)
    ?.failure(call.errno);
  return {
    id: "mount-failed",
    stage,
    because: failure?.reason ?? `mount(2) says ${call.errno}`,
    change: failure?.hint ?? "look at the kernel's log (dmesg) on this host and at the server's",
  };
}

/** It would be mounted, and nothing could be written. */
export function readOnlyCause({ share, mayWrite }: ShareFacts): Found | undefined {
  if (mayWrite !== false || isReadOnly(share.options)) return undefined;
  return {
    id: "read-only-export",
    because: `the server lets this user only read ${share.label}`,
    change: "let the user write on the server",
  };
}
