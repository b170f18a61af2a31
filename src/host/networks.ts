// The networks that this machine is attached to.
import { attachedNetworks, type Network } from "../export/clients.ts";
import { readText } from "./small-files.ts";

/** As they are now. */
export function networksHere(): readonly Network[] {
  return attachedNetworks(readText("/proc/self/net/route") ?? "", readText("/proc/self/net/if_inet6") ?? "");
}
