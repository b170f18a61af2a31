// Does an exported path exist, and may it be entered: NFS version 4.0 (RFC 7530), 4.1 (RFC 8881) and 4.2 (RFC 7862).
import type { RpcClient } from "./client.ts";
import type { RpcFailure } from "./message.ts";
import { accessOf, wantedAccess, type Access } from "./nfs-file.ts";
import type { Attributes } from "./nfs4-attributes.ts";
import { compound, type CompoundAnswer, type MinorVersion, type Operation, type Result } from "./nfs4-compound.ts";

export type LookupAnswer =
  | ({ readonly kind: "found"; readonly access: Access } & Attributes)
  /**
   * The server's word (`NFS4ERR_NOENT`) on `operation` (`LOOKUP`), at the path that it was about: the part of the asked one
   * that ends with the name in question. `NFS4ERR_SYMLINK` tells nothing: a client would follow the link.
   */
  | { readonly kind: "nfs-error"; readonly status: string; readonly operation: string; readonly path: string }
  | RpcFailure;

/** Names to look up in one COMPOUND: servers limit its operations, and a session does. */
const mostNames = 8;
/** What goes with them: SEQUENCE, PUTROOTFH or PUTFH, and two at the end. */
const otherOperations = 4;

/** Sends operations and gives their results; `failed` counts these operations alone. */
type Send = (operations: readonly Operation[]) => Promise<CompoundAnswer>;

/**
 * Looks a path up from the server's root, name by name as a client does that mounts it (RFC 7530 section 16.13). From 4.1 on
 * that takes a session, made for this question under a client name that nobody else has and taken down after it; when `signal`
 * aborts in between, what is left of it expires with the server's lease.
 */
export async function lookupPath(
  nfs: RpcClient,
  { path, minorVersion }: { readonly path: string; readonly minorVersion: MinorVersion },
  signal: AbortSignal,
): Promise<LookupAnswer> {
  const send: Send = (operations) => compound(nfs, minorVersion, operations, signal);
  const names = path.split("/").filter((name) => name !== "");
  return minorVersion === 0 ? walk(send, names, mostNames) : lookupInSession(send, names);
}

async function walk(send: Send, names: readonly string[], namesAtOnce: number): Promise<LookupAnswer> {
  let from: Operation = { op: "PUTROOTFH" };
  for (let start = 0; ; start += namesAtOnce) {
    const some = names.slice(start, start + namesAtOnce);
    const isEnd = start + namesAtOnce >= names.length;
    const operations: readonly Operation[] = [
      from,
      ...some.map((name) => ({ op: "LOOKUP", name }) as const),
      ...(isEnd
        ? ([{ op: "GETATTR" }, { op: "ACCESS", wanted: wantedAccess }] as const)
        : ([{ op: "GETFH" }] as const)),
    ];
    const answer = await send(operations);
    if (answer.kind !== "done") return failureOf(answer, operations, names.slice(0, start));
    if (isEnd) return foundIn(answer.results);
    const reached = answer.results.find((result) => result.op === "GETFH");
    if (reached === undefined) return lacking("GETFH");
    from = { op: "PUTFH", handle: reached.handle };
  }
}

function foundIn(results: readonly Result[]): LookupAnswer {
  const attributes = results.find((result) => result.op === "GETATTR")?.attributes;
  const granted = results.find((result) => result.op === "ACCESS")?.granted;
  if (attributes === undefined || granted === undefined) return lacking("GETATTR or ACCESS");
  return { kind: "found", access: accessOf(granted), ...attributes };
}

function lacking(operation: string): RpcFailure {
  return { kind: "malformed", reason: `lacks the result of ${operation}` };
}

/** A failed COMPOUND in terms of the path: `before` are the names that earlier ones have looked up. */
function failureOf(
  answer: Exclude<CompoundAnswer, { kind: "done" }>,
  operations: readonly Operation[],
  before: readonly string[] = [],
): Exclude<LookupAnswer, { kind: "found" }> {
  if (answer.kind !== "compound-error") return answer;
  const tried = operations.slice(0, Math.max(0, answer.failed + 1));
  const names = tried.flatMap((operation) => (operation.op === "LOOKUP" ? [operation.name] : []));
  return {
    kind: "nfs-error",
    status: answer.status,
    operation: tried.at(-1)?.op ?? "COMPOUND",
    path: `/${[...before, ...names].join("/")}`,
  };
}

function lookupInSession(send: Send, names: readonly string[]): Promise<LookupAnswer> {
  return inSession(send, ({ send: within, mostOperations }) => {
    const namesAtOnce = Math.max(1, Math.min(mostNames, mostOperations - otherOperations));
    return walk(within, names, namesAtOnce);
  });
}

