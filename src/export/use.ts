// Who uses the server: what the kernel tells of its clients (/proc/fs/nfsd/clients) and of its work (/proc/net/rpc/nfsd).

/** A client of version 4; those of version 3 hold nothing that the kernel would know them by. */
export interface ServerClient {
  /** Without the port. */
  readonly address: string;
  /** As it calls itself: `Linux NFSv4.2 web`. */
  readonly name: string;
  readonly version: string;
  readonly isConfirmed: boolean;
  /** When the kernel came to know it, on the boot-time clock. */
  readonly sinceMs: number;
  readonly opens: number;
  readonly locks: number;
  readonly delegations: number;
  /** What is open, the last two names of each path: as many as are told of. */
  readonly files: readonly string[];
}

/** So many names of files are told of each client. */
const mostFiles = 8;

/** Since the kernel's server was started. */
export interface ServerWork {
  readonly operations: number;
  readonly readBytes: number;
  readonly writtenBytes: number;
}

/** What was done between the last two looks. */
export interface RecentWork extends ServerWork {
  readonly spanMs: number;
}

export interface ServerUse extends ServerWork {
  /** As many as are told of. */
  readonly clients: readonly ServerClient[];
  readonly clientCount: number;
}

/** `info` and `states` of a client (linux fs/nfsd/nfs4state.c, client_info_show and states_show); undefined for what is none. */
export function parseClient(info: string, states: string, sinceMs: number): ServerClient | undefined {
  const field = (name: string) => new RegExp(`^${name}: *(.*)$`, "m").exec(info)?.[1];
  const address = unquoted(field("address"));
  const minor = field("minor version");
  if (address === undefined || minor === undefined) return undefined;
  const held = [...states.matchAll(/^- [^:]*: \{ *type: (\w+),(.*)$/gm)];
  const count = (type: string) => held.filter(([, one]) => one === type).length;
  const names = held.flatMap(([, type, rest = ""]) => {
    return type === "open" ? (/ filename: "(.*?)"(?:, owner: | *\}$)/.exec(rest)?.[1] ?? []) : [];
  });
  return {
    address: withoutPort(address),
    name: unquoted(field("name")) ?? "",
    version: `4.${minor}`,
    isConfirmed: field("status") !== "unconfirmed",
    sinceMs,
    opens: count("open"),
    locks: count("lock"),
    delegations: count("deleg"),
    files: [...new Set(names)].slice(0, mostFiles),
  };
}

/** The kernel writes strings in quotes, with octal escapes. */
function unquoted(text: string | undefined): string | undefined {
  const inner = /^"(.*)"$/.exec(text ?? "")?.[1];
  return inner?.replaceAll(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
}

function withoutPort(address: string): string {
  return address.replace(/:\d+$/, "").replace(/^\[(.*)\]$/, "$1");
}

/** The work from one look to a later one, `spanMs` apart; undefined where the counters began anew between them. */
export function workBetween(before: ServerWork, after: ServerWork, spanMs: number): RecentWork | undefined {
  const operations = after.operations - before.operations;
  const readBytes = after.readBytes - before.readBytes;
  const writtenBytes = after.writtenBytes - before.writtenBytes;
  if (spanMs <= 0 || Math.min(operations, readBytes, writtenBytes) < 0) return undefined;
  return { spanMs, operations, readBytes, writtenBytes };
}

/** /proc/net/rpc/nfsd: `io READ WRITTEN` in bytes, `rpc CALLS ...`. */
export function parseWork(text: string): ServerWork {
  const numbers = (name: string) =>
    (new RegExp(`^${name} (.*)$`, "m").exec(text)?.[1] ?? "").split(" ").map((word) => Number(word) || 0);
  const [readBytes = 0, writtenBytes = 0] = numbers("io");
  const [operations = 0] = numbers("rpc");
  return { operations, readBytes, writtenBytes };
}
