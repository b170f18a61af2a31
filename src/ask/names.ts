// The addresses of a name: IPv4 and IPv6 are asked for apart, and what has come is used, whatever becomes of the other.
import type { Clock } from "../clock.ts";
import { isIP } from "../address.ts";

export type Resolved =
  | { readonly kind: "addresses"; readonly addresses: readonly string[] }
  | {
      readonly kind: "unresolved";
      /**
       * There is no such name, or no address of that family; no name server answers; it cannot be asked; or it is an id, and the
       * region that makes a name of it is not known.
       */
      readonly cause: "unknown" | "no-answer" | "failed" | "no-region";
      readonly reason: string;
      /** What to do about it, where that is known: a clause. */
      readonly hint?: string;
    };

/** Why a name is not resolved, and what to do where that is known: a clause. */
export function unresolvedWords({ reason, hint }: Extract<Resolved, { kind: "unresolved" }>): string {
  return hint === undefined ? reason : `${reason}; ${hint}`;
}

export type Family = 4 | 6;

/**
 * Gives the addresses of a name; an address is its own answer. Where only one family is of use, that one is waited for, and the
 * other's are given only where the name has none of it.
 */
export type ResolveName = (name: string, signal: AbortSignal, family?: Family) => Promise<Resolved>;

export interface NamePorts {
  /** Asks for the addresses of one family. It cannot be called off, and a name server that is silent makes it take 10 s and more. */
  readonly lookup: (name: string, family: Family) => Promise<Resolved>;
  readonly clock: Clock;
}

/** How long IPv6 addresses are waited for where there are others (RFC 8305, section 3), and where there are none so far. */
const graceMs = { withOthers: 50, alone: 1_000 } as const;
/** An answer that came too late for whoever asked serves the next one, if that comes so soon. */
const freshMs = 2_000;

interface Lookup {
  readonly startedMs: number;
  readonly answer: Promise<Resolved>;
  settledMs: number | undefined;
}

/**
 * A name server, or a firewall before it, that drops questions of one kind must not hold up the answer to the other. At most one
 * question of a kind is under way for a name, and those that are not needed at once are asked one at a time: each that hangs
 * keeps a process. IPv4 goes first for that reason, too: a name server that is away keeps one process, not two.
 */
export function nameResolver({ lookup, clock }: NamePorts): ResolveName {
  const { nowMs } = clock;
  const lookups = new Map<string, Lookup>();
  let lastInTurn: Promise<unknown> = Promise.resolve();

  const begin = (key: string, ask: () => Promise<Resolved>): Lookup => {
    const begun: Lookup = { startedMs: nowMs(), answer: ask(), settledMs: undefined };
    void begun.answer.then(() => {
      begun.settledMs = nowMs();
    });
    lookups.set(key, begun);
    return begun;
  };
  /** The answer, within a time since the question was asked. */
  const take = async (
    name: string,
    family: Family,
    isUrgent: boolean,
    withinMs?: number,
  ): Promise<Resolved | undefined> => {
    const key = `${family} ${name}`;
    const known = lookups.get(key);
    const isUsable = known !== undefined && (known.settledMs === undefined || nowMs() - known.settledMs < freshMs);
    const ask = () => lookup(name, family);
    const inTurn = () => {
      const answer = lastInTurn.then(ask);
      lastInTurn = answer;
      return answer;
    };
    const one = isUsable ? known : begin(key, isUrgent ? ask : inTurn);
    const answer = await (withinMs === undefined
      ? one.answer
      : inTime(clock, one.startedMs + withinMs - nowMs(), one.answer));
    // Each answer is used by those who waited for it, and then asked for anew.
    if (answer !== undefined && lookups.get(key) === one) lookups.delete(key);
    return answer;
  };

  const resolve = async (name: string, family: Family | undefined): Promise<Resolved> => {
    if (family !== undefined) {
      const own = (await take(name, family, true)) ?? tooLate;
      if (own.kind === "addresses" || own.cause !== "unknown") return own;
      const other = await take(name, family === 4 ? 6 : 4, true, graceMs.alone);
      return other?.kind === "addresses" ? other : own;
    }
    const ipv4 = (await take(name, 4, true)) ?? tooLate;
    const hasIpv4 = ipv4.kind === "addresses";
    const ipv6 = await take(name, 6, !hasIpv4, hasIpv4 ? graceMs.withOthers : graceMs.alone);
    const addresses = [ipv4, ipv6].flatMap((one) => (one?.kind === "addresses" ? one.addresses : []));
    return addresses.length > 0 ? { kind: "addresses", addresses } : ipv4;
  };
  return async (name, signal, family) => {
    if (isIP(name) !== 0) return { kind: "addresses", addresses: [name] };
    const { promise: aborted, resolve: abort } = Promise.withResolvers<Resolved>();
    const end = () => abort(tooLate);
    signal.addEventListener("abort", end, { once: true });
    if (signal.aborted) end();
    try {
      return await Promise.race([resolve(name, family), aborted]);
    } finally {
      signal.removeEventListener("abort", end);
    }
  };
}

const tooLate: Resolved = {
  kind: "unresolved",
  cause: "no-answer",
  reason: "name server does not answer in time",
};

/** What `promise` settles to within a while, else undefined. */
async function inTime<T>({ later }: Clock, ms: number, promise: Promise<T>): Promise<T | undefined> {
  const { promise: late, resolve } = Promise.withResolvers<undefined>();
  const callOff = later(ms, () => resolve(undefined));
  try {
    return await Promise.race([promise, late]);
  } finally {
    callOff();
  }
}
