// Where at Amazon this machine is: asked of the instance's metadata, and of the agent of ECS.
import { within } from "../../abort.ts";
import type { Clock } from "../../clock.ts";
import type { Dial } from "../../rpc/transport.ts";
import { askHttp, type HttpAnswer } from "./http.ts";

/** A region, and the zone where it is known and wanted. */
export interface Place {
  readonly region: string;
  readonly zone: string | undefined;
}

/** Why the place is not known, and what to do about it where that is known: a clause each. */
export interface Unplaced {
  readonly reason: string;
  readonly hint?: string;
}

export function isPlace(one: Place | Unplaced): one is Place {
  return "region" in one;
}

/** The instance's metadata service (Amazon EC2 User Guide, "Use IMDS"). */
const instance = { address: "169.254.169.254", port: 80 } as const;
/** It is a process of the same host: who waits longer has none, or is a hop too far away from it. */
const tryMs = 500;
const tries = 3;

/** The place. Where there is an agent it is asked first; the instance by IMDSv2 alone. */
export async function askPlace(
  clock: Clock,
  dial: Dial,
  ecsAddress: string | undefined,
  signal: AbortSignal,
): Promise<Place | Unplaced> {
  const task = ecsAddress === undefined ? undefined : await askTask(clock, dial, ecsAddress, signal);
  if (task !== undefined && isPlace(task)) return task;
  let found: Unplaced = task ?? { reason: "" };
  for (let round = 0; round < tries && !signal.aborted; round++) {
    const place = await askInstance(clock, dial, signal);
    if (isPlace(place)) return place;
    found = task === undefined ? place : { ...place, reason: `${task.reason}; ${place.reason}` };
  }
  return found;
}

async function askInstance(clock: Clock, dial: Dial, signal: AbortSignal): Promise<Place | Unplaced> {
  const limit = () => within(clock, tryMs, signal);
  const header = "X-aws-ec2-metadata-token-ttl-seconds: 60";
  const token = await askHttp(dial, { ...instance, method: "PUT", path: "/latest/api/token", header }, limit());
  const who = "the instance's metadata";
  if (token.kind !== "body") return { reason: `${who} ${wordsOf(token)}`, ...hintOf(token) };
  if (!/^[\u0021-\u007e]+$/.test(token.text)) return { reason: `${who} gives no token` };
  const asked = {
    ...instance,
    method: "GET",
    path: "/latest/dynamic/instance-identity/document",
    header: `X-aws-ec2-metadata-token: ${token.text}`,
  } as const;
  const document = await askHttp(dial, asked, limit());
  if (document.kind !== "body")
    return { reason: `${who} gives a token, and to the question with it ${wordsOf(document)}` };
  const region = textIn(document.text, "region");
  return region === undefined
    ? { reason: `${who} names no region` }
    : { region, zone: textIn(document.text, "availabilityZone") };
}

function wordsOf(answer: Exclude<HttpAnswer, { kind: "body" }>): string {
  switch (answer.kind) {
    case "unconnected":
      return `is not there (${answer.reason})`;
    case "silent":
      return `takes the connection and does not answer within ${tryMs} ms`;
    case "status":
      return `answers with status ${answer.status}`;
    case "broken":
      return answer.reason;
  }
}

/** What lets the instance's metadata give a token. */
function hintOf(answer: HttpAnswer): Pick<Unplaced, "hint"> {
  // The limit is for the answer to PUT alone: it does not reach who is a hop further away.
  if (answer.kind === "silent")
    return {
      hint: "in a container raise the instance's hop limit to 2 (aws ec2 modify-instance-metadata-options --http-put-response-hop-limit 2)",
    };
  if (answer.kind !== "status") return {};
  if (answer.status === "403") return { hint: "turn the instance's metadata on (--http-endpoint enabled)" };
  return { hint: "let version 2 of the instance's metadata (IMDSv2) through; version 1 is not asked" };
}

/** The agent of ECS (Amazon ECS Developer Guide, "task metadata endpoint version 4"): the zone, and the region in the task's ARN. */
async function askTask(clock: Clock, dial: Dial, ecsAddress: string, signal: AbortSignal): Promise<Place | Unplaced> {
  const [, address, port, path = ""] = /^http:\/\/([\d.]+)(?::(\d{1,5}))?(\/.*)?$/.exec(ecsAddress) ?? [];
  if (address === undefined) return { reason: "ECS_CONTAINER_METADATA_URI_V4 is no address of the agent" };
  const asked = { address, port: Number(port ?? 80), method: "GET", path: `${path}/task` } as const;
  const answer = await askHttp(dial, asked, within(clock, tryMs, signal));
  if (answer.kind !== "body")
    return { reason: `the task's metadata (ECS_CONTAINER_METADATA_URI_V4) ${wordsOf(answer)}` };
  const region = textIn(answer.text, "TaskARN")?.split(":")[3];
  return region === undefined || region === ""
    ? { reason: "the task's metadata names no region" }
    : { region, zone: textIn(answer.text, "AvailabilityZone") };
}

/** A text of a JSON object; undefined where there is none of that name. */
function textIn(json: string, name: string): string | undefined {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    return undefined;
  }
  if (typeof value !== "object" || value === null) return undefined;
  const one: unknown = Object.entries(value).find(([key]) => key === name)?.[1];
  return typeof one === "string" ? one : undefined;
}