/** A session while it lives. */
interface Session {
  /** Sends operations within it. */
  readonly send: Send;
  readonly clientId: bigint;
  readonly mostOperations: number;
}

/** EXCHANGE_ID and CREATE_SESSION, the work, and both undone (RFC 8881 sections 18.35 to 18.37, 18.46, 18.50). */
async function inSession<T>(
  send: Send,
  work: (session: Session) => Promise<T>,
): Promise<T | Exclude<LookupAnswer, { kind: "found" }>> {
  const introduction: readonly Operation[] = [{ op: "EXCHANGE_ID", verifier: randomBytes(8), owner: clientOwner() }];
  const introduced = await send(introduction);
  if (introduced.kind !== "done") return failureOf(introduced, introduction);
  const client = introduced.results.find((result) => result.op === "EXCHANGE_ID");
  if (client === undefined) return lacking("EXCHANGE_ID");
  const { clientId } = client;
  try {
    const creation: readonly Operation[] = [{ op: "CREATE_SESSION", clientId, sequence: client.sequence }];
    const created = await send(creation);
    if (created.kind !== "done") return failureOf(created, creation);
    const session = created.results.find((result) => result.op === "CREATE_SESSION");
    if (session === undefined) return lacking("CREATE_SESSION");
    try {
      const { mostOperations } = session;
      return await work({ send: sequenced(send, session.session), clientId, mostOperations });
    } finally {
      await send([{ op: "DESTROY_SESSION", session: session.session }]);
    }
  } finally {
    // What it says is of no use: what is not taken down by now expires.
    await send([{ op: "DESTROY_CLIENTID", clientId }]);
  }
}

export type TrialAnswer =
  /** It was written, read back as it was, and removed. */
  | { readonly kind: "written" }
  /** What was read is not what was written. */
  | { readonly kind: "differs" }
  | Exclude<LookupAnswer, { kind: "found" }>;

/**
 * Writes a file in a directory, reads it back and removes it, as a client of version 4.1 or 4.2 does. A file of that name that is
 * there already is overwritten: an earlier trial was cut short.
 */
export async function tryFile(
  nfs: RpcClient,
  { path, name, minorVersion }: { readonly path: string; readonly name: string; readonly minorVersion: 1 | 2 },
  signal: AbortSignal,
): Promise<TrialAnswer> {
  const send: Send = (operations) => compound(nfs, minorVersion, operations, signal);
  const names = path.split("/").filter((one) => one !== "");
  return inSession<TrialAnswer>(send, async ({ send: within, clientId }) => {
    const walking: readonly Operation[] = [
      { op: "RECLAIM_COMPLETE" },
      { op: "PUTROOTFH" },
      ...names.map((one) => ({ op: "LOOKUP", name: one }) as const),
      { op: "GETFH" },
    ];
    const walked = await within(walking);
    if (walked.kind !== "done") return failureOf(walked, walking);
    const handle = walked.results.find((result) => result.op === "GETFH")?.handle;
    if (handle === undefined) return lacking("GETFH");
    const data = randomBytes(trialBytes);
    const trial: readonly Operation[] = [
      { op: "PUTFH", handle },
      { op: "OPEN", clientId, name },
      { op: "WRITE", data },
      { op: "READ", count: trialBytes },
      { op: "CLOSE" },
    ];
    const tried = await within(trial);
    const removal: readonly Operation[] = [
      { op: "PUTFH", handle },
      { op: "REMOVE", name },
    ];
    const wasMade = tried.kind === "done" || (tried.kind === "compound-error" && tried.failed > 1);
    const removed = wasMade ? await within(removal) : undefined;
    if (tried.kind !== "done") return failureOf(tried, trial, names);
    if (removed !== undefined && removed.kind !== "done") return failureOf(removed, removal, names);
    const read = tried.results.find((result) => result.op === "READ")?.data;
    const isSame = read?.byteLength === trialBytes && data.every((byte, index) => byte === read[index]);
    return { kind: isSame ? "written" : "differs" };
  });
}

const trialBytes = 64;

/** Begins the names of the clients that ask: whoever keeps records of clients need not keep these. */
export const questionPrefix = "nfs-init question ";

/** Sends operations within a session: behind SEQUENCE, which counts them. */
function sequenced(send: Send, session: Uint8Array): Send {
  let sequence = 0;
  return async (operations) => {
    sequence += 1;
    const answer = await send([{ op: "SEQUENCE", session, sequence }, ...operations]);
    return answer.kind === "compound-error" ? { ...answer, failed: answer.failed - 1 } : answer;
  };
}

function clientOwner(): Uint8Array {
  const unique = [...randomBytes(16)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return new TextEncoder().encode(`${questionPrefix}${unique}`);
}

function randomBytes(length: number): Uint8Array {
  return crypto.getRandomValues(new Uint8Array(length));
}
