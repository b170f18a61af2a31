// Absolute paths, and what lies above and below them.

/** An absolute path and the directories above it, the nearest first. */
export function withParents(path: string): readonly string[] {
  const paths: string[] = [];
  for (let end = path.length; end > 0; end = path.lastIndexOf("/", end - 1)) paths.push(path.slice(0, end));
  return path === "/" ? paths : [...paths, "/"];
}

/** Whether `path` is `directory` or lies below it; both absolute and without a trailing slash. */
export function isSameOrBelow(path: string, directory: string): boolean {
  return path === directory || path.startsWith(directory === "/" ? "/" : `${directory}/`);
}
