// The completions of zsh and fish and the manual, by the programs that read them, out of Debian's packages.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, expect, it } from "vitest";
import { unpackPackages } from "../../scripts/debian/unpack.ts";
import { manualOf } from "../../scripts/packages/contents.ts";
import { fishCompletion } from "../../scripts/packages/fish.ts";
import { zshCompletion } from "../../scripts/packages/zsh.ts";

const folder = mkdtempSync(join(tmpdir(), "nfs-init-shells-"));
let root = "";

beforeAll(async () => {
  root = await unpackPackages("shells", [{ names: ["zsh", "fish", "mandoc"], withDependencies: true }]);
  writeFileSync(join(folder, "_nfs-init"), zshCompletion());
  writeFileSync(join(folder, "nfs-init.fish"), fishCompletion());
  writeFileSync(join(folder, "nfs-init.1"), manualOf({ version: "1.2.3", time: 1_767_225_600 }));
}, 300_000);
afterAll(() => rmSync(folder, { recursive: true }));

const questions = [
  { line: "nfs-init check --", offers: ["--ready", "--since-start"], but: "--watch" },
  { line: "nfs-init --watch ", offers: ["remount", "restart"], but: "--watch" },
  { line: "nfs-init status --w", offers: ["--watch"], but: "--watch-interval" },
  { line: "nfs-init sidecar --guard ", offers: ["off", "on"], but: "remount" },
];

it.each(questions)("fish offers $offers for $line", async ({ line, offers, but }) => {
  const libraries = ["usr/lib", "lib"].map((place) => join(root, place, "x86_64-linux-gnu")).join(":");
  const ask = `source ${join(folder, "nfs-init.fish")}; complete -C '${line}'`;
  const { stdout } = await execa(join(root, "usr/bin/fish"), ["--no-config", "-c", ask], {
    env: { LD_LIBRARY_PATH: libraries, HOME: folder },
  });
  const words = stdout.split("\n").map((row) => row.split("\t")[0]);
  expect(words).toEqual(expect.arrayContaining(offers));
  expect(words).not.toContain(but);
});

it.each(questions)("zsh offers $offers for $line", async ({ line, offers }) => {
  const zsh = join(root, "bin/zsh");
  for (const expected of offers) {
    const { stdout } = await execa(
      zsh,
      ["-f", join(import.meta.dirname, "ask-zsh.zsh"), root, folder, line, expected],
      { env: { HOME: folder }, timeout: 30_000 },
    );
    expect(stdout).toContain(expected);
  }
});

it("mandoc finds nothing in the manual that is worth a warning", async () => {
  const { stdout } = await execa(join(root, "usr/bin/mandoc"), [
    "-T",
    "lint",
    "-W",
    "warning",
    join(folder, "nfs-init.1"),
  ]);
  expect(stdout).toBe("");
});
