// Keeps what the servers say of whether their shares can be written to: asked now and then, beside the looks, and held against what
// they said before.
import type { Share } from "../shares/share.ts";
import type { Clock } from "../clock.ts";

export interface WritabilityPorts {
  readonly clock: Clock;
  /** Asks the server of a share; undefined where it says nothing to that. Settles soon, whatever the server does. */
  readonly ask: (share: Share) => Promise<boolean | undefined>;
  /** A number that changes with each fresh mount of a share. */
  readonly generation: (share: Share) => number;
}

/** What is known of a share's mount. */
interface Known {
  readonly generation: number;
  readonly isWritable: boolean;
  /** How many questions in a row were not answered since. */
  readonly missed: number;
}

/** A refusal is believed when it is repeated after so long: exports that are being changed refuse for a moment. */
const againMs = 1_000;
/** What was said is forgotten when so many questions in a row are not answered. */
const mostMissed = 3;
/** So many are asked side by side: each may cost a reserved port. */
const mostAtOnce = 8;

/**
 * Asks about all of `shares` every `intervalMs` until `signal` aborts. Gives the function that tells what is known of a share:
 * undefined where it is nothing. Nobody is said to be refused who was never let: that has nothing to do with a
 * change of the export.
 */
export function watchWritability(
  ports: WritabilityPorts,
  shares: () => readonly Share[],
  intervalMs: number,
  signal: AbortSignal,
): (share: Share) => boolean | undefined {
  const known = new Map<Share, Known>();
  void askAll(ports, known, shares, intervalMs, signal);
  return (share) => {
    const of = known.get(share);
    return of?.generation === ports.generation(share) && of.missed < mostMissed ? of.isWritable : undefined;
  };
}

async function askAll(
  ports: WritabilityPorts,
  known: Map<Share, Known>,
  shares: () => readonly Share[],
  intervalMs: number,
  signal: AbortSignal,
): Promise<void> {
  const { clock } = ports;
  const isOver = () => signal.aborted;
  while (!isOver()) {
    const all = shares();
    for (let start = 0; start < all.length && !isOver(); start += mostAtOnce) {
      const some = all.slice(start, start + mostAtOnce);
      const asked = some.map(async (share) => {
        const now = await askOne(ports, share, known.get(share), signal);
        if (now === undefined) known.delete(share);
        else known.set(share, now);
      });
      await Promise.all(asked);
    }
    try {
      await clock.sleep(intervalMs, signal);
    } catch {
      return;
    }
  }
}

/** What is known of a share after one more question; undefined where it is still nothing. */
async function askOne(
  { clock, ask, generation: generationOf }: WritabilityPorts,
  share: Share,
  before: Known | undefined,
  signal: AbortSignal,
): Promise<Known | undefined> {
  const generation = generationOf(share);
  const known = before?.generation === generation ? before : undefined;
  let said = await ask(share);
  if (said === false && known?.isWritable === true) {
    await clock.sleep(againMs, signal).catch(() => {});
    said = await ask(share);
  }
  if (said === undefined) return known === undefined ? undefined : { ...known, missed: known.missed + 1 };
  return said || known !== undefined ? { generation, isWritable: said, missed: 0 } : undefined;
}
