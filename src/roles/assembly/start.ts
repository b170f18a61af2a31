// What a role is started with.
import type { Invocation } from "../roles.ts";

export interface Start {
  readonly invocation: Invocation;
  /** The environment, `NAME=value` each, as bytes. */
  readonly given: readonly Uint8Array[];
  /** Version of nfs-init. */
  readonly version: string;
}
