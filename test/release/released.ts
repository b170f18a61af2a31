// Where the released executables are, and what keeps the tests from passing without them.
import { existsSync } from "node:fs";
import { executableName, targets, type Target } from "../../scripts/release/targets.ts";

/** Every target with its executable; `npm run build:all` makes them. */
export const released = targets.map((target) => ({ ...target, file: `dist/${executableName(target)}` }));

/** The executable of one target, by name. */
export function releasedFile(name: Target["name"]): string {
  const target = released.find((one) => one.name === name);
  if (target === undefined || !existsSync(target.file))
    throw new Error(`there is no executable for ${name}: npm run build:all`);
  return target.file;
}
