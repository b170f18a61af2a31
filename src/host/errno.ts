// Names of error numbers.
import { constants } from "node:os";

/** The name of an errno (`ENOENT`), or its number where it has none. */
export function errnoName(number: number): string {
  return Object.entries(constants.errno).find(([, value]) => value === number)?.[0] ?? `errno ${number}`;
}

/** What a connection's failure means, in a few words. */
export const connectionWords: Readonly<Record<string, string>> = {
  EACCES: "forbidden here",
  EADDRNOTAVAIL: "no usable local address",
  ECONNREFUSED: "connection refused",
  ECONNRESET: "connection reset by the server",
  EHOSTDOWN: "host is down",
  EHOSTUNREACH: "no route to host",
  ENETUNREACH: "network is unreachable",
  EPERM: "forbidden here",
  ETIMEDOUT: "connection timed out",
};
