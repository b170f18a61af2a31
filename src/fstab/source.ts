// What is mounted: the source of a share, `host:/path`, `[v6]:/path` or `nfs://host[:port]/path[?options]`.
import { isIP, isIPv6 } from "node:net";

/** A server and the path it exports. */
export interface Source {
  /** Name, IPv4 or IPv6 address, the last without brackets; a link-local one with its zone. */
  readonly host: string;
  /** Absolute path on the server. */
  readonly path: string;
}

/** A source as read from a text, with what its URL form asked for besides. */
export interface ParsedSource extends Source {
  /** Mount options from a URL's port and query, in order. */
  readonly options: readonly string[];
  /** Parts of a URL's query that are dropped: `uid`, `gid`. */
  readonly dropped: readonly string[];
}

/** Why a text is no source; `expected` completes "accepted: ...". */
export interface SourceProblem {
  readonly problem: string;
}

/** The limits of mount.nfs (nfs-utils utils/mount/parse_dev.c). */
const longestHost = 255;
const longestPath = 1024;

/** The text mount(8) and mountinfo know a source by. */
export function formatSource({ host, path }: Source): string {
  return `${host.includes(":") ? `[${host}]` : host}:${path}`;
}

/** Reads a source; expected failures are returned. */
export function parseSource(text: string): ParsedSource | SourceProblem {
  if (text.toLowerCase().startsWith("nfs://")) return parseUrl(text);
  if (text.startsWith("//")) return { problem: "CIFS shares are not supported yet" };
  if (/^fs-[0-9a-f]+(?::|$)/.test(text)) return { problem: "EFS file system ids are not supported yet" };

  const bracketed = /^\[([^\]]*)\]:(.*)$/s.exec(text);
  if (bracketed !== null) {
    const [, host = "", path = ""] = bracketed;
    if (!isIPv6(host)) return { problem: `[${host}] is not an IPv6 address` };
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

/** A server's name or address without brackets, or undefined where it is neither. */
export function parseHost(text: string): string | undefined {
  const bare = /^\[(.*)\]$/.exec(text)?.[1];
  if (bare !== undefined) return isIPv6(bare) ? bare : undefined;
  if (isIP(text) !== 0) return text;
  const isName = /^[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_.])?$/.test(text) && !text.includes("..");
  // A name of digits and dots only would be a mistyped address.
  return isName && text.length <= longestHost && !/^[0-9.]+$/.test(text) ? text : undefined;
}

function checked(host: string, path: string, options: readonly string[] = [], dropped: readonly string[] = []) {
  const parsedHost = parseHost(host);
  if (parsedHost === undefined) return { problem: `"${host}" is not a host name or an address` };
  if (!path.startsWith("/")) return { problem: "the path on the server is not absolute" };
  const parts = path.split("/").filter((part) => part !== "" && part !== ".");
  if (parts.includes("..")) return { problem: "the path on the server contains '..'" };
  if (path.length > longestPath) return { problem: `the path on the server is longer than ${longestPath} characters` };
  return { host: parsedHost, path: `/${parts.join("/")}`, options, dropped };
}

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
    if (number < 1 || number > 65_535) return { problem: `"${port}" is not a port` };
    options.push(`port=${number}`);
  }
  let path: string;
  try {
    path = decodeURIComponent(rawPath);
    for (const part of query.split("&").filter((one) => one !== "")) {
      const option = decodeURIComponent(part.replaceAll("+", " "));
      if (/[,\s]/.test(option)) return { problem: `the option "${option}" in its query contains a comma or a blank` };
      if (/^[ug]id=/.test(option)) dropped.push(option);
      else options.push(option);
    }
  } catch {
    return { problem: "its percent-encoding is broken" };
  }
  return checked(host, path, options, dropped);
}
