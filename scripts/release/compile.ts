// Makes one executable of the program and a runtime; the same sources give the same bytes, whatever folder they are in.
import { readFileSync } from "node:fs";
import { commitOf } from "./commit.ts";

export interface Compilation {
  readonly outfile: string;
  /** The runtime that goes into it; that of this machine if not given. */
  readonly runtime?: { readonly executable: string; readonly cpu: "x64" | "arm64"; readonly libc: "glibc" | "musl" };
}

/** Runs under Bun, in the project's folder. */
export async function compile({ outfile, runtime }: Compilation): Promise<void> {
  const { version } = JSON.parse(readFileSync("package.json", "utf8")) as { version: string };
  const result = await Bun.build({
    entrypoints: ["src/cli.ts"],
    compile: {
      outfile,
      ...(runtime !== undefined && {
        target: `bun-linux-${runtime.cpu}${runtime.libc === "musl" ? "-musl" : ""}`,
        executablePath: runtime.executable,
      }),
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
    define: {
      NFS_INIT_VERSION: JSON.stringify(version),
      NFS_INIT_COMMIT: JSON.stringify(commitOf(".", process.env)),
      "process.env.NODE_ENV": '"production"',
      // Bun would write the folder of the build into CommonJS modules.
      __dirname: '"/nfs-init"',
      __filename: '"/nfs-init/module.js"',
    },
    throw: false,
  });
  for (const message of result.logs) console.error(message);
  if (!result.success) throw new Error(`cannot build ${outfile}`);
}
