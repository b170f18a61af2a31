// Parsers for the values of exports and of the server.
import { explainClient, parseClient, type Client } from "../export/clients.ts";
import type { ServedVersion } from "../export/server.ts";
import { parseVip, type Vip } from "../export/vip/written.ts";
import { absolutePath, type Format } from "./values.ts";

/** Clients with blanks or commas between. */
export const clientList: Format<readonly Client[]> = {
  accepts: "*, addresses, networks such as 10.0.0.0/8, host names, with blanks or commas between",
  parse: (text) => {
    const clients = wordsOf(text).map(parseClient);
    const all = clients.filter((one) => one !== undefined);
    return all.length === clients.length && all.length > 0 ? all : undefined;
  },
  explain: (text) => {
    const wrong = wordsOf(text).find((word) => parseClient(word) === undefined);
    return wrong === undefined ? undefined : (explainClient(wrong) ?? `${wrong} is no address, network or host name`);
  },
};

function wordsOf(text: string): readonly string[] {
  return text.split(/[\s,]+/).filter((word) => word !== "");
}

/** Permission bits of a directory in octal, chmod(1). */
export const octalMode: Format<number> = {
  accepts: "an octal mode such as 0775",
  parse: (text) =>
    /^[0-7]{3,5}$/.test(text) && Number.parseInt(text, 8) <= 0o7777 ? Number.parseInt(text, 8) : undefined,
};

/** A disk, as mount(8) is told of one. */
export type Device =
  | { readonly kind: "label" | "uuid"; readonly value: string }
  | { readonly kind: "path"; readonly value: string };

export const device: Format<Device> = {
  accepts: "LABEL=name, UUID=number or the path of a device",
  parse: (text) => {
    const [, tag, value] = /^(LABEL|UUID)=(.+)$/.exec(text) ?? [];
    if (value !== undefined) return { kind: tag === "LABEL" ? "label" : "uuid", value };
    const path = absolutePath.parse(text);
    return path === undefined ? undefined : { kind: "path", value: path };
  },
};

/** A directory in memory; `size` as tmpfs(5) takes one, undefined for its default. */
export const scratch: Format<{ readonly size: string | undefined }> = {
  accepts: "tmpfs or tmpfs:SIZE, with SIZE as in 64m or 50%",
  parse: (text) => {
    const match = /^tmpfs(?::(\d{1,15}[kmgKMG]?|\d{1,3}%))?$/.exec(text);
    return match === null ? undefined : { size: match[1] };
  },
};

/** An address that moves with the service. */
export const vip: Format<Vip> = {
  accepts: "ADDRESS/PREFIX or ADDRESS/PREFIX@INTERFACE, as in 10.0.0.9/24@eth0",
  parse: parseVip,
};

const served: readonly ServedVersion[] = ["3", "4.0", "4.1", "4.2"];

export const servedVersions: Format<readonly ServedVersion[]> = {
  accepts: "any of 3, 4.0, 4.1 and 4.2, with commas or blanks between; 4 is 4.0 to 4.2",
  parse: (text) => {
    const words = wordsOf(text);
    const known = words.every((word) => word === "4" || served.some((one) => one === word));
    const isMeant = (one: ServedVersion) => words.includes(one) || (one !== "3" && words.includes("4"));
    return known && words.length > 0 ? served.filter(isMeant) : undefined;
  },
};
