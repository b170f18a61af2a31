// Who uses the server: what the kernel tells of its clients (/proc/fs/nfsd/clients) and of its work (/proc/net/rpc/nfsd).

/** A client of version 4; those of version 3 hold nothing that the kernel would know them by. */
export interface ServerClient {
  /** Without the port. */
  readonly address: string;
  /** As it calls itself: `Linux NFSv4.2 web`. */
  readonly name: string;
  readonly version: string;
  readonly isConfirmed: boolean;
  readonly opens: number;
  readonly locks: number;
  readonly delegations: number;
}

/** Since the kernel's server was started. */
export interface ServerWork {
  readonly operations: number;
  readonly readBytes: number;
  readonly writtenBytes: number;
}

export interface ServerUse extends ServerWork {
  /** As many as are told of. */
  readonly clients: readonly ServerClient[];
  readonly clientCount: number;
}

/** `info` and `states` of a client (linux fs/nfsd/nfs4state.c, client_info_show and states_show); undefined for what is none. */
export function parseClient(info: string, states: string): ServerClient | undefined {
  const field = (name: string) => new RegExp(`^${name}: *(.*)$`, "m").exec(info)?.[1];
  const address = unquoted(field("address"));
  const minor = field("minor version");
  if (address === undefined || minor === undefined) return undefined;
  const count = (type: string) => states.match(new RegExp(`^- [^:]*: \\{ *type: ${type},`, "gm"))?.length ?? 0;
  return {
    address: withoutPort(address),
    name: unquoted(field("name")) ?? "",
    version: `4.${minor}`,
    isConfirmed: field("status") !== "unconfirmed",
    opens: count("open"),
    locks: count("lock"),
    delegations: count("deleg"),
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

/** /proc/net/rpc/nfsd: `io READ WRITTEN` in bytes, `rpc CALLS ...`. */
export function parseWork(text: string): ServerWork {
  const numbers = (name: string) =>
    (new RegExp(`^${name} (.*)$`, "m").exec(text)?.[1] ?? "").split(" ").map((word) => Number(word) || 0);
  const [readBytes = 0, writtenBytes = 0] = numbers("io");
  const [operations = 0] = numbers("rpc");
  return { operations, readBytes, writtenBytes };
}
