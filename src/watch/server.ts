// Asks the server of a mount that does not answer: is it there, gone, or somewhere else by now.
import type { MountRecord } from "../shares/mountinfo.ts";
import { optionValue } from "../shares/options.ts";
import type { Share } from "../shares/share.ts";
import { isIP } from "../address.ts";
import { serverOf } from "../kinds/servers.ts";
import type { Network } from "../ask/network.ts";

/**
 * Asks the service that `mount` was made from. `moved` where that one is silent and the server's name leads
 * to other addresses only, of which one answers: the mount cannot follow, a fresh one can.
 */
export async function askMountedServer(
  network: Network,
  share: Share,
  mount: MountRecord,
  signal: AbortSignal,
): Promise<"answers" | "silent" | "moved"> {
  const { superOptions } = mount;
  const { answersAt, question } = serverOf(share);
  // An id of EFS in a region that the options name has a name of its own.
  const { host } = question(share);
  const answers = (address: string) => answersAt(network.dial, mount, address, signal, share);
  const mountedFrom = optionValue(superOptions, "addr");
  const elsewhere = async (): Promise<boolean> => {
    // An address does not move.
    if (isIP(host) !== 0) return false;
    if (mountedFrom === undefined) return false;
    // That its own family has been asked for must be sure: addresses of the other one may be all that has come.
    const found = await Promise.all([
      network.resolveName(host, signal, isIP(mountedFrom) === 6 ? 6 : 4),
      network.resolveName(host, signal),
    ]);
    const addresses = new Set(found.flatMap((one) => (one.kind === "addresses" ? one.addresses : [])));
    if (addresses.has(mountedFrom)) return false;
    return (await Promise.all([...addresses].map(answers))).includes(true);
  };
  // Side by side: a silent server takes all of the time there is.
  const [isThere, isElsewhere] = await Promise.all([mountedFrom !== undefined && answers(mountedFrom), elsewhere()]);
  if (isThere) return "answers";
  return isElsewhere ? "moved" : "silent";
}
