// TCP connections and name resolution of this machine.
import { lookup } from "node:dns/promises";
import { connect } from "node:net";
import type { Connection } from "../rpc/probe.ts";

/** Opens a TCP connection; rejects with a short text such as "connection refused", or when `signal` aborts. */
export function dial(address: string, port: number, signal: AbortSignal): Promise<Connection> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: address, port });
    const chunks: Uint8Array[] = [];
    let ended = false;
    let failure: Error | undefined;
    let wake: (() => void) | undefined;
    const settle = (error?: Error) => {
      failure ??= error;
      ended = true;
      wake?.();
    };
    const abort = () => {
      socket.destroy();
      const error = new Error("no answer in time");
      settle(error);
      reject(error);
    };
    if (signal.aborted) return abort();
    signal.addEventListener("abort", abort, { once: true });
    socket.setNoDelay(true);
    socket.on("data", (chunk: Uint8Array) => {
      chunks.push(chunk);
      wake?.();
    });
    socket.on("end", () => settle());
    socket.on("close", () => {
      signal.removeEventListener("abort", abort);
      settle();
    });
    socket.on("error", (error) => {
      const plain = new Error(describe(error), { cause: error });
      settle(plain);
      reject(plain);
    });
    socket.on("connect", () =>
      resolve({
        send: (bytes) => socket.write(bytes),
        receive: async () => {
          while (chunks.length === 0 && !ended) {
            await new Promise<void>((woken) => {
              wake = woken;
            });
          }
          const chunk = chunks.shift();
          if (chunk === undefined && failure !== undefined) throw failure;
          return chunk;
        },
        close: () => socket.destroy(),
      }),
    );
  });
}

const plainTexts: Readonly<Record<string, string>> = {
  ECONNREFUSED: "connection refused",
  ECONNRESET: "connection reset by the server",
  EHOSTUNREACH: "no route to host",
  ENETUNREACH: "network is unreachable",
  ETIMEDOUT: "connection timed out",
  EADDRNOTAVAIL: "no usable local address",
  ENOTFOUND: "name not known",
  EAI_AGAIN: "name server does not answer",
};

function describe(error: Error): string {
  const code = "code" in error && typeof error.code === "string" ? error.code : "";
  return plainTexts[code] ?? error.message;
}

export type Resolved =
  | { readonly kind: "addresses"; readonly addresses: readonly string[] }
  | { readonly kind: "unresolved"; readonly reason: string };

/** The addresses of a name, asked anew by getaddrinfo(3) as mount.nfs does; an address is its own answer. */
export async function resolveName(name: string, signal: AbortSignal): Promise<Resolved> {
  let abort: (() => void) | undefined;
  const aborted = new Promise<never>((_, reject) => {
    abort = () => reject(new Error("name server does not answer in time"));
    signal.addEventListener("abort", abort, { once: true });
  });
  try {
    const found = await Promise.race([lookup(name, { all: true }), aborted]);
    return { kind: "addresses", addresses: found.map(({ address }) => address) };
  } catch (error) {
    return { kind: "unresolved", reason: error instanceof Error ? describe(error) : String(error) };
  } finally {
    if (abort !== undefined) signal.removeEventListener("abort", abort);
  }
}
