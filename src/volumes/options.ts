// What a volume is, from its name and its options: a share, as a line of a list of shares, and a directory below it.
import { escapeField } from "../shares/escape.ts";
import { shown } from "../text/shown.ts";

export interface VolumeSpec {
  /** SOURCE, and TYPE and OPTIONS where they were given, as in NFS_MOUNTS. */
  readonly source: string;
  readonly type: string | undefined;
  readonly options: string | undefined;
  /** A directory below the share, made at need; its share is mounted for that. */
  readonly subdirectory:
    | { readonly path: string; readonly owner: Owner | undefined; readonly mode: number | undefined }
    | undefined;
  /** What becomes of that directory with the volume. */
  readonly onRemove: "keep" | "delete";
}

export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

export interface SpecProblem {
  readonly problem: string;
}

/** Every option that is known, with what is accepted; docs/docker-volumes.md has the same list. */
export const volumeOptions: Readonly<Record<string, string>> = {
  share: "HOST:/PATH, //HOST/SHARE, fs-0123abcd",
  device: "the same, or :/PATH with addr= among the options",
  type: "nfs, nfs3, nfs4, cifs, efs",
  o: "mount options, with commas between",
  subdir: "a directory below the share",
  owner: "UID or UID:GID, in numbers",
  mode: "an octal mode, as in 0750",
  "on-remove": "keep or delete",
  nfsopts: "mount options, as docker-volume-netshare has them",
  cifsopts: "mount options, as docker-volume-netshare has them",
  credentials: "the file with user and password of a CIFS share",
  username: "the user of a CIFS share",
  domain: "the domain of that user",
  security: "sec= of a CIFS share",
  fileMode: "file_mode= of a CIFS share",
  dirMode: "dir_mode= of a CIFS share",
  create: "true, which makes the directory at need; nothing else is done here",
};

/** Those that are mount options by themselves, and how mount(8) calls them. */
const mountOptions: Readonly<Record<string, string>> = {
  credentials: "credentials",
  username: "username",
  domain: "domain",
  security: "sec",
  fileMode: "file_mode",
  dirMode: "dir_mode",
};

const secretNames: ReadonlySet<string> = new Set(["password", "passwd", "pass", "pw"]);

/** The store is a share in which volumes that name none have a directory of their own each; undefined where there is none. */
export function readVolume(
  name: string,
  options: Readonly<Record<string, string>>,
  store: string | undefined,
): VolumeSpec | SpecProblem {
  const wrong = unknownOption(options);
  if (wrong !== undefined) return { problem: wrong };
  const text = (key: string) => (options[key] ?? "").trim() || undefined;
  const single = Object.keys(mountOptions).find((key) => text(key)?.includes(",") === true);
  if (single !== undefined) return refused(single, text(single) ?? "", `${volumeOptions[single]}, without commas`);
  const words = Object.entries(mountOptions).flatMap(([key, word]) => text(key) && `${word}=${text(key)}`);
  const given = [text("o") ?? text("nfsopts") ?? text("cifsopts"), ...words].filter((word) => word !== undefined);
  const place = placeOf(name, text("share") ?? text("device"), given.join(",") || undefined, store);
  if ("problem" in place) return place;
  const path = text("subdir") ?? place.subdirectory;
  const owner = text("owner");
  const mode = text("mode");
  const onRemove = text("on-remove") ?? "keep";
  if (path !== undefined && !isBelow(path))
    return refused("subdir", path, "a directory below the share, without . and ..");
  if (owner !== undefined && !isOwner(owner)) return refused("owner", owner, volumeOptions["owner"]);
  if (mode !== undefined && !/^0?[0-7]{3,4}$/.test(mode)) return refused("mode", mode, volumeOptions["mode"]);
  if (onRemove !== "keep" && onRemove !== "delete") return refused("on-remove", onRemove, volumeOptions["on-remove"]);
  if (onRemove === "delete" && path !== undefined && isAtOrInTrash(path))
    return {
      problem: "what is in the trash is not moved there; leave out on-remove, or set subdir to another directory",
    };
  if (path === undefined) {
    const lacking =
      owner !== undefined ? "owner" : mode !== undefined ? "mode" : onRemove === "delete" ? "on-remove" : undefined;
    if (lacking !== undefined)
      return { problem: `${lacking} is for a directory of the volume's own; set subdir to one` };
  }
  const subdirectory =
    path === undefined
      ? undefined
      : { path, owner: ownerOf(owner), mode: mode === undefined ? undefined : Number.parseInt(mode, 8) };
  return { source: place.source, type: text("type"), options: place.options, subdirectory, onRemove };
}

