// After the address has moved: clients that wait on a connection to the host before learn at once that it is gone, and connect anew.
import type { Clock } from "../../clock.ts";
import { errnoOf } from "../../errors.ts";
import type { ClientConnection } from "./connections.ts";
import { encodeAcknowledgement } from "./segment.ts";

/** Segments of TCP that belong to no connection. */
export interface Segments {
  /** Throws the system's error. */
  readonly send: (segment: Uint8Array, client: string) => void;
  readonly close: () => void;
}

export interface ResetWorld extends Pick<Clock, "sleep"> {
  /** From an address of ours, which is on this interface. Throws the system's error. */
  readonly openSegments: (address: string, device: string) => Segments;
}

export type ResetOutcome =
  /** So many connections were written to. */
  | { readonly kind: "sent"; readonly connections: number }
  /** The errno. */
  | { readonly kind: "failed"; readonly errno: string };

/**
 * Neighbours may still send to the host before, and Linux answers segments out of order twice a second at most
 * (net.ipv4.tcp_invalid_ratelimit): so more than once.
 */
const rounds = { count: 3, spacingMs: 1_000 } as const;

/** Writes to those of `lost`, connections that are not there any more; asked for anew each time, and never to `own` addresses. */
export async function resetConnections(
  world: ResetWorld,
  { address, device }: { readonly address: string; readonly device: string },
  lost: () => Promise<readonly ClientConnection[]>,
  own: () => Promise<ReadonlySet<string>>,
  signal: AbortSignal,
): Promise<ResetOutcome> {
  const isOver = () => signal.aborted;
  let connections = 0;
  for (let round = 0; round < rounds.count && !isOver(); round++) {
    if (round > 0) await world.sleep(rounds.spacingMs, signal).catch(() => {});
    const ours = await own();
    const waiting = (await lost()).filter(({ client }) => !ours.has(client));
    if (waiting.length === 0 || isOver()) break;
    connections = Math.max(connections, waiting.length);
    try {
      sendAll(world, address, device, waiting);
    } catch (error) {
      const errno = errnoOf(error);
      if (errno === undefined) throw error;
      return { kind: "failed", errno };
    }
  }
  return { kind: "sent", connections };
}

function sendAll(
  { openSegments }: ResetWorld,
  address: string,
  device: string,
  waiting: readonly ClientConnection[],
): void {
  // As long as it is open it gets what comes for the address.
  const segments = openSegments(address, device);
  try {
    for (const { port, client, clientPort } of waiting) {
      const segment = encodeAcknowledgement({ address, port }, { address: client, port: clientPort });
      try {
        segments.send(segment, client);
      } catch (error) {
        // No way leads there any more, or it has become a broadcast address.
        if (errnoOf(error) === undefined) throw error;
      }
    }
  } finally {
    segments.close();
  }
}
