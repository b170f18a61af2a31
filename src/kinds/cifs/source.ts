// What is mounted: the share of a file server of Windows or Samba, `//host/share[/path]`.
import { isIPv6 } from "../../address.ts";
import { explainHost, parseHost } from "../../shares/host.ts";
import type { Source } from "../../shares/share.ts";
import { encodingProblem } from "../../text/encoding.ts";
import { shown } from "../../text/shown.ts";
import type { ParsedSource, SourceProblem } from "../kind.ts";

/** Most that the kernel takes of `share/path` (PATH_MAX, fs/smb/client/fs_context.c). */
const longestPath = 1024;

/** Whether a text is meant as a share of CIFS, rightly written or not. */
export function isCifsSource(text: string): boolean {
  return /^(?:\/\/|\\\\|(?:smb|cifs):\/\/)/i.test(text);
}

/** The text mount(8) and mountinfo know a source by. */
export function formatSource({ host, path }: Source): string {
  return `//${host}${path}`;
}

/** The server of `//host`, as NFS_HOST names one; a path stands apart from it. */
export function parseServer(text: string): string | undefined {
  const name = /^\/\/([^/]+)\/?$/.exec(text)?.[1];
  return name === undefined ? undefined : parseName(name);
}

/** Where a text is no such server: the mistake that it looks like, and the way out. */
export function explainServer(text: string): string | undefined {
  const written = withSlashes(text);
  const [, name = "", path = ""] = /^\/\/([^/]*)\/*(.*)$/s.exec(written) ?? [];
  if (path !== "") {
    return `it holds a path; write NFS_HOST=${shown(`//${name}`)} and NFS_HOST_MOUNT=${shown(`/${path}`)}`;
  }
  return parseName(name) === undefined ? explainHost(name) : `write a CIFS server as ${shown(`//${name}`)}`;
}

function parseName(name: string): string | undefined {
  return isIPv6(name) ? name : parseHost(name);
}

/** Reads a source; expected failures are returned. */
export function parseSource(text: string): ParsedSource | SourceProblem {
  if (!text.startsWith("//")) return { problem: `write a CIFS share as ${shown(withSlashes(text))}` };
  const slash = text.indexOf("/", 2);
  if (slash === -1) return { problem: "it names no share of the server: //host/share" };
  const name = text.slice(2, slash);
  const host = parseName(name);
  if (host === undefined) {
    const why = explainHost(name);
    return { problem: `"${shown(name)}" is not a host name or an address${why === undefined ? "" : `: ${why}`}` };
  }
  const rest = text.slice(slash);
  const encoding = encodingProblem(rest);
  if (encoding !== undefined) return { problem: `the share: ${encoding}` };
  if (rest.includes("\\")) return { problem: String.raw`it holds a \; write it with / throughout` };
  const parts = rest.split("/").filter((part) => part !== "" && part !== ".");
  if (parts.length === 0) return { problem: "it names no share of the server: //host/share" };
  // A mount of it does not end.
  if (parts[0]?.toUpperCase() === "IPC$") return { problem: "IPC$ is a share without files" };
  if (parts.includes("..")) return { problem: "the path in the share contains '..'" };
  const path = `/${parts.join("/")}`;
  if (path.length > longestPath) return { problem: `share and path are longer than ${longestPath} characters` };
  return { source: { host, path }, options: [], warnings: [] };
}

/** The way people write it elsewhere, in the way it is written here. */
function withSlashes(text: string): string {
  return `//${text
    .replace(/^(?:smb|cifs):/i, "")
    .replaceAll("\\", "/")
    .replace(/^\/+/, "")}`;
}
