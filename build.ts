// Builds dist/nfs-init for this machine: one executable with the runtime in it. Runs under Bun.
import { readFileSync } from "node:fs";

const { version } = JSON.parse(readFileSync("package.json", "utf8")) as { version: string };

const result = await Bun.build({
  entrypoints: ["src/cli.ts"],
  compile: {
    outfile: "dist/nfs-init",
    // A .env or bunfig.toml in the working directory must not reach COMMAND.
    autoloadDotenv: false,
    autoloadBunfig: false,
    autoloadTsconfig: false,
    autoloadPackageJson: false,
  },
  bytecode: true,
  format: "esm",
  // What a start does not need stays in a chunk of its own, which is not even read.
  splitting: true,
  // Names stay: full minification would mangle those of errors.
  minify: { syntax: true, whitespace: true, identifiers: false },
  define: { NFS_INIT_VERSION: JSON.stringify(version), "process.env.NODE_ENV": '"production"' },
  throw: false,
});
for (const message of result.logs) console.error(message);
if (!result.success) process.exit(1);
