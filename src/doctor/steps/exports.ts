// What the server exports, and to whom.
import { lastOf } from "../../shares/options.ts";
import { isSameOrBelow } from "../../shares/paths.ts";
import type { CauseId } from "../../kinds/cause-id.ts";
import { type Check, notApplicable, ok, warning } from "../check.ts";
import type { Engine } from "../engine.ts";
import { matchClient } from "../export-match.ts";
import type { AddressFacts, ShareFacts } from "../facts.ts";
import { type Found, shortList, stages } from "../found.ts";
import { failureWords } from "../../rpc/failure.ts";

/** The export that a path lies in, the nearest that mountd lists. */
export function coverOf({ exports }: Pick<AddressFacts, "exports">, path: string) {
  if (exports?.kind !== "exports") return undefined;
  return exports.exports
    .filter(({ directory }) => isSameOrBelow(path, directory))
    .toSorted((one, other) => other.directory.length - one.directory.length)[0];
}

/** This client's address on the way to the server. */
export function localAddressOf({ route }: Pick<AddressFacts, "route">): string | undefined {
  return route.kind === "route" ? route.localAddress : undefined;
}

export function missingPath(path: string, failing: string, { address }: AddressFacts, status: string): Found {
  return {
    id: "path-missing",
    stage: stages.path,
    because: `the path ${path} does not exist on the server ${address}: there is no ${failing} (${status})`,
    change: `correct NFS_HOST_MOUNT, or make the directory on the server`,
  };
}

export function notExported(facts: ShareFacts, address: AddressFacts, status: string): Found {
  const { path } = facts.share.source;
  const listed =
    address.exports?.kind === "exports" ? address.exports.exports.map(({ directory }) => directory) : undefined;
  if (listed?.length === 0) {
    return {
      id: "nothing-exported",
      stage: stages.path,
      because: `the server ${address.address} exports nothing (${status})`,
      change: `add ${path} to /etc/exports on the server and run exportfs -ra there`,
    };
  }
  return {
    id: "not-exported",
    stage: stages.path,
    because:
      listed === undefined
        ? `the server ${address.address} shows no ${path} to this client: it is not exported, or not to this client, or not there (${status})`
        : `the server ${address.address} does not export ${path} (${status}), it exports ${shortList(listed)}`,
    change: `correct NFS_HOST_MOUNT, or add ${path} to /etc/exports on the server and run exportfs -ra there`,
  };
}

export function refusedClient(facts: ShareFacts, address: AddressFacts, engine: Engine, status: string): Found {
  const { path } = facts.share.source;
  const { exports } = address;
  const local = localAddressOf(address) ?? "unknown";
  const cover = coverOf(address, path);
  if (exports?.kind === "exports" && exports.exports.length === 0) return notExported(facts, address, status);
  const behind = engine === "host" || engine === "balena" ? "" : ", or its host's where the container is behind NAT";
  const client = `this client's address is ${local}${behind}`;
  const change = `add this client's address to the export of ${path} in /etc/exports on the server and run exportfs -ra there`;
  const base = { id: "client-refused" satisfies CauseId, stage: stages.path, change } as const;
  if (cover === undefined) {
    return {
      ...base,
      because: `the server ${address.address} does not export ${path} to this client (${status}): ${client}`,
    };
  }
  const match = matchClient(cover.groups, local);
  const whom = shortList(cover.groups.length === 0 ? ["everyone"] : cover.groups);
  switch (match.kind) {
    case "not-named":
      return {
        ...base,
        because: `the server exports ${cover.directory} to ${whom} only and so not to this client (${status}): ${client}`,
      };
    case "cannot-tell":
      return {
        ...base,
        because: `the server exports ${cover.directory} to ${whom} and refuses this client (${status}): ${client}, and only the server can tell whether that name or netgroup holds it`,
      };
    case "named":
      return {
        ...base,
        because: `the server refuses this client (${status}) although it exports ${cover.directory} to ${whom}: ${client}, so it may see another one, or its list has not been read anew`,
      };
  }
}

/** NFS wants a source port below 1024 of clients of an export without `insecure`. */
export function refusedPort(
  { share }: ShareFacts,
  { address }: AddressFacts,
  reservedPort: boolean,
  otherWorks: boolean,
  status: string,
): Found | undefined {
  const base = { id: "reserved-port" satisfies CauseId, stage: stages.path } as const;
  const serverSide = "export with insecure on the server";
  if (lastOf(share.options, "resvport", "noresvport") === "noresvport") {
    return {
      ...base,
      because: `the server ${address} wants a reserved source port (below 1024: the export is secure), and noresvport in the options asks for another (${status}${otherWorks ? "; from a reserved port it answers" : ""})`,
      change: `remove noresvport from NFS_OPTIONS, or ${serverSide}`,
    };
  }
  // Without CAP_NET_BIND_SERVICE doctor has no such port, while the kernel's own client has one.
  if (!reservedPort) return undefined;
  return {
    ...base,
    because: `the server ${address} wants a reserved source port (below 1024) and does not see the one that is used (${status}), so NAT on the way changes it`,
    change: `${serverSide}, or use the host's network (network_mode: host, hostNetwork: true)`,
  };
}

export function kerberosOnly(path: string, { address }: AddressFacts, status: string): Found {
  return {
    id: "kerberos-only",
    stage: stages.path,
    because: `the server ${address} exports ${path} with Kerberos only (sec=krb5), and this mount uses sec=sys (${status})`,
    change: "add sys to sec= of the export on the server, or set sec=krb5 with a keytab and rpc.gssd on the host",
  };
}

export function exportCheck(path: string, address: AddressFacts, of: string): Check {
  const name = `export list${of}`;
  const { exports } = address;
  if (exports === undefined) return notApplicable(name, "mountd does not answer, or is not there");
  if (exports.kind !== "exports") return warning(name, failureWords(exports));
  const cover = coverOf(address, path);
  if (cover === undefined) {
    const all = exports.exports.map(({ directory }) => directory).join(", ");
    return warning(
      name,
      `nothing that holds ${path}; exported: ${all === "" ? "nothing" : all}`,
      "add it to /etc/exports, exportfs -ra",
    );
  }
  const local = localAddressOf(address) ?? "";
  const match = matchClient(cover.groups, local);
  const to = `${cover.directory} is exported to ${cover.groups.length === 0 ? "everyone" : cover.groups.join(", ")}`;
  switch (match.kind) {
    case "named":
      return ok(name, `${to}; this client, ${local}, is among them`);
    case "not-named":
      return warning(name, `${to}; this client, ${local}, is not among them`, "add it in /etc/exports, exportfs -ra");
    case "cannot-tell":
      return ok(name, `${to}; whether ${local} is among them only the server can tell`);
  }
}
