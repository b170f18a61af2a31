// What answers on the port.
import type { ExactVersion } from "../../kinds/nfs/versions.ts";
import { ports as wellKnown } from "../../rpc/message.ts";
import { type Check, fails, notApplicable, ok, warning } from "../check.ts";
import type { AddressFacts, ServiceFact, ShareFacts } from "../facts.ts";
import { type Found, stages } from "../found.ts";
import { failureWords } from "../../rpc/failure.ts";

/** What answers there is not NFS in that version. */
export function serviceCause(
  { address, usualPort }: AddressFacts,
  service: ServiceFact | undefined,
  version: 3 | 4,
  { share }: ShareFacts,
): Found | undefined {
  if (service === undefined || service.kind === "success") return undefined;
  const { port } = service;
  const at = `port ${port} of ${address}`;
  const stage = stages.service;
  if (service.kind !== "version-mismatch" && usualPort?.kind === "success") {
    return {
      id: "wrong-port",
      stage,
      because: `${at} is not the server's: NFS answers on port ${usualPort.port}`,
      change: `write port=${usualPort.port} in NFS_OPTIONS, or leave port= out`,
    };
  }
  switch (service.kind) {
    case "version-mismatch": {
      const { lowest, highest } = service;
      const spoken = lowest === highest ? `${lowest}` : `${lowest} to ${highest}`;
      return {
        id: "version-not-spoken",
        stage: stages.version,
        because: `the server at ${address} speaks NFS version ${spoken} only, and the share asks for version ${share.version}`,
        change: `set NFS_VERSION=auto or ${lowest}, or turn version ${version} on at the server`,
      };
    }
    case "no-answer":
      if (service.errno === "ETIMEDOUT") return { ...hangs({ address }, service, "answers nothing"), stage };
      return notNfs(at, `it hangs up: ${service.reason}`);
    case "malformed":
      return notNfs(at, `what comes back ${service.reason}`);
    case "program-unavailable":
      return notNfs(at, "an RPC service that says it is not NFS");
    case "refused":
      return notNfs(at, service.reason);
  }
}

function notNfs(at: string, evidence: string): Found {
  return {
    id: "other-service",
    stage: stages.service,
    because: `what listens on ${at} is another service and not NFS (${evidence})`,
    change: "correct NFS_HOST or port= in NFS_OPTIONS, or look at what runs on that port there",
  };
}

export function hangs(
  { address }: Pick<AddressFacts, "address">,
  service: ServiceFact | undefined,
  what: string,
): Found {
  return {
    id: "service-hangs",
    stage: stages.service,
    because: `port ${service?.port ?? wellKnown.nfs} of ${address} is open, but what runs there hangs: it takes the connection and ${what}`,
    change: "look at the server: its log, its disks, whether its NFS threads are stuck, or restart its NFS service",
  };
}

export function serviceCheck(
  name: string,
  service: ServiceFact | undefined,
  isWanted: boolean,
  versions: readonly ExactVersion[],
): Check {
  if (service === undefined) return notApplicable(name, "not asked");
  if (service.kind === "success") {
    return ok(name, `answers on port ${service.port}, round trip ${service.roundTripMs.toFixed(1)} ms (median of 3)`);
  }
  const fact = `port ${service.port}: ${failureWords(service)}`;
  if (!isWanted) return notApplicable(name, `${fact}; the share asks for ${versions.join(", ")}`);
  const isOther = service.kind === "version-mismatch" && versions.length > 3;
  return isOther ? warning(name, fact) : fails(name, fact, "see what runs there, and NFS_VERSION");
}
