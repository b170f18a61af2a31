// What the kernel's NFS server asks in its channels under /proc/net/rpc, and how it is answered (linux net/sunrpc/cache.c).
import { hexOf } from "../text/hex.ts";
import type { Entry } from "./exports.ts";

/** Names of the channels, in the order in which a client's first request asks them. */
export const channelNames = ["auth.unix.ip", "nfsd.fh", "nfsd.export"] as const;
export type ChannelName = (typeof channelNames)[number];

export type ChannelQuestion =
  /** Who is this address? */
  | { readonly kind: "address"; readonly address: string }
  /** Where does the file system lie that a handle names? */
  | { readonly kind: "handle"; readonly domain: string; readonly type: number; readonly id: Uint8Array }
  /** What may a client do at this path? */
  | { readonly kind: "path"; readonly domain: string; readonly path: string };

/** A line of a channel, without its end; undefined for what is not understood. */
export function parseQuestion(channel: ChannelName, line: string): ChannelQuestion | undefined {
  const [first, second, third] = line.split(" ").map(unquote);
  if (first === undefined || second === undefined) return undefined;
  switch (channel) {
    case "auth.unix.ip":
      return first === "nfsd" ? { kind: "address", address: second } : undefined;
    case "nfsd.fh":
      if (third === undefined || !/^\d+$/.test(second)) return undefined;
      return { kind: "handle", domain: first, type: Number(second), id: bytesOf(third) };
    case "nfsd.export":
      return { kind: "path", domain: first, path: second };
  }
}

/** FSID_NUM of linux/fs/nfsd/nfsfh.h: 4 bytes, as this machine has a number. */
const numberedFileSystem = 1;

/** The id in a handle, where it is a number: every export here has one. */
export function fsidInHandle({ type, id }: { readonly type: number; readonly id: Uint8Array }): number | undefined {
  if (type !== numberedFileSystem || id.byteLength !== 4) return undefined;
  return new DataView(id.buffer, id.byteOffset, 4).getUint32(0, true);
}

/** An address belongs to a domain, or to none. */
export function addressAnswer(address: string, domain: string | undefined, expirySeconds: number): string {
  return lineOf(["nfsd", quote(address), String(expirySeconds), domain ?? ""]);
}

/** A handle's file system lies at a path, or nowhere. */
export function handleAnswer(
  { domain, type, id }: { readonly domain: string; readonly type: number; readonly id: Uint8Array },
  path: string | undefined,
  expirySeconds: number,
): string {
  const found = path === undefined ? [] : [quote(path)];
  return lineOf([quote(domain), String(type), `\\x${hexOf(id)}`, String(expirySeconds), ...found]);
}

/** A path is exported to a domain, or not. */
export function pathAnswer(domain: string, path: string, entry: Entry | undefined, expirySeconds: number): string {
  const numbers = entry === undefined ? [] : [entry.flags, signed(entry.anonUid), signed(entry.anonGid), entry.fsid];
  return lineOf([quote(domain), quote(path), String(expirySeconds), ...numbers.map(String)]);
}

/** What is written to `filehandle` of the nfsd file system, which then gives the handle of a directory of an export. */
export function rootHandleQuestion(domain: string, path: string, mostBytes: number): string {
  return lineOf([quote(domain), quote(path), String(mostBytes)]);
}

/** The kernel reads them as int. */
function signed(number: number): number {
  return number | 0;
}

function lineOf(words: readonly string[]): string {
  return `${words.join(" ")}\n`;
}

/** Blanks, line ends and backslashes as three octal digits. */
function quote(text: string): string {
  return text.replaceAll(/[\\ \t\n\r]/g, (one) => `\\${one.charCodeAt(0).toString(8).padStart(3, "0")}`);
}

function unquote(word: string): string {
  if (/^\\x(?:[0-9a-f]{2})*$/i.test(word)) {
    return (word.slice(2).match(/../g) ?? []).map((byte) => String.fromCharCode(Number.parseInt(byte, 16))).join("");
  }
  return word.replaceAll(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
}

function bytesOf(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}
