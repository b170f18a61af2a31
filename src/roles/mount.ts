// mount: waits, mounts, and leaves the shares mounted.
import type { Config } from "../config/config.ts";
import { exitCodes } from "../errors.ts";
import { mountedSession, preparePlan, type SessionPorts } from "../lifecycle/session.ts";

export type MountPorts = SessionPorts;

/** Ends with 0 when every share is mounted, with 128+n when it is stopped before; what it has mounted is undone then. */
export async function mount(ports: MountPorts, config: Config): Promise<number> {
  const plan = await preparePlan(ports, config);
  return mountedSession(ports, config.settings, plan, {
    leavesMounts: true,
    work: async ({ shares, unlessStopped }) => {
      await unlessStopped(shares.ready);
      return exitCodes.ok;
    },
    stopped: (signal) => {
      ports.log("info", "stopped before every share was mounted", { stage: "mount", signal });
      return exitCodes.signalBase + signal;
    },
  });
}
