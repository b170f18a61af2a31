// The same sentence for one share that does not mount, for whoever waits for it; loaded only then.
import type { Share } from "../shares/share.ts";
import type { Identity } from "../init/identity.ts";
import { collectFacts } from "./collect.ts";
import type { DoctorPorts } from "./collect-ports.ts";
import { withKnownFailure } from "./collect-service.ts";
import { judge } from "./findings.ts";

/**
 * Why a share does not mount and what to change, one sentence; undefined where nothing was found to be in the way. Takes at
 * most about `budgetMs`; never rejects for what the network or the server does. `failure` is the cause of the call that failed.
 */
export async function explain(
  share: Share,
  ports: DoctorPorts,
  identity: Identity | undefined,
  budgetMs: number,
  failure?: string,
): Promise<string | undefined> {
  const { wouldMount, verdict } = judge(
    await collectFacts(withKnownFailure(ports, share, failure), [share], identity, budgetMs),
  );
  return wouldMount ? undefined : verdict;
}
