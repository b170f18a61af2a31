// One question of HTTP 1.0 to a service of metadata, which no server answers in chunks.
import { messageOf } from "../../errors.ts";
import { concatenate } from "../../rpc/xdr.ts";
import type { Connection, Dial } from "../../rpc/transport.ts";

/** An answer is a page at most; no more than this is read. */
const longestAnswerBytes = 65_536;

export interface HttpQuestion {
  readonly address: string;
  readonly port: number;
  readonly method: "GET" | "PUT";
  readonly path: string;
  readonly header?: string;
}

export type HttpAnswer =
  | { readonly kind: "body"; readonly text: string }
  /** Another status than 200. */
  | { readonly kind: "status"; readonly status: string }
  /** No connection; a clause. */
  | { readonly kind: "unconnected"; readonly reason: string }
  /** A connection, and no whole answer before `signal` aborted. */
  | { readonly kind: "silent" }
  /** A predicate. */
  | { readonly kind: "broken"; readonly reason: string };

/** Asks once; settles when `signal` aborts. */
export async function askHttp(
  dial: Dial,
  { address, port, method, path, header }: HttpQuestion,
  signal: AbortSignal,
): Promise<HttpAnswer> {
  let connection: Connection;
  try {
    connection = await dial(address, port, signal);
  } catch (error) {
    return { kind: "unconnected", reason: signal.aborted ? "no answer in time" : messageOf(error) };
  }
  try {
    const lines = [`${method} ${path} HTTP/1.0`, `Host: ${address}`, "Connection: close", "Content-Length: 0"];
    if (header !== undefined) lines.push(header);
    connection.send(new TextEncoder().encode(`${lines.join("\r\n")}\r\n\r\n`));
    return await receiveAnswer(connection);
  } catch (error) {
    return signal.aborted ? { kind: "silent" } : { kind: "broken", reason: `hangs up: ${messageOf(error)}` };
  } finally {
    connection.close();
  }
}

async function receiveAnswer(connection: Connection): Promise<HttpAnswer> {
  let bytes = new Uint8Array(0);
  for (;;) {
    const chunk = await connection.receive();
    if (chunk !== undefined) bytes = Uint8Array.from(concatenate([bytes, chunk]));
    if (bytes.byteLength > longestAnswerBytes) return { kind: "broken", reason: "answers too much" };
    const text = new TextDecoder().decode(bytes);
    const end = text.indexOf("\r\n\r\n");
    const head = text.slice(0, Math.max(0, end));
    const status = /^HTTP\/1\.\d (\d{3})/.exec(head)?.[1];
    if (end !== -1 && status === undefined) return { kind: "broken", reason: "does not speak HTTP" };
    if (status !== undefined && status !== "200") return { kind: "status", status };
    const length = /^content-length: *(\d+)/im.exec(head)?.[1];
    // What is asked for is ASCII: a character is a byte.
    const body = text.slice(end + 4);
    if (end !== -1 && length !== undefined && body.length >= Number(length))
      return { kind: "body", text: body.slice(0, Number(length)) };
    if (chunk !== undefined) continue;
    if (end === -1 || length !== undefined) return { kind: "broken", reason: "ends in the middle of its answer" };
    return { kind: "body", text: body };
  }
}
