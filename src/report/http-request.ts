// The head of an HTTP request, put together from what comes: http-parser-js does the parsing.
import { HTTPParser } from "http-parser-js";

export interface Request {
  readonly method: string;
  readonly target: string;
}

export type RequestRead =
  | { readonly kind: "more" }
  | { readonly kind: "request"; readonly request: Request }
  /** It is none; what to answer. */
  | { readonly kind: "refused"; readonly status: 400 | 431 };

/** A head is shorter; a body that makes it longer is sent by nobody who asks for something that is there. */
const longestHeadBytes = 8_192;

/** The parser takes what Node's Buffer offers. */
class Chunk extends Uint8Array {
  override toString(_encoding?: string, start = 0, end = this.byteLength): string {
    return String.fromCharCode(...new Uint8Array(this.buffer, this.byteOffset + start, end - start));
  }
}

/** Reads one request; its body is nobody's concern here. */
export function readRequest(): { readonly push: (bytes: Uint8Array) => RequestRead } {
  const parser = new HTTPParser(HTTPParser.REQUEST);
  parser.maxHeaderSize = longestHeadBytes;
  let request: Request | undefined;
  let takenBytes = 0;
  parser[HTTPParser.kOnHeadersComplete] = ({ method, url }) => {
    request = { method: HTTPParser.methods[method] ?? "", target: url };
  };
  return {
    push: (bytes) => {
      takenBytes += bytes.byteLength;
      if (takenBytes > longestHeadBytes) return { kind: "refused", status: 431 };
      const outcome = parser.execute(new Chunk(bytes));
      if (request !== undefined) return { kind: "request", request };
      return typeof outcome === "number" ? { kind: "more" } : { kind: "refused", status: 400 };
    },
  };
}
