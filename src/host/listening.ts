// Sockets that connections come to: each is taken, and for as long as no descriptor is free nobody is woken for those that wait.
import * as native from "native";
import { errnoOf } from "../errors.ts";

/**
 * Descriptors are finite, and nfs-init needs some itself to ask servers and start workers: a quarter of what it may have is for
 * connections. Few enough of those, and a client that opens many and asks nothing would keep the probes out.
 */
export function mostConnections(): number {
  return Math.max(8, Math.min(256, Math.floor(native.getrlimitNofile().soft / 4)));
}

const againMs = 250;

/** Gives each connection to `take`; `makeRoom` is called where no descriptor is free for one. Gives what stops it. */
export function takeConnections(socket: number, take: (fd: number) => void, makeRoom: () => void): () => void {
  let retry: ReturnType<typeof setTimeout> | undefined;
  const accept = () => {
    let fd: number;
    try {
      fd = native.accept(socket);
    } catch (error) {
      const errno = errnoOf(error);
      // It has hung up already.
      if (errno === "EAGAIN" || errno === "ECONNABORTED") return;
      makeRoom();
      // Whoever waits would wake us again at once.
      native.unwatch(socket);
      retry = setTimeout(attend, againMs);
      return;
    }
    take(fd);
  };
  const attend = () => native.watch(socket, native.POLLIN, accept);
  attend();
  return () => {
    clearTimeout(retry);
    native.unwatch(socket);
  };
}
