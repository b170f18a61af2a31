// What packages import that the engine has not: each name with the file, or the package, that stands in for it.

/** commander reads words and formats help here, and touches neither files nor processes. */
const commanderWorld = "./src/host/commander-world.ts";

/** For the bundler; a file's name begins with `./` and is relative to the project. */
export const aliases: Readonly<Record<string, string>> = {
  "node:child_process": commanderWorld,
  "node:events": "events",
  "node:fs": commanderWorld,
  "node:path": commanderWorld,
  "node:process": commanderWorld,
  "node:util": commanderWorld,
  // The build for browsers writes where it is told and asks nothing of Node.
  pino: "./node_modules/pino/browser.js",
};
