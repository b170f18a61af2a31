// The lines of doctor's page, step by step, in the order in which a mount comes to them.
import { inNamesOf } from "../config/share-names.ts";
import { versionsToTry } from "../kinds/nfs/versions.ts";
import { type Check, fails, notApplicable, ok } from "./check.ts";
import type { AddressFacts, DoctorFacts, ShareFacts } from "./facts.ts";
import { accessCheck } from "./steps/access.ts";
import { answeringServiceCheck } from "./steps/answering-service.ts";
import { exportCheck } from "./steps/exports.ts";
import { fstabCheck, kernelChecks } from "./steps/kernel.ts";
import { lockChecks } from "./steps/locks.ts";
import { mountPointCheck, propagationCheck } from "./steps/mount-point.ts";
import { nameCheck } from "./steps/name.ts";
import { pathChecks } from "./steps/path.ts";
import { processChecks } from "./steps/process.ts";
import { registrationChecks } from "./steps/registration.ts";
import { serviceCheck } from "./steps/service.ts";
import { trialCheck } from "./steps/trial.ts";

/** What does not depend on a share. */
export function machineChecks(facts: DoctorFacts): readonly Check[] {
  return [...processChecks(facts), ...kernelChecks(facts), ...lockChecks(facts), fstabCheck(facts)];
}

/** Everything about one share, in the order in which a mount comes to it. */
export function shareChecks(facts: ShareFacts): readonly Check[] {
  const checks = [
    mountPointCheck(facts),
    propagationCheck(facts),
    nameCheck(facts),
    ...facts.addresses.flatMap((address) => addressChecks(facts, address)),
    ...answeringServiceCheck(facts),
    trialCheck(facts),
  ];
  return checks.map((check) =>
    check.next === undefined ? check : { ...check, next: inNamesOf(facts.share, check.next) },
  );
}

function addressChecks(facts: ShareFacts, address: AddressFacts): readonly Check[] {
  const { share } = facts;
  const versions = versionsToTry(share.version);
  const wants3 = versions.includes("3");
  const wants4 = versions.some((version) => version !== "3");
  const of = facts.addresses.length > 1 ? ` of ${address.address}` : "";
  const { route, port, nfs4, nfs3 } = address;
  const routeCheck =
    route.kind === "route"
      ? ok(`route${of}`, `from ${route.localAddress} to ${address.address}`)
      : fails(
          `route${of}`,
          `none to ${address.address} (${route.reason})`,
          "give the container a network that leads there",
        );
  if (route.kind === "no-route") return [routeCheck];
  const portCheck =
    port === undefined
      ? notApplicable(`port${of}`, "not asked")
      : port.kind === "open"
        ? ok(`port${of}`, `${port.port} is open`)
        : fails(
            `port${of}`,
            `${port.port}: ${port.errno === "ETIMEDOUT" ? "timed out" : port.reason}`,
            "start the server, or open the port in the firewall",
          );
  if (facts.service !== undefined) return [routeCheck, portCheck];
  return [
    routeCheck,
    portCheck,
    serviceCheck(`NFS 4${of}`, nfs4, wants4, versions),
    serviceCheck(`NFS 3${of}`, nfs3, wants3, versions),
    ...registrationChecks(address, wants3, of),
    exportCheck(share.source.path, address, of),
    ...pathChecks(address, of),
    accessCheck(facts, address, of),
  ];
}
