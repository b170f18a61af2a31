// What `plugin` does to files: the list of volumes that outlives it, and the directories of volumes on their shares.
import * as native from "native";
import { AppError, errnoOf, exitCodes, messageOf } from "../errors.ts";
import type { Owner } from "../volumes/options.ts";
import { formatVolumes, longestListBytes, parseVolumes, type StoredVolumes } from "../volumes/stored.ts";
import { readRegular } from "./bounded-file.ts";
import { inChild } from "./children.ts";
import { replaceDurably } from "./whole-file.ts";
import { prepareBelow, type Ready } from "./share-calls.ts";
import { makeDirectories } from "./small-files.ts";

const fileName = "volumes.json";

/** Throws AppError 78 for one that is there and was not written whole: volumes that are forgotten would be lost to Docker for good. */
export function loadVolumes(directory: string): StoredVolumes | undefined {
  const path = `${directory}/${fileName}`;
  const content = readRegular(path, longestListBytes);
  if (content.kind === "absent") return undefined;
  const stored = content.kind === "read" ? parseVolumes(native.decodeUtf8(content.bytes)) : undefined;
  if (stored !== undefined) return stored;
  const reason = content.kind === "read" ? "it is damaged" : content.reason;
  throw new AppError(`${path} cannot be used: ${reason}`, exitCodes.config, {
    hint: "mend it, or move it away: without it Docker forgets every volume of this driver, and none of their files",
  });
}

export function saveVolumes(directory: string, stored: StoredVolumes): void {
  makeDirectories(directory, 0o700);
  replaceDurably(`${directory}/${fileName}`, formatVolumes(stored));
}

/** Time for calls on a share. */
const callMs = 10_000;

/** Gives a directory on a share to an owner, and a mode; why that cannot be, otherwise undefined. */
export function adoptDirectory(
  path: string,
  owner: Owner | undefined,
  mode: number | undefined,
): Promise<string | undefined> {
  return refusalOf(() => {
    const fd = native.open(`${path}/`, native.O_RDONLY | native.O_DIRECTORY);
    const there = native.fstat(fd);
    const isOwned = owner === undefined || (there.uid === owner.uid && there.gid === owner.gid);
    if (owner !== undefined && !isOwned) native.fchown(fd, owner.uid, owner.gid);
    // A change of owner may take bits of the mode.
    if (mode !== undefined && (!isOwned || there.mode !== mode)) native.fchmod(fd, mode);
    const now = native.fstat(fd);
    // A server that keeps neither says yes to both.
    if (owner !== undefined && (now.uid !== owner.uid || now.gid !== owner.gid))
      throw new Error(`it still shows the owner ${now.uid}:${now.gid}`);
    if (mode !== undefined && now.mode !== mode) throw new Error(`it still shows the mode ${now.mode.toString(8)}`);
  });
}

/** Moves a directory below `share` to another path below it, neither of which leads through a symbolic link. */
export function moveBelow(share: string, path: string, to: string): Promise<string | undefined> {
  return refusalOf(() => {
    const from = heldParent(share, path);
    const there = heldParent(share, to);
    try {
      native.rename(from, there);
    } catch (error) {
      // What is gone needs no trash.
      if (errnoOf(error) !== "ENOENT") throw error;
    }
  });
}

function heldParent(share: string, path: string): string {
  const parts = path.split("/");
  const name = parts.pop() ?? "";
  const ready: Ready = prepareBelow([share, ...parts].join("/"), share);
  if (ready.kind === "prepared") return `${ready.path}/${name}`;
  throw Object.assign(new Error(ready.reason), { code: ready.kind === "refused" ? (ready.errno ?? "EIO") : "EIO" });
}

async function refusalOf(work: () => void): Promise<string | undefined> {
  const answer = await inChild(() => {
    try {
      work();
      return "";
    } catch (error) {
      return messageOf(error);
    }
  }, callMs);
  switch (answer.kind) {
    case "answer":
      return answer.value === "" ? undefined : answer.value;
    case "failed":
    case "not-started":
      return answer.reason;
    case "no-answer":
      return "the share does not answer";
  }
}
