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

/** EXCHANGE_ID and CREATE_SESSION, the walk, and both undone (RFC 8881 sections 18.35 to 18.37, 18.46, 18.50). */
async function lookupInSession(send: Send, names: readonly string[]): Promise<LookupAnswer> {
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
      const namesAtOnce = Math.max(1, Math.min(mostNames, session.mostOperations - otherOperations));
      return await walk(sequenced(send, session.session), names, namesAtOnce);
    } finally {
      await send([{ op: "DESTROY_SESSION", session: session.session }]);
    }
  } finally {
    // What it says is of no use: what is not taken down by now expires.
    await send([{ op: "DESTROY_CLIENTID", clientId }]);
  }
}

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
  return new TextEncoder().encode(`nfs-init question ${unique}`);
}

function randomBytes(length: number): Uint8Array {
  return crypto.getRandomValues(new Uint8Array(length));
}
