// Names to addresses, asked anew each time by getaddrinfo(3), as mount.nfs does; names in .local by multicast DNS as well.
import * as native from "native";
import { decodeAnswer, encodeQuery, isMulticastName } from "../dns/multicast.ts";
import { errnoOf } from "../errors.ts";
import { nameResolver, type Family, type Resolved } from "../ask/names.ts";
import { clock } from "./clock.ts";
import { inChild } from "./children.ts";

/** The addresses of a name. */
export const resolveName = nameResolver({ clock, lookup });

const families = { 4: native.AF_INET, 6: native.AF_INET6 } as const;

type Unresolved = Extract<Resolved, { kind: "unresolved" }>;

const notKnown: Unresolved = { kind: "unresolved", cause: "unknown", reason: "name not known" };

/** What getaddrinfo(3) says by its errors. */
const resolverErrors: Readonly<Record<string, Unresolved>> = {
  EAI_NONAME: notKnown,
  EAI_NODATA: notKnown,
  EAI_AGAIN: { kind: "unresolved", cause: "no-answer", reason: "name server does not answer" },
};

/** Longer than the C library waits for all name servers that it asks. */
const longestLookupMs = 60_000;

/** Asked in a child: the C library waits for the name server. */
async function lookup(name: string, family: Family): Promise<Resolved> {
  const answer = await inChild(() => native.getaddrinfo(name, families[family]), longestLookupMs);
  switch (answer.kind) {
    case "answer":
      return { kind: "addresses", addresses: answer.value };
    case "failed": {
      const addresses = isMulticastName(name) ? await askEverybody(name, family) : [];
      if (addresses.length > 0) return { kind: "addresses", addresses };
      return resolverErrors[answer.errno] ?? { kind: "unresolved", cause: "failed", reason: answer.reason };
    }
    case "no-answer":
      return { kind: "unresolved", cause: "no-answer", reason: "name server does not answer in time" };
    case "not-started":
      return {
        kind: "unresolved",
        cause: "failed",
        reason: `no process can be started to ask for it: ${answer.reason}`,
      };
  }
}

const everybody = { address: "224.0.0.251", port: 5353 } as const;
/** A question that was lost is asked once more; who has the name answers within a fraction of that (RFC 6762 section 6). */
const askAgainMs = 500;
const tries = 2;
const longestAnswerBytes = 9_000;

/** Asks all hosts of the local network for a name (RFC 6762 section 5.1). None where nobody answers. */
async function askEverybody(name: string, family: Family): Promise<readonly string[]> {
  const [high = 0, low = 0] = native.getrandom(2);
  const id = (high << 8) | low;
  const query = encodeQuery(name, family, id);
  if (query === undefined) return [];
  const fd = native.socket(native.AF_INET, native.SOCK_DGRAM);
  const { promise: answered, resolve } = Promise.withResolvers<readonly string[]>();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const send = (triesLeft: number) => {
    if (triesLeft === 0) return resolve([]);
    try {
      native.sendto(fd, query, everybody);
    } catch (error) {
      // Without a way to anybody there is nobody to wait for.
      if (errnoOf(error) !== "EAGAIN") return resolve([]);
    }
    timer = setTimeout(() => send(triesLeft - 1), askAgainMs);
  };
  native.watch(fd, native.POLLIN, () => {
    const addresses = decodeAnswer(native.recvfrom(fd, longestAnswerBytes).bytes, name, id);
    if (addresses.length > 0) resolve(addresses);
  });
  send(tries);
  try {
    return await answered;
  } finally {
    clearTimeout(timer);
    native.unwatch(fd);
    native.close(fd);
  }
}
