// wait: returns when every share could be mounted; mounts nothing and needs no privilege.
import { within } from "../abort.ts";
import type { PlanFacts } from "../plan/plan.ts";
import type { Share } from "../shares/share.ts";
import type { Config } from "../config/config.ts";
import { AppError, exitCodes } from "../errors.ts";
import type { Log } from "../report/log.ts";
import { planShares } from "../lifecycle/plan-shares.ts";
import { manageShares } from "../lifecycle/managed-share.ts";
import { abortedBy, Stopped } from "../lifecycle/stop.ts";
import { pendingReasons, teller, tellNotReady } from "../lifecycle/teller.ts";
import type { Clock } from "../clock.ts";
import { again, done, untilDone } from "../wait/again.ts";
import { probePace } from "../wait/pace.ts";
import type { Network } from "../ask/network.ts";
import { asking, askPath, questionOf } from "../kinds/servers.ts";
import { serverWaiter } from "../wait/wait.ts";
import type { Tell } from "../report/events.ts";

export interface WaitPorts {
  readonly log: Log;
  readonly board: { readonly tell: Tell };
  readonly clock: Clock;
  readonly network: Network;
  readonly planFacts: () => PlanFacts;
  /** Called with the first stop signal. */
  readonly onStop: (stop: (signal: number) => void) => void;
}

/** Ends with 0; with 128+n when it is stopped; throws AppError 124 when NFS_WAIT_TIMEOUT runs out. */
export async function wait(ports: WaitPorts, config: Config): Promise<number> {
  const { log, clock, network } = ports;
  const { settings } = config;
  const plan = planShares(ports.planFacts, config);
  const shares = manageShares(plan.shares);
  const tell = teller(ports, shares);
  const stop = new AbortController();
  ports.onStop((signal) => stop.abort(new Stopped(signal)));
  const waiter = serverWaiter(
    { clock, ask: asking(network), tell: tellNotReady(tell, shares) },
    settings.attemptTimeoutMs,
    stop.signal,
  );
  const waitForShare = (share: Share): Promise<void> => {
    const round = async () => {
      const server = await waiter.ready(questionOf(share), () => {});
      const asked = within(clock, settings.attemptTimeoutMs, stop.signal);
      const path = await askPath(network, share, server, asked);
      if (path.kind === "ready") return done(undefined);
      stop.signal.throwIfAborted();
      tell({ kind: "path-not-ready", share, reason: path.reason });
      return again;
    };
    return untilDone(clock, round, probePace(clock), stop.signal);
  };
  const giveUp = () => {
    const reason = `not ready within ${settings.waitTimeoutMs / 1_000} s: ${pendingReasons(shares).join("; ")}`;
    stop.abort(new AppError(reason, exitCodes.timedOut, { hint: "check the server, or raise NFS_WAIT_TIMEOUT" }));
  };
  const callOff = settings.waitTimeoutMs === 0 ? () => {} : clock.later(settings.waitTimeoutMs, giveUp);
  try {
    const all = plan.shares.filter(({ nofail }) => !nofail).map(waitForShare);
    await Promise.race([Promise.all(all), abortedBy(stop.signal)]);
    log("info", "every share could be mounted", { stage: "wait" });
    return exitCodes.ok;
  } catch (error) {
    if (!(error instanceof Stopped)) throw error;
    return exitCodes.signalBase + error.signal;
  } finally {
    callOff();
    stop.abort(new Error("nfs-init ends"));
  }
}
