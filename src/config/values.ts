// Parsers for single values from outside: text in, a typed value out, or undefined where the text cannot be understood.
import { parseVersion, type NfsVersion } from "../kinds/nfs/versions.ts";
import { SIGCHLD, SIGKILL, SIGSTOP, signalNumbers } from "../init/signals.ts";

/** A kind of value: how it is written, and how it is read. */
export interface Format<T> {
  /** The accepted form, for messages and the reference: "a duration: 250ms, 15s, ..." */
  readonly accepts: string;
  /** The value, or undefined where `text` is not of this form. */
  readonly parse: (text: string) => T | undefined;
  /** What is wrong with a text that `parse` does not take, where a common mistake is recognised: a clause. */
  readonly explain?: (text: string) => string | undefined;
  /** What a shell may offer to complete it: these words, or names of files. */
  readonly offers?: readonly string[] | "files";
}

/** The value type of a format. */
export type ValueOf<F> = F extends Format<infer T> ? T : never;

const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/** Timers count milliseconds in a signed 32-bit number; a longer duration would fire at once. */
const longestMs = 2 ** 31 - 1;

/** A duration in milliseconds, not below `minMs`. */
export function duration(minMs = 0): Format<number> {
  const least = minMs === 0 ? "" : `, at least ${minMs}ms`;
  return {
    accepts: `a duration (250ms, 15s, 3m, 1h, or seconds without a unit${least})`,
    parse: (text) => {
      const match = /^(\d+(?:\.\d+)?)(ms|s|m|h)?$/.exec(text);
      if (match === null) return undefined;
      const valueMs = Math.round(Number(match[1]) * (unitMs[match[2] ?? "s"] ?? 1));
      return valueMs >= minMs && valueMs <= longestMs ? valueMs : undefined;
    },
  };
}

const switchWords: ReadonlyMap<string, boolean> = new Map([
  ["on", true],
  ["true", true],
  ["yes", true],
  ["1", true],
  ["off", false],
  ["false", false],
  ["no", false],
  ["0", false],
]);

/** A switch; also true/false, yes/no, 1/0, in any case. */
export const toggle: Format<boolean> = {
  accepts: "on or off",
  offers: ["on", "off"],
  parse: (text) => switchWords.get(text.toLowerCase()),
};

/** A switch that any word sets, except those that mean off. */
export const anyWordToggle: Format<boolean> = {
  accepts: "on (or any word that is not off) or off",
  offers: ["on", "off"],
  parse: (text) => switchWords.get(text.toLowerCase()) ?? true,
};

/** One of a few words, in lower case. */
export function choice<const Word extends string>(...words: readonly Word[]): Format<Word> {
  return {
    accepts: words.length === 1 ? `${words[0]}` : `${words.slice(0, -1).join(", ")} or ${words.at(-1)}`,
    offers: words,
    parse: (text) => words.find((word) => word === text.toLowerCase()),
  };
}

/** A whole number from `least` to `most`. */
export function integer(least: number, most: number): Format<number> {
  return {
    accepts: `a whole number from ${least} to ${most}`,
    parse: (text) => {
      const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
      return value >= least && value <= most ? value : undefined;
    },
  };
}

/** A file creation mask in octal, umask(2). */
export const octalMask: Format<number> = {
  accepts: "an octal mask such as 022",
  parse: (text) => (/^0?[0-7]{1,3}$/.test(text) ? Number.parseInt(text, 8) : undefined),
};

/** An absolute path without `..`; repeated, trailing and `.` parts are dropped. */
export const absolutePath: Format<string> = {
  accepts: "an absolute path without '..'",
  offers: "files",
  parse: (text) => {
    if (!text.startsWith("/") || text.includes("\0")) return undefined;
    const parts = text.split("/").filter((part) => part !== "" && part !== ".");
    return parts.includes("..") || unexpanded.test(text) ? undefined : `/${parts.join("/")}`;
  },
  explain: explainPath,
};

