// Completion and manual: bash is really asked, and everything that can be given on the command line is in each of them.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, expect, it } from "vitest";
import { bashCompletion } from "../../../scripts/packages/bash.ts";
import { fishCompletion } from "../../../scripts/packages/fish.ts";
import { manPage } from "../../../scripts/packages/man-page.ts";
import { zshCompletion } from "../../../scripts/packages/zsh.ts";
import { flagName, variableRows } from "../../../src/config/variables.ts";
import { roles } from "../../../src/roles/roles.ts";

const folder = mkdtempSync(join(tmpdir(), "nfs-init-completion-"));
afterAll(() => rmSync(folder, { recursive: true }));
const script = join(folder, "nfs-init");
writeFileSync(script, bashCompletion());
// Names of files and programs to complete, beside none of the machine's.
writeFileSync(join(folder, "exports.conf"), "", { mode: 0o755 });

/** What bash offers for the last of the words; the words before it are complete. */
async function offered(words: readonly string[]): Promise<readonly string[]> {
  const ask = `source "$1"; shift; PATH=$PWD; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _nfs_init; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout } = await execa("bash", ["--norc", "-c", ask, "bash", script, "nfs-init", ...words], { cwd: folder });
  // A builtin may be called like a command of nfs-init; readline shows a word once.
  return [...new Set(stdout.split("\n"))].filter((word) => word !== "");
}

it("bash takes the completion without a complaint", async () => {
  const { stderr } = await execa("bash", ["-n", script]);
  expect(stderr).toBe("");
});

it.each<{ words: string[]; offers: string[] }>([
  { words: ["wai"], offers: ["wait"] },
  { words: ["ser"], offers: ["serve"] },
  { words: ["check", "--"], offers: ["--help", "--version", "--ready", "--since-start", "--state-dir"] },
  { words: ["status", "--wat"], offers: ["--watch"] },
  { words: ["--watch-t"], offers: ["--watch-timeout", "--watch-threshold"] },
  { words: ["--watch", ""], offers: ["exit", "restart", "remount", "log", "off"] },
  { words: ["--host", "nas", "--nfs-version", "4."], offers: ["4.0", "4.1", "4.2"] },
  { words: ["sidecar", "--guard", "o"], offers: ["on", "off"] },
  { words: ["serve", "--exports-file", "exp"], offers: ["exports.conf"] },
  // A host can be any word.
  { words: ["--host", ""], offers: [] },
  // From here on it is COMMAND, whose options are its own.
  { words: ["--", "exports"], offers: ["exports.conf"] },
  { words: ["--watch", "exit", "exports"], offers: ["exports.conf"] },
  { words: ["exports.conf", "--watch"], offers: [] },
  { words: ["serve", "--", "exports.conf", "--port"], offers: [] },
  // These take no COMMAND.
  { words: ["wait", "exports"], offers: [] },
])("bash offers $offers for $words", async ({ words, offers }) => {
  expect((await offered(words)).toSorted()).toEqual(offers.toSorted());
});

const behaviour = readFileSync("docs/behaviour.md", "utf8");
const manual = manPage({ version: "1.2.3", date: "2026-01-02", behaviour });

it.each([
  { of: "bash", text: bashCompletion(), mark: "--" },
  { of: "zsh", text: zshCompletion(), mark: "--" },
  { of: "fish", text: fishCompletion(), mark: "-l " },
  { of: "the manual", text: manual.replaceAll(String.raw`\-`, "-"), mark: "--" },
])("$of has every command, every switch and the flag of every variable", ({ text, mark }) => {
  for (const { name, switches } of roles) {
    expect(text).toMatch(new RegExp(String.raw`\b${name}\b`));
    for (const one of Object.keys(switches)) expect(text).toContain(`${mark}${one}`);
  }
  for (const variable of variableRows) {
    expect(text).toContain(`${mark}${variable.key === "mounts" ? "mount" : flagName(variable)}`);
  }
});

it("the manual has every variable, and every exit code of docs/behaviour.md", () => {
  const text = manual.replaceAll(String.raw`\-`, "-");
  for (const { name } of variableRows) expect(text).toContain(name);
  for (const code of ["128+n", "126, 127", "32", "64", "70", "75", "78", "124"]) expect(text).toContain(`\n${code}\n`);
});

it("the manual is set without a complaint", async (context) => {
  const file = join(folder, "nfs-init.1");
  writeFileSync(file, manual);
  const { exitCode, stdout, stderr } = await execa("groff", ["-man", "-ww", "-z", "-Tutf8", file], { reject: false });
  context.skip(exitCode === undefined, "there is no groff on this machine");
  expect([exitCode, stdout, stderr]).toEqual([0, "", ""]);
});
