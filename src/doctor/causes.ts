// Why a share does not mount, as its facts tell: for each address and version the first thing in the way, and of these the one that got furthest.
import { inNamesOf } from "../config/share-names.ts";
import { diagnosisOf } from "../kinds/diagnoses.ts";
import { reachOf } from "../kinds/nfs/failures.ts";
import { type NfsQuestion, questionOf } from "../kinds/nfs/question.ts";
import { type ExactVersion, versionsToTry } from "../kinds/nfs/versions.ts";
import { answeringServiceCause, readOnlyCause } from "./steps/answering-service.ts";
import { accessCause } from "./steps/access-causes.ts";
import type { Cause } from "./cause.ts";
import type { Engine } from "./engine.ts";
import type { AddressFacts, DoctorFacts, ShareFacts } from "./facts.ts";
import { type Found, furthest, stages } from "./found.ts";
import { failedMount, securityCause } from "./steps/mount-causes.ts";
import { lockCause } from "./steps/locks.ts";
import { mountPointCause } from "./steps/mount-point.ts";
import { nameCause } from "./steps/name.ts";
import { path3Cause, path4Cause } from "./steps/path.ts";
import { unreachable } from "./steps/port.ts";
import { processCauses } from "./steps/process.ts";
import { insteadOf3, registrationCause } from "./steps/registration.ts";
import { serviceCause } from "./steps/service.ts";

/** All causes, the likeliest first: what stops everything, then share by share what stops it, then what does not. */
export function causesOf(facts: DoctorFacts): readonly Cause[] {
  const ofShares = facts.shares.flatMap((share) => shareCauses(share, facts));
  return [
    ...processCauses(facts),
    ...ofShares.filter(({ isFatal }) => isFatal),
    ...ofShares.filter(({ isFatal }) => !isFatal),
  ];
}

function shareCauses(facts: ShareFacts, doctor: DoctorFacts): readonly Cause[] {
  const causes: Cause[] = [];
  const add = (isFatal: boolean, found: Found | undefined) => {
    if (found === undefined) return;
    const { id, because, change } = found;
    const own = diagnosisOf(facts.share).changes[id] ?? change;
    causes.push({ id, share: facts.share.label, isFatal, because, change: inNamesOf(facts.share, own) });
  };
  const point = mountPointCause(facts);
  add(point?.isFatal === true, point);
  const { state } = facts.mountPoint;
  if (state.kind === "mounted" && state.isThisShare && state.errno === undefined) {
    add(false, accessCause(facts, doctor));
    return causes;
  }
  const { trial } = facts;
  const mounted = trial.kind === "tried" ? trial.calls.find(({ errno }) => errno === "")?.version : undefined;
  if (mounted === undefined) add(true, serverCause(facts, doctor));
  else add(false, detourCause(facts, doctor, mounted));
  add(true, lockCause(facts, doctor));
  add(false, accessCause(facts, doctor));
  add(false, readOnlyCause(facts));
  return causes;
}

/** What is in the way between here and a mount, the mount(2) of the trial included. */
function serverCause(facts: ShareFacts, doctor: DoctorFacts): Found | undefined {
  const { share, addresses, service, trial } = facts;
  const { engine } = doctor;
  const unnamed = nameCause(facts, doctor);
  if (unnamed !== undefined) return unnamed;
  if (service !== undefined) return answeringServiceCause(facts, engine);
  const question = questionOf(share);
  const versions = versionsToTry(share.version);
  const standings = addresses.flatMap((address) =>
    versions.map((version) => ({
      version,
      blocked: version === "3" ? blocked3(facts, address, question, engine) : blocked4(facts, address, version, engine),
    })),
  );
  const free = standings.filter(({ blocked }) => blocked === undefined).map(({ version }) => version);
  if (free.length === 0) return furthest(standings.flatMap(({ blocked }) => blocked ?? []));
  if (trial.kind === "not-tried") return undefined;
  // The call that got furthest speaks, alone.
  const calls = trial.calls.filter(({ version }) => free.some((one) => one === version));
  const [failed] = (calls.length > 0 ? calls : trial.calls).toSorted(
    (one, other) => reachOf(other.errno) - reachOf(one.errno),
  );
  if (failed === undefined) return undefined;
  return securityCause(facts, failed) ?? failedMount(doctor, failed);
}

/** It mounts, but not the way one would think. */
function detourCause(facts: ShareFacts, { engine }: DoctorFacts, mounted: string): Found | undefined {
  const { share, addresses, trial } = facts;
  if (facts.service !== undefined) return undefined;
  if (mounted !== "3" || !questionOf(share).version4 || trial.kind !== "tried") return undefined;
  const newer = addresses
    .flatMap((address) => blocked4(facts, address, "4.2", engine) ?? [])
    .find(({ id }) => id === "root-export");
  if (newer !== undefined) return { ...newer, because: `in version 3 only, because ${newer.because}` };
  if (!addresses.some(({ path4 }) => path4?.asMounted?.kind === "found")) return undefined;
  const call = trial.calls.find(({ version }) => version !== "3");
  if (call === undefined) return undefined;
  const failed = failedMount({ engine }, call);
  return { ...failed, because: `in version 3 only, because ${failed.because}` };
}

/** What is in the way of a mount by version 4 from an address; undefined where nothing is seen to be. */
function blocked4(facts: ShareFacts, address: AddressFacts, version: ExactVersion, engine: Engine): Found | undefined {
  const before = unreachable(facts, address, engine);
  if (before !== undefined) return before;
  const service = serviceCause(address, address.nfs4, 4, facts);
  if (service !== undefined) return service;
  const { path4 } = address;
  if (path4 === undefined) return undefined;
  if (path4.unspoken.includes(version)) {
    return {
      id: "minor-not-spoken",
      stage: stages.minor,
      because: `the server at ${address.address} speaks version 4 but not ${path4.unspoken.join(", ")} (NFS4ERR_MINOR_VERS_MISMATCH)`,
      change: `set NFS_VERSION to auto or another 4.x, or turn ${path4.unspoken[0] ?? version} on at the server (vers${path4.unspoken[0] ?? version}=y in nfs.conf)`,
    };
  }
  return path4Cause(facts, address, engine);
}

/** What is in the way of a mount by version 3. */
function blocked3(facts: ShareFacts, address: AddressFacts, question: NfsQuestion, engine: Engine): Found | undefined {
  const before = address.nfs3 === undefined ? unreachable(facts, address, engine) : undefined;
  if (before !== undefined) return before;
  const service = serviceCause(address, address.nfs3, 3, facts);
  if (service !== undefined) return service;
  return registrationCause(address, question) ?? path3Cause(facts, address, engine, insteadOf3(question));
}
