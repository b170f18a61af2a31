// What questions to a server need of the machine: names, and connections.
import type { Dial } from "../rpc/transport.ts";
import type { ResolveName } from "./names.ts";

export interface Network {
  readonly dial: Dial;
  readonly resolveName: ResolveName;
}
