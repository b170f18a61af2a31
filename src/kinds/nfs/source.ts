// What is mounted: the source of a share, `host:/path`, `[v6]:/path` or `nfs://host[:port]/path[?options]`.
import { explainHost, parseHost } from "../../shares/host.ts";
import { optionsProblem } from "../../shares/options.ts";
import type { Source } from "../../shares/share.ts";
import type { ParsedSource, SourceProblem } from "../kind.ts";
import { encodingProblem } from "../../text/encoding.ts";
import { shown } from "../../text/shown.ts";
import { isIPv6 } from "../../address.ts";

/** The limit of mount.nfs (nfs-utils utils/mount/parse_dev.c). */
const longestPath = 1024;

/** The text mount(8) and mountinfo know a source by. */
export function formatSource({ host, path }: Source): string {
  return `${host.includes(":") ? `[${host}]` : host}:${path}`;
}

/** Addresses of other things than an NFS export, which would read as a host of that name. */
const foreignScheme = /^(?:nfs[34]|https?|ftps?|sftp|ssh|smb|cifs|file|rsync|iscsi|s3|tcp|udp|webdav):\/\//i;

/** Reads a source; expected failures are returned. */
export function parseSource(text: string): ParsedSource | SourceProblem {
  const scheme = foreignScheme.exec(text)?.[0];
  if (scheme !== undefined) {
    const isNfs = /^nfs\d/i.test(scheme);
    const instead = isNfs ? `; write nfs:// and ?vers=${scheme[3]}` : "";
    return { problem: `${scheme} is no address of an NFS export${instead}` };
  }
  if (text.toLowerCase().startsWith("nfs://")) return parseUrl(text);

  const bracketed = /^\[([^\]]*)\]:(.*)$/s.exec(text);
  if (bracketed !== null) {
    const [, host = "", path = ""] = bracketed;
    if (!isIPv6(host)) return { problem: `[${shown(host)}] is not an IPv6 address` };
    return checked(host, path);
  }
  const colon = text.indexOf(":");
  if (colon <= 0) return { problem: "it has no host and path" };
  const rest = text.slice(colon + 1);
  if (!rest.startsWith("/") && isIPv6(text.slice(0, Math.max(0, text.lastIndexOf(":/"))))) {
    return { problem: "an IPv6 address needs brackets: [address]:/path" };
  }
  return checked(text.slice(0, colon), rest);
}

function droppedWords(dropped: readonly string[]): string {
  return `${shown(dropped.join(" and "))} in an nfs:// address is dropped; to run COMMAND as another user set NFS_USER`;
}

/** `dropped` are the parts of a URL's query that mean nothing here: `uid`, `gid`. */
function checked(
  host: string,
  path: string,
  options: readonly string[] = [],
  dropped: readonly string[] = [],
): ParsedSource | SourceProblem {
  const parsedHost = parseHost(host);
  if (parsedHost === undefined) {
    const why = explainHost(host);
    return { problem: `"${shown(host)}" is not a host name or an address${why === undefined ? "" : `: ${why}`}` };
  }
  if (!path.startsWith("/")) return { problem: "the path on the server is not absolute" };
  const encoding = encodingProblem(path);
  if (encoding !== undefined) return { problem: `the path on the server: ${encoding}` };
  const parts = path.split("/").filter((part) => part !== "" && part !== ".");
  if (parts.includes("..")) return { problem: "the path on the server contains '..'" };
  if (path.length > longestPath) return { problem: `the path on the server is longer than ${longestPath} characters` };
  return {
    source: { host: parsedHost, path: `/${parts.join("/")}` },
    options,
    warnings: dropped.length === 0 ? [] : [droppedWords(dropped)],
  };
}

/** Words of a URL's query that libnfs knows and mount(8) calls otherwise. */
const renamed: ReadonlyMap<string, string> = new Map([
  ["version", "vers"],
  ["nfsport", "port"],
]);

/** Words of libnfs that mean nothing to a mount. */
const meaningless =
  /^(?:auto-traverse-mounts|autoreconnect|dircache|pagecache|pagecache-ttl|readdir-buffer|tcp-syncnt|if|debug)(?:=|$)/;

function parseUrl(text: string): ParsedSource | SourceProblem {
  const match = /^nfs:\/\/(\[[^\]]*\]|[^/:?#]*)(?::([^/?#]*))?(\/[^?#]*)?(?:\?([^#]*))?$/i.exec(text);
  if (match === null || text.slice("nfs://".length).split("/")[0]?.includes("@") === true) {
    return { problem: "it is not of the form nfs://host[:port]/path[?option=value&...]" };
  }
  const [, host = "", port, rawPath = "/", query = ""] = match;
  const options: string[] = [];
  const dropped: string[] = [];
  if (port !== undefined) {
    const number = /^\d{1,5}$/.test(port) ? Number(port) : 0;
    if (number < 1 || number > 65_535) return { problem: `"${shown(port)}" is not a port` };
    options.push(`port=${number}`);
  }
  let path: string;
  try {
    path = decodeURIComponent(rawPath);
    for (const part of query.split("&").filter((one) => one !== "")) {
      const option = decodeURIComponent(part.replaceAll("+", " "));
      const problem = queryProblem(option, port);
      if (problem !== undefined) return { problem };
      if (/^[ug]id=/.test(option)) dropped.push(option);
      else options.push(inWordsOfMount(option));
    }
  } catch {
    return { problem: "its percent-encoding is broken, or does not stand for UTF-8" };
  }
  // The zone of an address is written behind an escaped % (RFC 6874).
  return checked(host.startsWith("[") ? host.replace("%25", "%") : host, path, options, dropped);
}

function queryProblem(option: string, port: string | undefined): string | undefined {
  const problem = optionsProblem(option);
  if (problem !== undefined || option.includes(",")) {
    return `"${shown(option)}" in its query is no mount option: ${problem ?? "it holds a comma"}`;
  }
  if (meaningless.test(option)) return `"${shown(option)}" in its query is for libnfs, and no mount option; remove it`;
  const [name = "", value] = option.split("=");
  const isOtherPort = port !== undefined && (name === "nfsport" || name === "port") && Number(value) !== Number(port);
  return isOtherPort ? `it names two ports: ${port}, and "${shown(option)}" in its query` : undefined;
}

/** An option of a URL as mount(8) has it: libnfs says `version=4` and `nfsport=2049`. */
function inWordsOfMount(option: string): string {
  const name = option.split("=")[0] ?? "";
  return `${renamed.get(name) ?? name}${option.slice(name.length)}`;
}
