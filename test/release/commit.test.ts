// The commit in --version: read from any layout that a repository has, never from one around the project.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { commitOf } from "../../scripts/release/commit.ts";

const hash = "0123456789abcdef0123456789abcdef01234567";

it.each<{ title: string; files: Record<string, string>; project?: string }>([
  { title: "a detached HEAD", files: { ".git/HEAD": `${hash}\n` } },
  { title: "a branch", files: { ".git/HEAD": "ref: refs/heads/main\n", ".git/refs/heads/main": `${hash}\n` } },
  {
    title: "packed refs",
    files: {
      ".git/HEAD": "ref: refs/heads/main\n",
      ".git/packed-refs": `# pack-refs with: peeled\n${"f".repeat(40)} refs/heads/other\n${hash} refs/heads/main\n`,
    },
  },
  {
    title: "a worktree",
    files: {
      "tree/.git": "gitdir: ../main/.git/worktrees/tree\n",
      "main/.git/worktrees/tree/HEAD": "ref: refs/heads/side\n",
      "main/.git/worktrees/tree/commondir": "../..\n",
      "main/.git/refs/heads/side": `${hash}\n`,
    },
    project: "tree",
  },
])("is found with $title", ({ files, project = "." }) => {
  expect(commitOf(join(folderWith(files), project), {})).toBe("0123456789ab");
});

it.each<{ title: string; files: Record<string, string>; environment?: Record<string, string>; commit: string }>([
  { title: "there is no repository", files: {}, commit: "unknown" },
  { title: "the branch has no commit", files: { "project/.git/HEAD": "ref: refs/heads/main\n" }, commit: "unknown" },
  { title: "the repository is one around the project", files: { ".git/HEAD": `${hash}\n` }, commit: "unknown" },
  { title: "it is given", files: {}, environment: { NFS_INIT_COMMIT: "abcdef1" }, commit: "abcdef1" },
  { title: "no hash is given", files: {}, environment: { NFS_INIT_COMMIT: "v1.0 (mine)" }, commit: "unknown" },
])("is $commit where $title", ({ files, environment = {}, commit }) => {
  expect(commitOf(join(folderWith(files), "project"), environment)).toBe(commit);
});

function folderWith(files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), "nfs-init-commit-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  for (const [name, content] of Object.entries(files)) {
    const file = join(folder, name);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, content);
  }
  return folder;
}
