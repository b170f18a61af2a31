// The files of client records: read at the start, and written before the kernel is told that a client is recorded.
import * as native from "native";
import { errnoOf } from "../errors.ts";
import {
  formatRecords,
  noRecords,
  parseRecords,
  type ClientRecords,
  type WrittenRecords,
} from "../export/client-records.ts";
import { writeAll } from "./children.ts";
import { closing } from "./opened.ts";
import { readUpTo } from "./small-files.ts";

/** Written in turn: of the two one is always whole, whenever the power goes. Names cannot be changed from within another root. */
const fileNames = ["client-records.0", "client-records.1"] as const;
/** 16 thousand clients with names of the longest. */
const longestRecordsBytes = 32 * 1024 * 1024;

export interface RecordFiles {
  /** What an earlier instance left. */
  readonly found: ClientRecords;
  /**
   * Writes them; on the disk when it returns. A disk that is full or read-only throws nothing, and its error is given: a server that
   * forgets is better than none.
   */
  readonly keep: (records: ClientRecords) => string | undefined;
}

/** Opens the directory, by which it goes from then on, whatever the root becomes. */
export function openRecords(directory: string): RecordFiles {
  const folder = native.open(directory, native.O_RDONLY | native.O_DIRECTORY);
  const written = fileNames.flatMap((name) => read(folder, name) ?? []);
  const last = written.reduce<WrittenRecords>((one, other) => (other.sequence > one.sequence ? other : one), {
    sequence: 0,
    records: noRecords,
  });
  let { sequence } = last;
  return {
    found: last.records,
    keep: (records) => {
      sequence++;
      try {
        write(folder, fileNames[sequence % 2 === 0 ? 0 : 1], native.encodeUtf8(formatRecords({ sequence, records })));
        return undefined;
      } catch (error) {
        const errno = errnoOf(error);
        if (errno === undefined) throw error;
        return errno;
      }
    },
  };
}

function read(folder: number, name: string): WrittenRecords | undefined {
  try {
    return closing(native.openat(folder, name, native.O_RDONLY | native.O_NOFOLLOW), (fd) =>
      parseRecords(native.decodeUtf8(readUpTo(fd, longestRecordsBytes))),
    );
  } catch {
    return undefined;
  }
}

function write(folder: number, name: string, bytes: Uint8Array): void {
  const flags = native.O_WRONLY | native.O_CREAT | native.O_TRUNC | native.O_NOFOLLOW;
  closing(native.openat(folder, name, flags, 0o600), (fd) => {
    writeAll(fd, bytes);
    native.fsync(fd);
  });
}
