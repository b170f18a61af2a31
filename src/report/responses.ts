// What is answered over HTTP: a path to a status code and a text.
import { printableJson } from "../text/printable.ts";
import { describeStatus, describeVolumes } from "./document.ts";
import { judgeHealth } from "./health.ts";
import { formatMetrics, metricsContentType, type Snapshot } from "./metrics.ts";

export interface Response {
  readonly status: 200 | 404 | 405 | 503;
  readonly contentType: string;
  readonly body: string;
}

const plain = "text/plain; charset=utf-8";

/** Answers a request; `take` looks at the instance only where the answer tells of it. */
export function respond(method: string, url: string, take: () => Snapshot): Response {
  if (method !== "GET" && method !== "HEAD") return text(405, "only GET and HEAD are answered");
  switch (pathOf(url)) {
    case "/healthz":
      return health(take(), false);
    case "/readyz":
      return health(take(), true);
    case "/metrics":
      return { status: 200, contentType: metricsContentType, body: formatMetrics(take()) };
    case "/mounts": {
      const { status, nowMs, mountstats } = take();
      return json(describeStatus(status, { nowMs, mountstats }));
    }
    case "/volumes":
      return json(describeVolumes(take().status.volumes ?? []));
    default:
      return text(404, "not found; there are /, /healthz, /readyz, /metrics, /mounts and /volumes");
  }
}

/** What of the page of status is asked for; the rest is answered by `respond`. */
export function pagePart(method: string, url: string): "page" | "events" | undefined {
  if (method !== "GET" && method !== "HEAD") return undefined;
  const path = pathOf(url);
  if (path === "/") return "page";
  return path === "/events" ? "events" : undefined;
}

/** The path of a request's target, in origin form or as proxies write it, in absolute form (RFC 9112 section 3.2). */
function pathOf(url: string): string {
  const authority = /^https?:\/\/[^/?#]*/i.exec(url)?.[0] ?? "";
  const [path = ""] = url.slice(authority.length).split("?");
  return path === "" && authority !== "" ? "/" : path;
}

function health({ status }: Snapshot, ready: boolean): Response {
  const { verdict, line } = judgeHealth(status, { ready });
  return text(verdict === "ok" ? 200 : 503, line);
}

function json(value: unknown): Response {
  return { status: 200, contentType: "application/json; charset=utf-8", body: `${printableJson(value)}\n` };
}

function text(status: Response["status"], line: string): Response {
  return { status, contentType: plain, body: `${line}\n` };
}