/** What a shell would have replaced. */
const unexpanded = /\$(?:\{[A-Za-z_]|(?:HOME|USER|LOGNAME|PWD)(?![A-Za-z0-9_]))/;

function explainPath(text: string): string | undefined {
  if (text.startsWith("~")) return "nothing expands ~ here; write the directory out";
  if (unexpanded.test(text)) return "nothing expands variables of a shell here; write the path out";
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(text)) return "it is an address; nfs://host/path is a SOURCE in NFS_MOUNTS";
  if (/^[^/]+:\//.test(text)) return "it names a host, which belongs into NFS_HOST";
  if (text.split("/").includes("..")) return "it holds '..'";
  return text.startsWith("/") ? undefined : "it does not begin with /";
}

/** A path that can stand among mount options. */
export const secretPath: Format<string> = {
  accepts: "an absolute path without '..', commas and quotes",
  offers: "files",
  parse: (text) => (/[,"]/.test(text) ? undefined : absolutePath.parse(text)),
  explain: (text) =>
    text.startsWith("/") ? explainPath(text) : "it does not begin with /; it is the path of a file, not what is in it",
};

/** The most characters that a name of a user or a domain has (CIFS_MAX_USERNAME_LEN, CIFS_MAX_DOMAINNAME_LEN). */
const longestAccountName = 255;

/** A user's name or a domain's, as it can stand among mount options. */
export const accountName: Format<string> = {
  accepts: `a name of at most ${longestAccountName} characters without commas, quotes, slashes and %`,
  parse: (text) => (/[,"\\/%\p{Cc}]/u.test(text) || text.length > longestAccountName ? undefined : text),
  explain: (text) => {
    const [, domain, user] = /^([^,"\\/%]+)[\\/]([^,"\\/%]+)$/.exec(text) ?? [];
    return user === undefined ? undefined : `write NFS_DOMAIN=${domain} and NFS_USERNAME=${user}`;
  },
};

/** A file, or "none". */
export const fileOrNone: Format<string> = {
  accepts: "an absolute path or none",
  offers: "files",
  parse: (value) => (value.toLowerCase() === "none" ? "none" : absolutePath.parse(value)),
  explain: explainPath,
};

/** Where a server listens: a TCP port of one of our addresses, or a socket in the file system. */
export type ListenAddress =
  | { readonly kind: "tcp"; readonly host: string; readonly port: number }
  | { readonly kind: "socket"; readonly path: string };

/** The longest path of a socket (unix(7)), without the NUL at its end. */
const longestSocketPathBytes = 107;

/** `[host]:port`, without host 127.0.0.1, or the absolute path of a socket; or off. */
export const listenAddress: Format<ListenAddress | "off"> = {
  accepts: "[host]:port, a socket path or off",
  parse: (value) => {
    if (switchWords.get(value.toLowerCase()) === false) return "off";
    if (value.startsWith("/")) {
      const path = absolutePath.parse(value);
      const isShort = path !== undefined && new TextEncoder().encode(path).byteLength <= longestSocketPathBytes;
      return isShort ? { kind: "socket", path } : undefined;
    }
    // An IPv6 address stands in brackets, and `[host]` may be meant as it is written here: `[10.0.0.2]:9090`.
    const [, bracketed, plain, digits] = /^(?:\[([^\]\s]+)\]|([^\s:[\]/]*)):(\d{1,5})$/.exec(value) ?? [];
    const port = Number(digits);
    const isPort = digits !== undefined && port >= 1 && port <= 65_535;
    return isPort ? { kind: "tcp", host: bracketed ?? (plain === "" ? "127.0.0.1" : (plain ?? "")), port } : undefined;
  },
};

/** Any text that is not empty. */
export function anyText(accepts: string): Format<string> {
  return { accepts, parse: (value) => value };
}

/** A signal by name, with or without SIG, as its number; real-time ones as RTMIN+n. */
export const signal: Format<number> = {
  accepts: "a signal name such as TERM or RTMIN+3",
  offers: ["TERM", "INT", "QUIT", "HUP", "USR1", "USR2"],
  parse: (value) => {
    const name = value.toUpperCase().replace(/^SIG/, "");
    const realTime = /^RTMIN(?:\+(\d{1,2}))?$/.exec(name);
    if (realTime !== null) {
      const number = 34 + Number(realTime[1] ?? 0);
      return number <= 64 ? number : undefined;
    }
    return signalNumbers.get(name);
  },
};

/** A user and perhaps a group, each a name or a number; whether they exist is looked up later. */
export const userSpec: Format<{ readonly user: string; readonly group: string | undefined }> = {
  accepts: "uid[:gid] or name[:group]",
  parse: (value) => {
    const match = /^([^\s:]+)(?::([^\s:]+))?$/.exec(value);
    return match?.[1] === undefined ? undefined : { user: match[1], group: match[2] };
  },
};

/** Not to be caught, or about a child of ours; every other signal is passed on. */
const notPassedOn: ReadonlySet<number | undefined> = new Set([SIGKILL, SIGSTOP, SIGCHLD]);

/** Signals rewritten on their way: from number to number, each once. */
export const signalMap: Format<ReadonlyMap<number, number>> = {
  accepts: "pairs such as TERM:QUIT,HUP:USR1; the first may be any signal but KILL, STOP and CHLD",
  parse: (value) => {
    const map = new Map<number, number>();
    for (const [from, to, ...more] of signalPairs(value)) {
      if (from === undefined || to === undefined || more.length > 0 || notPassedOn.has(from)) return undefined;
      if (map.has(from)) return undefined;
      map.set(from, to);
    }
    return map;
  },
  explain: (value) => {
    const from = signalPairs(value).map(([one]) => one);
    const nameOf = (index: number) => value.split(",")[index]?.split(":")[0]?.trim();
    const twice = nameOf(from.findIndex((one, index) => one !== undefined && from.indexOf(one) < index));
    if (twice !== undefined) return `it says twice what becomes of ${twice}`;
    const kept = nameOf(from.findIndex((one) => notPassedOn.has(one)));
    return kept === undefined ? undefined : `${kept} is not passed on`;
  },
};

function signalPairs(value: string): readonly (readonly (number | undefined)[])[] {
  return value.split(",").map((pair) => pair.split(":").map((name) => signal.parse(name.trim())));
}

/** An NFS protocol version. */
export const nfsVersion: Format<NfsVersion> = {
  accepts: "auto, 3, 4, 4.0, 4.1 or 4.2 (also nfs, nfs3, nfs4)",
  offers: ["auto", "3", "4", "4.0", "4.1", "4.2"],
  parse: parseVersion,
};
