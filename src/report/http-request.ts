// An HTTP request, put together from what comes: http-parser-js does the parsing.
import { HTTPParser } from "http-parser-js";

export interface Request {
  readonly method: string;
  readonly target: string;
  /** Where bodies are read; empty where there is none. */
  readonly body?: Uint8Array;
}

export type RequestRead =
  | { readonly kind: "more" }
  | { readonly kind: "request"; readonly request: Request }
  /** It is none; what to answer. */
  | { readonly kind: "refused"; readonly status: 400 | 413 | 431 };

/** A head is shorter; a body that makes it longer is sent by nobody who asks for something that is there. */
const longestHeadBytes = 8_192;

/** The parser takes what Node's Buffer offers. */
class Chunk extends Uint8Array {
  override toString(_encoding?: string, start = 0, end = this.byteLength): string {
    return String.fromCharCode(...new Uint8Array(this.buffer, this.byteOffset + start, end - start));
  }
}

/** Reads one request; its body is nobody's concern unless it may have some bytes. */
export function readRequest(longestBodyBytes = 0): { readonly push: (bytes: Uint8Array) => RequestRead } {
  const parser = new HTTPParser(HTTPParser.REQUEST);
  parser.maxHeaderSize = longestHeadBytes;
  let head: Request | undefined;
  let request: Request | undefined;
  let takenBytes = 0;
  const body: Uint8Array[] = [];
  parser[HTTPParser.kOnHeadersComplete] = ({ method, url }) => {
    head = { method: HTTPParser.methods[method] ?? "", target: url };
    if (longestBodyBytes === 0) request = head;
  };
  parser[HTTPParser.kOnBody] = (chunk, offset, length) => {
    body.push(new Uint8Array(chunk.subarray(offset, offset + length)));
  };
  parser[HTTPParser.kOnMessageComplete] = () => {
    if (head !== undefined) request ??= { ...head, body: joined(body) };
  };
  return {
    push: (bytes) => {
      takenBytes += bytes.byteLength;
      const isTooLong = takenBytes > longestHeadBytes + longestBodyBytes;
      if (isTooLong) return { kind: "refused", status: head === undefined ? 431 : 413 };
      const outcome = parser.execute(new Chunk(bytes));
      if (request !== undefined) return { kind: "request", request };
      if (typeof outcome === "number") return { kind: "more" };
      return { kind: "refused", status: head === undefined && takenBytes > longestHeadBytes ? 431 : 400 };
    },
  };
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.byteLength, 0));
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.byteLength;
  }
  return whole;
}
