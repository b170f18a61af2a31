// What of the state directory is believed: what only root, or the very user that reads it, can have put there.

/** What stat(2) says of a file or a directory. */
export interface Ownership {
  readonly uid: number;
  readonly mode: number;
}

const typeBits = 0o170_000;
const types = { file: 0o100_000, directory: 0o040_000 } as const;

/** Why something is not believed, as what follows its name; undefined where it is. `ownUid` is the user that reads it. */
export function distrust({ uid, mode }: Ownership, type: keyof typeof types, ownUid?: number): string | undefined {
  if ((mode & typeBits) !== types[type]) return type === "file" ? "is not a regular file" : "is not a directory";
  if (uid !== 0 && uid !== ownUid) return `belongs to uid ${uid}, and neither to root nor to this user`;
  if ((mode & 0o022) !== 0) return "can be written by others than its owner";
  return undefined;
}
