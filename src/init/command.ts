// COMMAND: its arguments and environment as bytes, exactly as nfs-init was given them.

export interface Command {
  /** argv, the program first; raw bytes, which need not be UTF-8. */
  readonly argv: readonly Uint8Array[];
  /** `NAME=value` entries, raw bytes. */
  readonly env: readonly Uint8Array[];
}

/** The entries of a NUL-separated text such as /proc/self/cmdline; each ends with a NUL. */
export function splitEntries(bytes: Uint8Array): readonly Uint8Array[] {
  const entries: Uint8Array[] = [];
  for (let start = 0; start < bytes.byteLength;) {
    const nul = bytes.indexOf(0, start);
    const end = nul === -1 ? bytes.byteLength : nul;
    entries.push(bytes.subarray(start, end));
    start = end + 1;
  }
  return entries;
}

/**
 * COMMAND's raw arguments: the last ones of `rawArgv`. Where the raw ones are not to be had (no /proc) or do not fit, the
 * decoded ones serve.
 */
export function commandArgv(
  words: readonly string[],
  rawArgv: readonly Uint8Array[] | undefined,
): readonly Uint8Array[] {
  if (rawArgv !== undefined && rawArgv.length > words.length) return rawArgv.slice(rawArgv.length - words.length);
  const encoder = new TextEncoder();
  return words.map((word) => encoder.encode(word));
}
