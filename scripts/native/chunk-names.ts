// The names by which chunks import each other.

/** Bare names of the bundler's files, in their order; one that the executable gives to something else, or that is no plain name, is a fault. */
export function chunkNames(fileNames: readonly string[]): readonly string[] {
  const names = fileNames.map((file) => file.replace(/\.js$/, ""));
  const bad = names.filter(
    (name, index) => !/^[\w.-]+$/.test(name) || reserved.has(name) || names.indexOf(name) !== index,
  );
  if (bad.length > 0) throw new Error(`no chunk can be called ${bad.join(", ")}: rename the module`);
  return names;
}

const reserved = new Set(["native", "line-map"]);
