// The names that the program finds replaced by constants: what it is, and of which commit.
import { readFileSync } from "node:fs";
import { commitOf } from "../release/commit.ts";
import { engineLabel } from "./pins.ts";

export function buildConstants(): Readonly<Record<string, string>> {
  const { version } = JSON.parse(readFileSync("package.json", "utf8")) as { readonly version: string };
  return {
    NFS_INIT_VERSION: JSON.stringify(version),
    NFS_INIT_COMMIT: JSON.stringify(commitOf(".", process.env)),
    NFS_INIT_ENGINE: JSON.stringify(engineLabel),
  };
}
