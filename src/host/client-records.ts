// The files of client records: read at the start, and written before the kernel is told that a client is recorded.
import { formatRecords, noRecords, parseRecords, type ClientRecords } from "../export/client-records.ts";
import { openInTurn } from "./written-in-turn.ts";

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

export function openRecords(directory: string): RecordFiles {
  const files = openInTurn(directory, fileNames, longestRecordsBytes, parseRecords);
  return {
    found: files.found?.records ?? noRecords,
    keep: (records) => files.keep((sequence) => formatRecords({ sequence, records })),
  };
}
