// Docker's volume plugin protocol: what a request asks, and how it is answered (docs.docker.com/engine/extend/plugins_volume).
import { directoryOf } from "./options.ts";

export type VolumeRequest =
  | { readonly kind: "activate" | "capabilities" | "list" }
  | { readonly kind: "create"; readonly name: string; readonly options: Readonly<Record<string, string>> }
  | { readonly kind: "get" | "path" | "remove"; readonly name: string }
  | { readonly kind: "mount" | "unmount"; readonly name: string; readonly id: string };

export type RequestParsed =
  | { readonly kind: "request"; readonly request: VolumeRequest }
  | { readonly kind: "refused"; readonly status: 400 | 404 | 405; readonly reason: string };

export const contentType = "application/vnd.docker.plugins.v1.1+json";

/** More than the options of a volume need, which are a line of a list of shares; a longer body is refused. */
export const longestBodyBytes = 128 * 1024;

/** Docker's have 64. */
const longestIdCharacters = 255;

/** The longest name of a directory that is called after a volume; one in the trash has the time in its own too. */
const longestNameBytes = 200;

/** A request by its path and its body, which is JSON or nothing. */
export function parseRequest(method: string, path: string, body: string): RequestParsed {
  if (method !== "POST") return refused(405, "only POST is answered here");
  const plain = Object.hasOwn(plainRequests, path) ? plainRequests[path] : undefined;
  // The body of these is nothing, null or {}, whatever daemon sends it.
  if (plain !== undefined) return { kind: "request", request: { kind: plain } };
  const named = Object.hasOwn(namedRequests, path) ? namedRequests[path] : undefined;
  if (named === undefined) return refused(404, `${path} is not known`);
  let read: unknown;
  try {
    read = JSON.parse(body);
  } catch {
    return refused(400, "the body is no JSON");
  }
  if (typeof read !== "object" || read === null) return refused(400, "the body is no object");
  const { Name: name, ID: id, Opts: options } = read as Readonly<Record<string, unknown>>;
  if (typeof name !== "string" || name === "") return refused(400, "Name is no text");
  if (directoryOf(name).length > longestNameBytes)
    return refused(400, `Name is too long: a directory called after it would have more than ${longestNameBytes} bytes`);
  if (named === "create") {
    const opts = options ?? {};
    if (!isTexts(opts)) return refused(400, "Opts is no object of texts");
    return { kind: "request", request: { kind: "create", name, options: opts } };
  }
  if (named !== "mount" && named !== "unmount") return { kind: "request", request: { kind: named, name } };
  // Daemons before 1.12 send none.
  if (id !== undefined && typeof id !== "string") return refused(400, "ID is no text");
  if (id !== undefined && id.length > longestIdCharacters)
    return refused(400, `ID has more than ${longestIdCharacters} characters`);
  return { kind: "request", request: { kind: named, name, id: id ?? "" } };
}

const plainRequests: Readonly<Record<string, "activate" | "capabilities" | "list">> = {
  "/Plugin.Activate": "activate",
  "/VolumeDriver.Capabilities": "capabilities",
  "/VolumeDriver.List": "list",
};

const namedRequests: Readonly<Record<string, "create" | "get" | "path" | "remove" | "mount" | "unmount">> = {
  "/VolumeDriver.Create": "create",
  "/VolumeDriver.Get": "get",
  "/VolumeDriver.Path": "path",
  "/VolumeDriver.Remove": "remove",
  "/VolumeDriver.Mount": "mount",
  "/VolumeDriver.Unmount": "unmount",
};

function refused(status: 400 | 404 | 405, reason: string): RequestParsed {
  return { kind: "refused", status, reason };
}

function isTexts(value: unknown): value is Readonly<Record<string, string>> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  return Object.values(value).every((one) => typeof one === "string");
}

/** A volume as Get and List show it. `Mountpoint` stays empty: the daemon asks for it where it needs it. */
export interface ShownVolume {
  readonly name: string;
  readonly createdMs: number;
  /** What `docker volume inspect` shows; Get alone has it. */
  readonly status?: Readonly<Record<string, unknown>>;
}

export type VolumeAnswer =
  | { readonly kind: "done" }
  | { readonly kind: "activated" }
  | { readonly kind: "capabilities" }
  | { readonly kind: "mountpoint"; readonly path: string }
  | { readonly kind: "volume"; readonly volume: ShownVolume }
  | { readonly kind: "volumes"; readonly volumes: readonly ShownVolume[] }
  /** A sentence for the user of `docker`. */
  | { readonly kind: "error"; readonly reason: string };

/** The body of an answer, whose status is 200 with an error too: `Err` says it. */
export function formatAnswer(answer: VolumeAnswer): string {
  return `${JSON.stringify(bodyOf(answer))}\n`;
}

function bodyOf(answer: VolumeAnswer): Readonly<Record<string, unknown>> {
  switch (answer.kind) {
    case "activated":
      return { Implements: ["VolumeDriver"] };
    case "capabilities":
      // Each node of a swarm is told of a volume itself.
      return { Capabilities: { Scope: "local" }, Err: "" };
    case "done":
      return { Err: "" };
    case "mountpoint":
      return { Mountpoint: answer.path, Err: "" };
    case "volume":
      return { Volume: shownVolume(answer.volume), Err: "" };
    case "volumes":
      return { Volumes: answer.volumes.map(shownVolume), Err: "" };
    case "error":
      return { Err: answer.reason };
  }
}

function shownVolume({ name, createdMs, status }: ShownVolume): Readonly<Record<string, unknown>> {
  const shown = { Name: name, Mountpoint: "", CreatedAt: new Date(createdMs).toISOString() };
  return status === undefined ? shown : { ...shown, Status: status };
}
