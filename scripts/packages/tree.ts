// Lays the files of a package into a folder as they are to be installed.
import { chmodSync, mkdirSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { PackagedFile } from "./contents.ts";

/** Makes `folder` anew; every file is of the time given, in seconds since 1970, whatever the umask. */
export function layTree(folder: string, files: readonly PackagedFile[], time: number): void {
  rmSync(folder, { recursive: true, force: true });
  for (const { path, content, isExecutable = false } of files) {
    const file = join(folder, path);
    mkdirSync(dirname(file), { recursive: true });
    for (let above = dirname(file); above.startsWith(folder); above = dirname(above)) chmodSync(above, 0o755);
    writeFileSync(file, content);
    chmodSync(file, isExecutable ? 0o755 : 0o644);
    utimesSync(file, time, time);
  }
}
