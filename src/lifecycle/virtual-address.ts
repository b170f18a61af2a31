// The virtual address of a server: waited for while another host has it, said in the log, given back once.
import { AppError, exitCodes } from "../errors.ts";
import type { ClientConnection } from "../export/vip/connections.ts";
import type { KeptVip, VipEvent } from "../export/vip/keeping.ts";
import type { VipTrouble } from "../export/vip/vip.ts";
import type { Vip } from "../export/vip/written.ts";
import type { Log } from "../report/log.ts";

export interface VirtualAddressPorts {
  readonly log: Log;
  /** As `keepVip` of export/vip has it. */
  readonly keepVip: (
    vip: Vip,
    onEvent: (event: VipEvent) => void,
    signal: AbortSignal,
  ) => Promise<KeptVip | VipTrouble>;
}

export interface HeldAddress extends Pick<KeptVip, "announce" | "release"> {
  /** Makes clients connect anew whose connections were lost with the server before. */
  readonly reset: (lost: () => Promise<readonly ClientConnection[]>) => Promise<void>;
  /** Rejects with AppError 75 when another host has it. */
  readonly lost: Promise<never>;
}

/**
 * Settles when this host has the address. Throws AppError: 78 where its place cannot be found, 32 where it cannot be had here;
 * rejects when `signal` aborts. `release` of the result may be called again, and does nothing then.
 */
export async function holdAddress(
  { log, keepVip }: VirtualAddressPorts,
  vip: Vip,
  signal: AbortSignal,
): Promise<HeldAddress> {
  const kept = await keepVip(vip, (event) => say(log, vip, event), signal);
  if (!("held" in kept)) throw troubleError(vip, kept);
  let released: Promise<void> | undefined;
  const release = async (): Promise<void> => {
    await kept.release();
    log("info", "the virtual address is given back", { stage: "serve", address: vip.address });
  };
  const reset = async (lost: () => Promise<readonly ClientConnection[]>): Promise<void> => {
    const outcome = await kept.reset(lost);
    const fields = { stage: "serve", address: vip.address } as const;
    if (outcome.kind === "failed") {
      const reason = `${outcome.errno} for a raw socket`;
      log("info", "clients find out by themselves that the server before is gone", { ...fields, reason });
    } else if (outcome.connections > 0) {
      const { connections } = outcome;
      log("info", "clients of the server before were told to connect anew", { ...fields, connections });
    }
  };
  const lost = kept.lost.then((trouble) => Promise.reject(lostError(vip, trouble)));
  lost.catch(() => {});
  return { announce: kept.announce, reset, lost, release: () => (released ??= release()) };
}

function say(log: Log, { address }: Vip, event: VipEvent): void {
  const fields = { stage: "serve", address } as const;
  switch (event.kind) {
    case "waiting":
      return log("warn", "waiting for the virtual address", { ...fields, reason: reasonOf(event.trouble) });
    case "held": {
      const { device, wasThere } = event.held;
      const note = wasThere === "permanent" ? { hint: "it was there for good, and stays when this ends" } : {};
      return log("info", "the virtual address is here", { ...fields, device, ...note });
    }
    case "losing":
      return log("error", "the virtual address cannot be kept", { ...fields, reason: reasonOf(event.trouble) });
    case "contested":
      return log("warn", "another host has the virtual address, too", { ...fields, hardware: event.hardware });
  }
}

/** Why, for people. */
function reasonOf(trouble: VipTrouble): string {
  switch (trouble.kind) {
    case "taken":
      return `another host has it${trouble.hardware === undefined ? "" : ` (${trouble.hardware})`}`;
    case "no-device":
      return `there is no interface ${trouble.device}`;
    case "no-network":
      return "no interface's network holds it";
    case "link-down":
      return `the interface ${trouble.device} is down, or has no carrier`;
    case "not-permitted":
      return `the capability ${trouble.capability} is missing`;
    case "failed":
      return trouble.reason;
  }
}

function lostError({ address }: Vip, trouble: VipTrouble): AppError {
  const hint = "start it again: it waits until the address is free";
  return new AppError(`the virtual address ${address} is lost: ${reasonOf(trouble)}`, exitCodes.lost, { hint });
}

function troubleError({ address, prefixLength }: Vip, trouble: VipTrouble): AppError {
  const text = (what: string) => `${what} the virtual address ${address}: ${reasonOf(trouble)}`;
  switch (trouble.kind) {
    case "no-device":
    case "no-network": {
      const hint = `name an interface of this machine, as in NFS_SERVER_VIP=${address}/${prefixLength}@eth0`;
      return new AppError(text("no place for"), exitCodes.config, { hint });
    }
    case "not-permitted": {
      const hint = "give the container NET_ADMIN and NET_RAW (--cap-add), and the network that the address is for";
      return new AppError(text("cannot take"), exitCodes.mountFailed, { hint });
    }
    case "taken":
    case "link-down":
    case "failed":
      return new AppError(text("cannot take"), exitCodes.mountFailed);
  }
}
