// Bundles the TypeScript into chunks of JavaScript, one for what is loaded at the start and one for each dynamic import.
import { relative, resolve } from "node:path";
import { rolldown, type ModuleInfo, type OutputChunk } from "rolldown";
import { chunkNames } from "./chunk-names.ts";

/** A chunk of the program, as the engine loads it. */
export interface Chunk {
  /** As in `import("./NAME.js")`. */
  readonly name: string;
  readonly code: string;
  readonly map: SourceMap;
}

/** The parts of a source map (version 3) that are used; sources are relative to the project. */
export interface SourceMap {
  readonly sources: readonly string[];
  readonly mappings: string;
}

export interface Bundling {
  /** Its chunk is the first, and has its name. */
  readonly entry: string;
  readonly aliases: Readonly<Record<string, string>>;
  /** Names that become constants: `{ NFS_INIT_VERSION: '"0.1.0"' }`. */
  readonly constants: Readonly<Record<string, string>>;
}

/** Modules that the executable brings itself. */
export const givenModules: readonly string[] = ["native", "line-map"];

export async function bundle({ entry, aliases, constants }: Bundling): Promise<readonly Chunk[]> {
  const problems: string[] = [];
  let start: ReadonlySet<string> | undefined;
  const atStart = (infoOf: (id: string) => ModuleInfo | null) => (start ??= loadedWith(resolve(entry), infoOf));
  const build = await rolldown({
    input: entry,
    external: [...givenModules],
    platform: "neutral",
    // That of src names types in place of modules.
    tsconfig: false,
    resolve: {
      mainFields: ["module", "main"],
      alias: Object.fromEntries(
        Object.entries(aliases).map(([name, target]) => [name, target.startsWith("./") ? resolve(target) : target]),
      ),
    },
    transform: { target: "es2023", define: { "process.env.NODE_ENV": '"production"', ...constants } },
    onLog: (_level, log) => void problems.push(log.message),
  });
  try {
    const { output } = await build.generate({
      format: "esm",
      sourcemap: true,
      dir: "dist",
      entryFileNames: "[name].js",
      chunkFileNames: "[name].js",
      codeSplitting: {
        groups: [
          {
            debugName: "at-start",
            name: (id, context) => (atStart((one) => context.getModuleInfo(one)).has(id) ? "at-start" : null),
          },
        ],
      },
      // Faults name lines and show names: statements stay on lines of their own, and functions and classes keep their names.
      minify: { compress: false, mangle: { keepNames: true }, codegen: false },
    });
    const chunks = output.filter((part) => part.type === "chunk");
    problems.push(...foreignImports(chunks));
    if (problems.length > 0) throw new Error(`cannot bundle ${entry}:\n${problems.join("\n")}`);
    const names = chunkNames(chunks.map(({ fileName }) => fileName));
    return chunks.map(({ code, map }, index) => ({
      name: names[index] ?? "",
      code,
      map: {
        sources: (map?.sources ?? []).map((source) => sourceName(relative(".", resolve("dist", source)))),
        mappings: map?.mappings ?? "",
      },
    }));
  } finally {
    await build.close();
  }
}

/**
 * An entry and everything that is loaded with it: one chunk is read faster than several. Not of an entry that exports something,
 * which would only hand on what another chunk has.
 */
function loadedWith(entry: string, infoOf: (id: string) => ModuleInfo | null): ReadonlySet<string> {
  const found = new Set<string>();
  if ((infoOf(entry)?.exports.length ?? 0) > 0) return found;
  const take = (one: string) => {
    if (found.has(one)) return;
    found.add(one);
    for (const other of infoOf(one)?.importedIds ?? []) take(other);
  };
  take(entry);
  return found;
}

/** The name of a source, whose path is relative to the project. Packages may be linked, and lie anywhere: theirs begins with node_modules. */
function sourceName(path: string): string {
  const at = path.indexOf("node_modules/");
  return at === -1 ? path : path.slice(at);
}

/** What a chunk imports that is neither a chunk nor given: the engine would not find it. */
function foreignImports(chunks: readonly OutputChunk[]): readonly string[] {
  const known = new Set([...givenModules, ...chunks.map(({ fileName }) => fileName)]);
  return chunks.flatMap(({ fileName, imports, dynamicImports, moduleIds }) =>
    [...imports, ...dynamicImports]
      .filter((name) => !known.has(name))
      .map(
        (name) =>
          `${fileName} imports ${name}, which the engine has not: give it a stand-in in scripts/native/aliases.ts; it is imported by one of ${moduleIds.map((id) => relative(".", id)).join(", ")}`,
      ),
  );
}
