// What a kind asks its servers over the network: apart from kind.ts, as nobody who only reads a configuration needs it.
import type { Dial } from "../rpc/transport.ts";
import type { MountRecord } from "../shares/mountinfo.ts";

export interface KindServer {
  /** Whether the service that `mount` was made from answers at `address`. */
  readonly answersAt: (dial: Dial, mount: MountRecord, address: string, signal: AbortSignal) => Promise<boolean>;
}
