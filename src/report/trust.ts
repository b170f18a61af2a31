// What of the state directory is believed: what only root, or the very user that reads it, can have put there.

/** What stat(2) says of a file or a directory. */
export interface Ownership {
  readonly type: string;
  readonly uid: number;
  readonly mode: number;
}

/** Why something is not believed, as what follows its name; undefined where it is. `ownUid` is the user that reads it. */
export function distrust(
  { type, uid, mode }: Ownership,
  wanted: "file" | "directory",
  ownUid?: number,
): string | undefined {
  if (type !== wanted) return wanted === "file" ? "is not a regular file" : "is not a directory";
  if (uid !== 0 && uid !== ownUid) return `belongs to uid ${uid}, and neither to root nor to this user`;
  if ((mode & 0o022) !== 0) return "can be written by others than its owner";
  return undefined;
}