function unknownOption(options: Readonly<Record<string, string>>): string | undefined {
  for (const name of Object.keys(options)) {
    if (secretNames.has(name)) {
      return `${name}=*** is refused: Docker shows the options of a volume to everybody; put it into a file and name that by credentials=FILE among the options`;
    }
    if (!Object.hasOwn(volumeOptions, name))
      return `${shown(name)} is no option of a volume; there are ${Object.keys(volumeOptions).join(", ")}`;
  }
  return undefined;
}

function refused(name: string, value: string, accepted = ""): SpecProblem {
  return { problem: `${name}="${shown(value)}" is refused; accepted: ${accepted}` };
}

interface Place {
  readonly source: string;
  readonly options: string | undefined;
  readonly subdirectory: string | undefined;
}

function placeOf(
  name: string,
  share: string | undefined,
  options: string | undefined,
  store: string | undefined,
): Place | SpecProblem {
  if (share !== undefined) {
    const { address, rest } = withoutAddress(options);
    if (!share.startsWith(":/")) return { source: share, options: rest, subdirectory: undefined };
    if (address === undefined)
      return { problem: `device="${shown(share)}" names no host; write HOST:/PATH, or addr=HOST among the options` };
    const host = address.includes(":") ? `[${address}]` : address;
    return { source: `${host}${share}`, options: rest, subdirectory: undefined };
  }
  const adHoc = /^([^/:]+)\/(.+)$/.exec(name);
  // A name that says where the share is, as docker-volume-netshare has it.
  if (adHoc !== null) return { source: `${adHoc[1]}:/${adHoc[2]}`, options, subdirectory: undefined };
  if (/^fs-[0-9a-f]+$/.test(name)) return { source: name, options, subdirectory: undefined };
  if (store !== undefined) return { source: store, options, subdirectory: name };
  return { problem: "share is not set; give -o share=HOST:/PATH, or set NFS_PLUGIN_STORE for volumes that name none" };
}

/** Docker's local driver has the host among the options, as mount(2) has; what is mounted here has it in its source. */
function withoutAddress(options: string | undefined): {
  readonly address: string | undefined;
  readonly rest: string | undefined;
} {
  const words = options?.split(",") ?? [];
  const address = words.find((word) => word.startsWith("addr="))?.slice("addr=".length);
  const rest = words.filter((word) => !word.startsWith("addr="));
  return { address, rest: rest.length === 0 ? undefined : rest.join(",") };
}

/** Whether a path stays below what it is relative to. */
function isBelow(path: string): boolean {
  return (
    !path.includes("\0") &&
    path.split("/").every((part) => part !== "" && part !== "." && part !== ".." && part.length <= 255)
  );
}

/** Where directories of volumes that were removed go, below their share. */
export const trash = ".nfs-init-trash";

function isAtOrInTrash(path: string): boolean {
  return path === trash || path.startsWith(`${trash}/`);
}

/** The largest number of a user or a group; the one above it is none (chown(2)). */
const largestId = 2 ** 32 - 2;

function isOwner(text: string): boolean {
  return /^\d{1,10}(?::\d{1,10})?$/.test(text) && text.split(":").every((id) => Number(id) <= largestId);
}

function ownerOf(text: string | undefined): Owner | undefined {
  if (text === undefined) return undefined;
  const [uid = 0, gid = uid] = text.split(":").map(Number);
  return { uid, gid };
}

/** The share of a volume as a line of a list of shares: SOURCE TARGET TYPE OPTIONS. */
export function lineOfVolume({ source, type, options }: VolumeSpec, path: string, target: string): string {
  const columns = [withPath(source, path), target, type ?? "auto", ...(options === undefined ? [] : [options])];
  return columns.map(escapeField).join(" ");
}

/** A source with a path below its own; `path` may be empty. */
function withPath(source: string, path: string): string {
  if (path === "") return source;
  // An address has its path encoded, and options after it.
  const isAddress = /^nfs:\/\//i.test(source);
  const [place = "", ...query] = isAddress ? source.split("?") : [source];
  const base = /^fs-[0-9a-f]+$/.test(place) ? `${place}:` : place.replace(/\/+$/, "");
  const below = isAddress ? path.split("/").map(encodeURIComponent).join("/") : path;
  return [`${base}/${below}`, ...query].join("?");
}

/** The name of the directory that a volume is mounted on: of letters, digits, dots, dashes and underlines, never hidden, and another one for each volume. */
export function directoryOf(name: string): string {
  const bytes = [...new TextEncoder().encode(name)];
  const escaped = bytes.map((byte, index) => {
    const character = String.fromCharCode(byte);
    const isPlain = /[A-Za-z0-9_-]/.test(character) || (character === "." && index > 0);
    return isPlain ? character : `%${byte.toString(16).padStart(2, "0")}`;
  });
  return escaped.join("");
}
