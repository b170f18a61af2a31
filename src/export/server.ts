// What the kernel's server is started with, and what is heard of it.
import type { ExportTable } from "./exports.ts";
import type { ServerUse } from "./use.ts";
import type { ClientConnection } from "./vip/connections.ts";
import type { MountClient, MountError } from "./v3/mount-service.ts";

/** Protocol versions that are served. */
export type ServedVersion = "3" | "4.0" | "4.1" | "4.2";

export interface ServerSettings {
  readonly table: ExportTable;
  /** Undefined for all that this kernel has. */
  readonly versions: readonly ServedVersion[] | undefined;
  readonly port: number;
  readonly threads: number;
  /** Whole seconds. */
  readonly graceSeconds: number;
  readonly leaseSeconds: number;
  /** Where client records are kept. */
  readonly stateDirectory: string;
  /** The port of the kernel's lock manager, which version 3 has. */
  readonly lockPort: number;
  /** One that moves to another host, for which connections to it are kept with the client records. */
  readonly movingAddress: string | undefined;
}

/** What the process that drives the server is asked for clients of version 3. */
export type ServerRequest =
  /** May this client have the directory? The kernel is told of both. */
  | { readonly kind: "allow"; readonly client: MountClient; readonly path: string }
  | { readonly kind: "handle"; readonly domain: string; readonly path: string; readonly mostBytes: number }
  /** The state that the lock manager tells its peers. */
  | { readonly kind: "lock-state"; readonly state: number }
  /** Nobody is to take locks back: others need not wait until the time for that is over. */
  | { readonly kind: "end-lock-grace" }
  /** Who uses it, and how much. */
  | { readonly kind: "use" }
  /** Which connections an instance before had to the address that moves, and are not there now. From now on this one's are kept. */
  | { readonly kind: "lost-connections" };

/** Its answer; a file handle as hexadecimal digits. */
export type ServerAnswer =
  | { readonly kind: "allowed"; readonly domain: string; readonly path: string }
  | { readonly kind: "handle"; readonly hex: string }
  | { readonly kind: "done" }
  | { readonly kind: "use"; readonly use: ServerUse }
  | { readonly kind: "connections"; readonly connections: readonly ClientConnection[] }
  | MountError;

/** What failed on the way to a server; each is told apart by what is to be done about it. */
export type ServerTrouble =
  /** The mount namespace, or the mounts in it, are not allowed. */
  | { readonly kind: "not-permitted"; readonly step: string; readonly errno: string }
  /** This kernel has no NFS server. */
  | { readonly kind: "no-server" }
  | { readonly kind: "port-taken"; readonly port: number }
  /** The directory lies on a file system that cannot be exported. */
  | { readonly kind: "not-exportable"; readonly path: string; readonly fstype: string }
  | { readonly kind: "no-directory"; readonly path: string; readonly errno: string }
  | { readonly kind: "no-version"; readonly has: readonly string[] }
  | { readonly kind: "failed"; readonly step: string; readonly errno: string };

/** What the process that answers the kernel tells. */
export type ServerNews =
  | { readonly kind: "trouble"; readonly trouble: ServerTrouble }
  /** An earlier instance's threads were stopped; so many there were. */
  | { readonly kind: "took-over"; readonly threads: number }
  /** Requests are served. */
  | { readonly kind: "serving"; readonly versions: readonly ServedVersion[] }
  /** Without records clients wait for the whole grace period after a restart. */
  | { readonly kind: "no-records"; readonly reason: string }
  /** All clients of before have come back, or are no longer waited for. */
  | { readonly kind: "grace-over" }
  | { readonly kind: "refused"; readonly address: string }
  /** To the request of this number. */
  | { readonly kind: "answer"; readonly number: number; readonly answer: ServerAnswer }
  /** The kernel did not take an answer. */
  | { readonly kind: "rejected"; readonly what: string; readonly errno: string }
  | { readonly kind: "stopped" };

/**
 * The line for `versions` of the nfsd file system, from what it says it has (`-2 +3 +4 +4.1 +4.2`) and what is wanted; undefined
 * where it has none of these. The numbers that follow are those that will be on.
 */
export function versionsLine(
  has: string,
  wanted: readonly ServedVersion[] | undefined,
): { readonly line: string; readonly on: readonly ServedVersion[] } | undefined {
  const words = has.split(/\s+/).filter((word) => /^[+-]\d/.test(word));
  const known = new Set(words.map((word) => word.slice(1)));
  // Before 4.11 a kernel names 4.1 and later alone; 4.0 is what its 4 is.
  const has4 = (one: ServedVersion) => known.has(one) || (one === "4.0" && known.has("4"));
  const there = (["3", "4.0", "4.1", "4.2"] as const).filter(has4);
  const on = there.filter((one) => wanted === undefined || wanted.includes(one));
  if (on.length === 0) return undefined;
  const sign = (one: ServedVersion) => `${on.includes(one) ? "+" : "-"}${one}`;
  const minors = there.filter((one) => one !== "3");
  const version4 =
    minors.length === 0
      ? []
      : minors.some((one) => on.includes(one))
        ? ["+4", ...minors.filter((one) => known.has(one)).map(sign)]
        : ["-4"];
  const older = [...(known.has("2") ? ["-2"] : []), ...(there.includes("3") ? [sign("3")] : [])];
  return { line: `${[...older, ...version4].join(" ")}\n`, on };
}

/** The server while it is driven. */
export interface KernelServer {
  /** What is told next; undefined once whoever drives it is gone. */
  readonly next: () => Promise<ServerNews | undefined>;
  /** Its answer comes with the same number; none comes where it has stopped. */
  readonly request: (number: number, request: ServerRequest) => void;
  /** Asks it to stop serving; `stopped` comes when it has. */
  readonly stop: () => void;
  /** Ends whoever drives it at once; the kernel stops the server with it, where nobody else in this network drives it too. */
  readonly kill: () => void;
  readonly ended: Promise<void>;
}
