// What the kernel's NFS server is told of clients, handles and paths, and for how long that is good.
import { addressAnswer, fsidInHandle, handleAnswer, pathAnswer, type ChannelQuestion } from "./channels.ts";
import type { Surroundings } from "./clients.ts";
import { domainOf, entryFor, exportAround, exportFsid, pathOf, type Export, type ExportTable } from "./exports.ts";
import { exportFlags } from "./options.ts";
import type { MountClient } from "./v3/mount-service.ts";

/** How long an answer is good, one that depends on names or networks, and a refusal: seconds. */
const goodSeconds = 1_800;
const changingSeconds = 60;
const shortlySeconds = 10;
/** Strangers are told of once each, and not without end. */
const mostRefused = 100;

/** An answer, and the refusal that serves where the kernel does not take it. */
export interface KernelAnswer {
  readonly text: string;
  readonly refusal: string;
}

export interface Answering {
  readonly table: ExportTable;
  readonly around: Surroundings;
  /** The mount points at present. */
  readonly mounts: () => readonly string[];
  /** The kernel's clock for expiries: that of the wall, in whole seconds. */
  readonly nowSeconds: () => number;
  /** Told of the address of a client that may have nothing. */
  readonly onRefused: (address: string) => void;
}

/** Gives what answers a question of the kernel. */
export function answerer({ table, around, mounts, nowSeconds, onRefused }: Answering) {
  const isChanging = table.exports.some(({ rules }) =>
    rules.some(({ clients }) => clients.some(({ kind }) => kind === "name" || kind === "attached")),
  );
  const refused = new Set<string>();
  const aboutAddress = (address: string, now: number): KernelAnswer => {
    const domain = domainOf(table, address, around);
    if (domain === undefined && !refused.has(address) && refused.size < mostRefused) {
      refused.add(address);
      onRefused(address);
    }
    const seconds = domain === undefined ? shortlySeconds : isChanging ? changingSeconds : goodSeconds;
    return {
      text: addressAnswer(address, domain, now + seconds),
      refusal: addressAnswer(address, undefined, now + shortlySeconds),
    };
  };
  return (question: ChannelQuestion): KernelAnswer => {
    const now = nowSeconds();
    switch (question.kind) {
      case "address":
        return aboutAddress(question.address, now);
      case "handle": {
        const fsid = fsidInHandle(question);
        const path = fsid === undefined ? undefined : pathOf(table, fsid, mounts);
        const refusal = handleAnswer(question, undefined, now + shortlySeconds);
        return { text: path === undefined ? refusal : handleAnswer(question, path, now + goodSeconds), refusal };
      }
      case "path": {
        const { domain, path } = question;
        const entry = entryFor(table, domain, path);
        const refusal = pathAnswer(domain, path, undefined, now + shortlySeconds);
        return { text: entry === undefined ? refusal : pathAnswer(domain, path, entry, now + goodSeconds), refusal };
      }
    }
  };
}

/** Ports below it are root's alone. */
const firstOpenPort = 1_024;

/** What the kernel is told of a client that may have a directory. */
export interface Admission {
  readonly domain: string;
  readonly ofClient: string;
  readonly ofExport: string;
}

/**
 * Of a client of version 3, of which the kernel does not ask who it is before it is asked for a handle: it is told beforehand.
 * Undefined where the client may not have the directory.
 */
export function admission(
  { table, around, nowSeconds }: Pick<Answering, "table" | "around" | "nowSeconds">,
  { address, port }: MountClient,
  path: string,
): Admission | undefined {
  const domain = domainOf(table, address, around);
  const one = exportAround(table, path);
  const entry = domain === undefined || one === undefined ? undefined : entryFor(table, domain, one.path);
  if (domain === undefined || one === undefined || entry === undefined) return undefined;
  const isOpen = (entry.flags & exportFlags.insecurePort) !== 0;
  if (!isOpen && port >= firstOpenPort) return undefined;
  const expiry = nowSeconds() + goodSeconds;
  return {
    domain,
    ofClient: addressAnswer(address, domain, expiry),
    ofExport: pathAnswer(domain, one.path, entry, expiry),
  };
}

/** A client that there is not, and what it would get of an export: by what the kernel says to that, it is seen whether it can be one. */
export function trialAnswers(nowSeconds: number): {
  readonly ofClient: string;
  readonly ofExport: (one: Export) => string;
} {
  const domain = "check";
  const expiry = nowSeconds + shortlySeconds;
  return {
    ofClient: addressAnswer("0.0.0.0", domain, expiry),
    ofExport: (one) => {
      const options = one.rules[0]?.options;
      return pathAnswer(domain, one.path, options && { ...options, fsid: exportFsid(one) }, expiry);
    },
  };
}
