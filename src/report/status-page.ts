// The page of status and its live events: what `/` and `/events` answer. How it looks is loaded when somebody asks for it.
import type { Clock } from "../clock.ts";
import type { BoardNews } from "./board.ts";
import { createAudience } from "./audience.ts";
import { createHistory } from "./history.ts";
import { formatResponse, formatStreamHead } from "./http-answer.ts";
import type { Request } from "./http-request.ts";
import { createPace } from "./pace.ts";
import type { Snapshot } from "./metrics.ts";
import { pagePart } from "./responses.ts";

export interface StatusPagePorts extends Pick<Clock, "later"> {
  readonly take: () => Snapshot;
}

/** An answer that goes on: its head, and what begins the rest. */
interface Live {
  readonly head: string;
  readonly open: (send: (text: string) => void) => (() => void) | undefined;
}

export interface StatusPage {
  readonly news: (news: BoardNews) => void;
  /** The answer to a request for the page or its events; undefined for all others. */
  readonly answer: (request: Request) => Promise<string | Live> | undefined;
}

export function createStatusPage({ take, later }: StatusPagePorts): StatusPage {
  const history = createHistory();
  const note = () => {
    const { status, wallMs } = take();
    history.note(status, wallMs);
  };
  note();
  let tellOthers = () => {};
  let opened: ReturnType<typeof open> | undefined;
  const open = async () => {
    const { formatMain, formatPage, policy } = await import("./page.ts");
    const pace = createPace();
    const view = (before?: (snapshot: Snapshot) => Snapshot | undefined) => {
      const snapshot = take();
      return { snapshot, before: before?.(snapshot), changes: history.changes() };
    };
    const audience = createAudience({ later, render: () => `data: ${JSON.stringify(formatMain(view(pace)))}\n\n` });
    tellOthers = audience.news;
    return { audience, policy, page: () => formatPage(view()) };
  };
  const answer = async (request: Request, part: "page" | "events"): Promise<string | Live> => {
    const { audience, policy, page } = await (opened ??= open());
    if (part === "page") {
      return formatResponse(request, { status: 200, contentType: "text/html; charset=utf-8", body: page(), policy });
    }
    if (audience.isFull()) {
      const body = "too many watch the page already\n";
      return formatResponse(request, { status: 503, contentType: "text/plain; charset=utf-8", body });
    }
    const head = formatStreamHead();
    return request.method === "HEAD" ? head : { head, open: (tell) => audience.join({ tell }) };
  };
  return {
    news: (news) => {
      if (news === "look") return;
      note();
      tellOthers();
    },
    answer: (request) => {
      const part = pagePart(request.method, request.target);
      return part === undefined ? undefined : answer(request, part);
    },
  };
}
