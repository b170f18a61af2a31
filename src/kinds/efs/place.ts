// Where at Amazon this machine is: asked of the instance's metadata, and of the agent of ECS.
import { concatenate } from "../../rpc/xdr.ts";
import type { Connection, Dial } from "../../rpc/transport.ts";

/** A region, and the zone where it is known and wanted. */
export interface Place {
  readonly region: string;
  readonly zone: string | undefined;
}

/** The instance's metadata service (Amazon EC2 User Guide, "Use IMDS"). */
const instanceAddress = "169.254.169.254";
/** It is a process of the same host: who waits longer has none, or is a hop too far away from it. */
const tryMs = 500;
const tries = 3;
/** An answer is a page at most; no more than this is read. */
const longestAnswerBytes = 65_536;

interface Request {
  readonly address: string;
  readonly port: number;
  readonly method: "GET" | "PUT";
  readonly path: string;
  readonly header?: string;
}

/** The place; or why it is not known, a clause. Where there is an agent it is asked first; the instance by IMDSv2 alone. */
export async function askPlace(
  dial: Dial,
  ecsAddress: string | undefined,
  signal: AbortSignal,
): Promise<Place | string> {
  const task = ecsAddress === undefined ? undefined : await askTask(dial, ecsAddress, signal);
  if (task !== undefined && typeof task !== "string") return task;
  let reason = task ?? "";
  for (let round = 0; round < tries && !signal.aborted; round++) {
    const place = await askInstance(dial, signal);
    if (typeof place !== "string") return place;
    reason = task === undefined ? place : `${task}; ${place}`;
  }
  return reason;
}

async function askInstance(dial: Dial, signal: AbortSignal): Promise<Place | string> {
  const imds = { address: instanceAddress, port: 80 } as const;
  try {
    const token = await request(
      dial,
      { ...imds, method: "PUT", path: "/latest/api/token", header: "X-aws-ec2-metadata-token-ttl-seconds: 60" },
      signal,
    );
    if (!/^[\u0021-\u007e]+$/.test(token)) return "the instance's metadata gives no token";
    const path = "/latest/dynamic/instance-identity/document";
    const text = await request(
      dial,
      { ...imds, method: "GET", path, header: `X-aws-ec2-metadata-token: ${token}` },
      signal,
    );
    const region = textIn(text, "region");
    return region === undefined
      ? "the instance's metadata names no region"
      : { region, zone: textIn(text, "availabilityZone") };
  } catch (error) {
    return `the instance's metadata does not answer: ${wordsOf(error)}; in a container the hop limit of IMDS must be 2`;
  }
}

/** The agent of ECS (Amazon ECS Developer Guide, "task metadata endpoint version 4"): the zone, and the region in the task's ARN. */
async function askTask(dial: Dial, ecsAddress: string, signal: AbortSignal): Promise<Place | string> {
  const [, address, port, path = ""] = /^http:\/\/([\d.]+)(?::(\d{1,5}))?(\/.*)?$/.exec(ecsAddress) ?? [];
  if (address === undefined) return "ECS_CONTAINER_METADATA_URI_V4 is no address of the agent";
  try {
    const asked = { address, port: Number(port ?? 80), method: "GET", path: `${path}/task` } as const;
    const text = await request(dial, asked, signal);
    const region = textIn(text, "TaskARN")?.split(":")[3];
    return region === undefined || region === ""
      ? "the task's metadata names no region"
      : { region, zone: textIn(text, "AvailabilityZone") };
  } catch (error) {
    return `the task's metadata does not answer: ${wordsOf(error)}`;
  }
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** A text of a JSON object; undefined where there is none of that name. */
function textIn(json: string, name: string): string | undefined {
  const value: unknown = JSON.parse(json);
  if (typeof value !== "object" || value === null) return undefined;
  const one: unknown = Object.entries(value).find(([key]) => key === name)?.[1];
  return typeof one === "string" ? one : undefined;
}

/** The body of the answer to one question of HTTP 1.0, which no server answers in chunks. Rejects unless its status is 200. */
async function request(
  dial: Dial,
  { address, port, method, path, header }: Request,
  signal: AbortSignal,
): Promise<string> {
  const within = AbortSignal.any([signal, AbortSignal.timeout(tryMs)]);
  const connection = await dial(address, port, within);
  try {
    const lines = [`${method} ${path} HTTP/1.0`, `Host: ${address}`, "Connection: close", "Content-Length: 0"];
    if (header !== undefined) lines.push(header);
    connection.send(new TextEncoder().encode(`${lines.join("\r\n")}\r\n\r\n`));
    return await receiveBody(connection);
  } finally {
    connection.close();
  }
}

async function receiveBody(connection: Connection): Promise<string> {
  let bytes = new Uint8Array(0);
  for (;;) {
    const chunk = await connection.receive();
    if (chunk !== undefined) bytes = Uint8Array.from(concatenate([bytes, chunk]));
    if (bytes.byteLength > longestAnswerBytes) throw new Error("it answers too much");
    const text = new TextDecoder().decode(bytes);
    const end = text.indexOf("\r\n\r\n");
    const head = text.slice(0, Math.max(0, end));
    const status = /^HTTP\/1\.\d (\d{3})/.exec(head)?.[1];
    if (end !== -1 && status !== "200") throw new Error(`it answers with status ${status ?? "none"}`);
    const length = /^content-length: *(\d+)/im.exec(head)?.[1];
    // What is asked for is ASCII: a character is a byte.
    const body = text.slice(end + 4);
    if (end !== -1 && length !== undefined && body.length >= Number(length)) return body.slice(0, Number(length));
    if (chunk !== undefined) continue;
    if (end === -1 || length !== undefined) throw new Error("it ends in the middle of its answer");
    return body;
  }
}
