// What errors of the kernel mean, in a few words.

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
