// Is every export served? Asked over the wire, as a client asks that is about to mount it.
import { rpcClient } from "../rpc/client.ts";
import type { MinorVersion } from "../rpc/nfs4-compound.ts";
import { lookupPath, type LookupAnswer } from "../rpc/nfs4.ts";
import type { Dial } from "../rpc/transport.ts";
import { isRoot, type Export } from "./exports.ts";
import type { ServedVersion } from "./server.ts";

const minorVersions: Readonly<Record<ServedVersion, MinorVersion>> = { "4.0": 0, "4.1": 1, "4.2": 2 };

export interface Asked {
  readonly address: string;
  readonly port: number;
  readonly version: ServedVersion;
}

/** Why an export is not served, a clause; undefined where it is. */
export async function whyNotServed(
  dial: Dial,
  one: Export,
  { address, port, version }: Asked,
  signal: AbortSignal,
): Promise<string | undefined> {
  const client = rpcClient(dial, { address, port, reserved: true });
  try {
    const path = isRoot(one) ? "/" : one.path;
    return wordsOf(await lookupPath(client, { path, minorVersion: minorVersions[version] }, signal));
  } finally {
    client.close();
  }
}

function wordsOf(answer: LookupAnswer): string | undefined {
  switch (answer.kind) {
    case "found":
      return undefined;
    case "nfs-error":
      // It is there, and kept from whoever asks without a name: a directory that is closed to others.
      return answer.status === "NFS4ERR_ACCESS" ? undefined : `${answer.status} at ${answer.path}`;
    case "program-unavailable":
      return "no NFS server answers at its port";
    case "version-mismatch":
      return "the server does not speak version 4";
    case "refused":
    case "no-answer":
    case "malformed":
      return answer.reason;
  }
}
