// The servers of each kind of share: the one table of what is asked over the network.
import type { KindName, Share } from "../shares/share.ts";
import { nfsServer } from "./nfs/server.ts";
import type { KindServer } from "./server.ts";

const servers: Readonly<Record<KindName, KindServer>> = { nfs: nfsServer };

/** How the server of a share is asked. */
export function serverOf({ kind }: Pick<Share, "kind">): KindServer {
  return servers[kind];
}
