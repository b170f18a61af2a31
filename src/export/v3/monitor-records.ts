// What the status monitor keeps over a restart: its state number, and whose locks are lost with it.

/** A host that lockd wants to hear of, and what lockd is to be told by. */
export interface Monitored {
  /** As lockd names it: its address, unless lockd was told to use names. */
  readonly name: string;
  /** What lockd calls this machine. */
  readonly myName: string;
  readonly program: number;
  readonly version: number;
  readonly procedure: number;
  /** 16 bytes that lockd gets back, in hexadecimal. */
  readonly priv: string;
}

export interface MonitorRecords {
  /** Odd while this server is up, another one after each restart; peers forget what they know of an earlier one. */
  readonly state: number;
  readonly monitored: readonly Monitored[];
  /** Hosts that have not been told yet that this server has started again. */
  readonly toNotify: readonly string[];
}

const highestState = 0x7fff_ffff;

/**
 * The records at a start: everybody who had locks is to be told. Without records of before the state comes from the time of day,
 * so that it is no earlier one.
 */
export function startRecords(before: MonitorRecords | undefined, nowMs: number): MonitorRecords {
  if (before === undefined) return { state: oddBelow(Math.floor(nowMs / 1_000)), monitored: [], toNotify: [] };
  const toNotify = [...new Set([...before.toNotify, ...before.monitored.map(({ name }) => name)])];
  return { state: oddBelow(before.state + 2), monitored: [], toNotify };
}

function oddBelow(number: number): number {
  return ((number & highestState) | 1) >>> 0;
}

/** Whether the very same is there. */
export function isMonitored(monitored: readonly Monitored[], wanted: Monitored): boolean {
  return monitored.some(
    (one) =>
      one.name === wanted.name &&
      one.myName === wanted.myName &&
      one.program === wanted.program &&
      one.version === wanted.version &&
      one.procedure === wanted.procedure &&
      one.priv === wanted.priv,
  );
}

const schemaVersion = 1;

export function formatRecords(records: MonitorRecords): string {
  return `${JSON.stringify({ schemaVersion, ...records })}\n`;
}

/** Undefined for what is none: a file of another version, or a damaged one. */
export function parseRecords(text: string): MonitorRecords | undefined {
  const value = parseJson(text);
  if (!isRecord(value) || value["schemaVersion"] !== schemaVersion) return undefined;
  const { state, monitored, toNotify } = value;
  if (!isWord(state) || !Array.isArray(monitored) || !Array.isArray(toNotify)) return undefined;
  if (!monitored.every(isOneMonitored) || !toNotify.every((name) => typeof name === "string")) return undefined;
  return { state, monitored, toNotify };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isWord(value: unknown): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= 0xffff_ffff;
}

function isOneMonitored(value: unknown): value is Monitored {
  return (
    isRecord(value) &&
    typeof value["name"] === "string" &&
    typeof value["myName"] === "string" &&
    isWord(value["program"]) &&
    isWord(value["version"]) &&
    isWord(value["procedure"]) &&
    typeof value["priv"] === "string" &&
    /^[0-9a-f]{32}$/.test(value["priv"])
  );
}
