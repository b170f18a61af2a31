// Asks a program as its callers do, by whole messages put together here.
import { answerCall, type Caller, type RpcProgram } from "../../../../src/rpc/service.ts";
import { join, words } from "../../fakes/server.ts";

/** The kernel, by the loopback interface. */
export const kernel: Caller = { transport: "tcp", address: "127.0.0.1", port: 1_000, ownAddress: "127.0.0.1" };
/** A process of this machine that is not root's. */
export const somebody: Caller = { ...kernel, port: 40_000 };
export const client: Caller = { transport: "tcp", address: "192.0.2.7", port: 800, ownAddress: "192.0.2.1" };
export const client6: Caller = { transport: "tcp", address: "2001:db8::7", port: 800, ownAddress: "2001:db8::1" };

export const overUdp = (caller: Caller): Caller => ({ ...caller, transport: "udp" });

/** What a reply says after its transaction id: the result of a success, or the words of a refusal. */
export type Said = { readonly result: readonly number[] } | { readonly refused: readonly number[] };

export async function ask(
  program: RpcProgram,
  { version, procedure, args = [] }: { version: number; procedure: number; args?: readonly Uint8Array[] },
  caller: Caller = client,
): Promise<Said> {
  const message = join(words(9, 0, 2, program.program, version, procedure, 0, 0, 0, 0), ...args);
  const reply = await answerCall([program], message, caller, (error) => {
    throw error;
  });
  if (reply === undefined) throw new Error("no reply");
  const accepted = reply[11] === 0;
  return accepted && reply[23] === 0
    ? { result: [...reply.subarray(24)] }
    : { refused: [...new Uint32Array(reply.byteLength / 4 - 2)].map((_, at) => reply[11 + 4 * at] ?? 0) };
}

/** A result of these parts. */
export const result = (...parts: readonly Uint8Array[]): Said => ({ result: [...join(...parts)] });

/** MSG_DENIED, AUTH_ERROR, AUTH_TOOWEAK (RFC 5531 section 9). */
export const tooWeak: Said = { refused: [1, 1, 5] };
/** MSG_ACCEPTED, no verifier, GARBAGE_ARGS. */
export const garbage: Said = { refused: [0, 0, 0, 4] };
