// What commander asks of Node, by which it is asked for node:process, node:path, node:fs, node:child_process and node:util: it is
// used to read words and to format help, and touches neither the terminal nor processes.

export const env = {};
export const stdout = {};
export const stderr = {};
export const argv = [];
export const execArgv = [];
export const versions = {};

// Its errors ask for a stack without their own constructor; here it is made with the error.
Object.assign(Error, { captureStackTrace: () => {} });

/** Help has no colours here, so nothing is to be taken out of it. */
export function stripVTControlCharacters(text: string): string {
  return text;
}
