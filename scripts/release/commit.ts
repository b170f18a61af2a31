// Which commit a build is made from, read from the repository's own files: images that build have no git program.
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";

/** The first twelve digits of the commit's hash; `NFS_INIT_COMMIT` where a build has no repository at hand; otherwise "unknown". */
export function commitOf(project: string, environment: Readonly<Record<string, string | undefined>>): string {
  const commit = environment["NFS_INIT_COMMIT"] || readHead(project);
  return commit !== undefined && /^[0-9a-f]{7,64}$/.test(commit) ? commit.slice(0, 12) : "unknown";
}

/** gitrepository-layout(5): HEAD names a ref, and a ref is a file of its own or a line of packed-refs. */
function readHead(project: string): string | undefined {
  const pointer = read(join(project, ".git"));
  // In a worktree .git is a file.
  const folder = pointer === undefined ? join(project, ".git") : resolve(project, pointer.replace(/^gitdir: /, ""));
  const head = read(join(folder, "HEAD"));
  if (head === undefined || !head.startsWith("ref: ")) return head;
  const ref = head.slice("ref: ".length);
  const common = join(folder, read(join(folder, "commondir")) ?? ".");
  const packed = read(join(common, "packed-refs"))?.split("\n");
  return (
    read(join(folder, ref)) ??
    read(join(common, ref)) ??
    packed?.find((line) => line.endsWith(` ${ref}`))?.split(" ")[0]
  );
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8").trim();
  } catch {
    return undefined;
  }
}
