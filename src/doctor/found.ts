// What a step finds in the way, and how far a mount gets before it.
import type { Cause } from "./cause.ts";

export interface Found extends Omit<Cause, "share" | "isFatal"> {
  /** How far it got; greater is further. */
  readonly stage?: number;
}

/** How far a mount gets before something is in its way. */
export const stages = {
  name: 10,
  route: 20,
  port: 30,
  service: 40,
  version: 50,
  minor: 55,
  rpcbind: 60,
  mountd: 65,
  path: 70,
};

export function furthest(causes: readonly Found[]): Found | undefined {
  return causes.toSorted((one, other) => (other.stage ?? 0) - (one.stage ?? 0))[0];
}

export function shortList(items: readonly string[]): string {
  const most = 4;
  return items.length <= most ? items.join(", ") : `${items.slice(0, most).join(", ")} and ${items.length - most} more`;
}
