// Reads Dockerfiles: the instructions of their stages (Dockerfile reference, "Format").

/** A word such as `COPY`, and the rest of its line; continued lines are one. */
export type Instruction = readonly [word: string, rest: string];

/** The instructions of each stage, its FROM first. What stands before the first FROM belongs to none. */
export function stagesOf(dockerfile: string): readonly (readonly Instruction[])[] {
  const lines = dockerfile
    .replaceAll(/^\s*#.*\n/gm, "")
    .replaceAll(/\\\n/g, " ")
    .split("\n")
    .filter((line) => line.trim() !== "");
  const stages: Instruction[][] = [];
  for (const line of lines) {
    const [, word = "", rest = ""] = /^\s*(\w+)\s+(.*)$/.exec(line) ?? [];
    if (word.toUpperCase() === "FROM") stages.push([]);
    stages.at(-1)?.push([word.toUpperCase(), rest]);
  }
  return stages;
}

/** The stage that `FROM ... AS name` begins. */
export function stageNamed(dockerfile: string, name: string): readonly Instruction[] {
  const found = stagesOf(dockerfile).find(([from]) => from?.[1].endsWith(` AS ${name}`));
  if (found === undefined) throw new Error(`the Dockerfile has no stage ${name}`);
  return found;
}
