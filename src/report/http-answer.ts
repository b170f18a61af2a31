// Answers in HTTP/1.1, each the last on its connection (RFC 9112).
import { messageOf } from "../errors.ts";
import type { Request } from "./http-request.ts";
import type { Response } from "./responses.ts";

export type Respond = (method: string, url: string) => Response;

const reasons: Readonly<Record<number, string>> = {
  200: "OK",
  400: "Bad Request",
  404: "Not Found",
  405: "Method Not Allowed",
  413: "Content Too Large",
  431: "Request Header Fields Too Large",
  500: "Internal Server Error",
  503: "Service Unavailable",
};

export interface Answer extends Omit<Response, "status"> {
  readonly status: number;
  /** What a page may do in a browser (Content Security Policy). */
  readonly policy?: string;
  /** The methods there are, where they are others than those of a page. */
  readonly allow?: string;
}

/** Any answer as it is sent. */
export function formatResponse({ method }: Request, answer: Answer): string {
  return format(method, answer);
}

/** The whole answer to a request, as it is sent. */
export function answerTo({ method, target }: Request, respond: Respond): string {
  return format(method, safely(respond, method, target));
}

/** A fault in an answer is the asker's alone. */
function safely(respond: Respond, method: string, target: string): Answer {
  try {
    return respond(method, target);
  } catch (error) {
    return { status: 500, contentType: "text/plain; charset=utf-8", body: `${messageOf(error)}\n` };
  }
}

/** The answer to what is no request. */
export function refusal(status: number): string {
  return format("GET", { status, contentType: "text/plain; charset=utf-8", body: `${reasons[status] ?? ""}\n` });
}

/** The head of an answer that has no end; what follows are server-sent events. */
export function formatStreamHead(): string {
  const head = ["HTTP/1.1 200 OK", "connection: close", "content-type: text/event-stream", "cache-control: no-store"];
  return `${head.join("\r\n")}\r\n\r\n`;
}

function format(method: string, { status, contentType, body, policy, allow = "GET, HEAD" }: Answer): string {
  const head = [
    `HTTP/1.1 ${status} ${reasons[status] ?? ""}`,
    "connection: close",
    `content-type: ${contentType}`,
    `content-length: ${new TextEncoder().encode(body).byteLength}`,
    "cache-control: no-store",
    ...(policy === undefined
      ? []
      : [`content-security-policy: ${policy}`, "x-content-type-options: nosniff", "referrer-policy: no-referrer"]),
    ...(status === 405 ? [`allow: ${allow}`] : []),
  ];
  return `${head.join("\r\n")}\r\n\r\n${method === "HEAD" ? "" : body}`;
}
