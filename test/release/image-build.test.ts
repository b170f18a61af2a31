// The default way of the Dockerfiles, which make the executable inside the image's build: what they copy is enough, and gives the same bytes.
import { createHash } from "node:crypto";
import { cpSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { expect, it, onTestFinished } from "vitest";
import { stageNamed, type Instruction } from "../support/dockerfile.ts";
import { releasedFile } from "./released.ts";

const images = ["Dockerfile", "Dockerfile.alpine", "Dockerfile.ubuntu"];
const platforms = { amd64: "linux-x64", arm64: "linux-arm64" };

/** The stage that installs the tools and the one that builds on it. */
const stagesOfBuild = (file: string): readonly Instruction[] => {
  const text = readFileSync(file, "utf8");
  return [...stageNamed(text, "tools"), ...stageNamed(text, "build")];
};

/** What the instructions copy out of the build's context. */
function copied(instructions: readonly Instruction[]): readonly string[] {
  return instructions.filter(([word]) => word === "COPY").flatMap(([, rest]) => rest.split(/\s+/).slice(0, -1));
}

it.each(images)("everything that %s copies is in the build's context", (file) => {
  const context = readFileSync(".dockerignore", "utf8").split("\n");
  expect(context).toContain("*");
  const names = copied(stagesOfBuild(file));
  expect(names).toContain("package-lock.json");
  expect(names.filter((name) => !context.includes(`!${name}`))).toEqual([]);
});

it("the three make the executable in the same way", () => {
  const [first, ...others] = images.map((file) => stagesOfBuild(file));
  expect(others).toEqual([first, first]);
});

it.each(images.slice(0, 1))(
  "%s makes the executables from nothing but what it copies, byte for byte those of build:all",
  { timeout: 600_000 },
  async (file) => {
    const folder = mkdtempSync(join(tmpdir(), "nfs-init-image-"));
    // All of node_modules is in it.
    onTestFinished(() => rmSync(folder, { recursive: true }), 120_000);
    // The copy has no repository, as the build's context has none.
    const { stdout: version } = await execa(releasedFile("linux-x64"), ["--version"]);
    const REVISION = /commit (\w+)/.exec(version)?.[1] ?? "";
    const run = (command: string, TARGETARCH: string) =>
      // What the builder keeps between two builds is kept by this folder here.
      execa("sh", ["-c", command.replaceAll(/--mount=\S+/g, "")], { cwd: folder, env: { TARGETARCH, REVISION } });

    const instructions = stagesOfBuild(file);
    const build = instructions.at(-1);
    if (build?.[0] !== "RUN") throw new Error(`the last instruction is ${build?.[0]}`);
    for (const [word, rest] of instructions.slice(0, -1)) {
      if (word === "RUN") await run(rest, "");
      if (word === "COPY")
        for (const name of copied([[word, rest]])) cpSync(name, join(folder, name), { recursive: true });
    }
    for (const [arch, name] of Object.entries(platforms)) {
      await run(build[1], arch);
      expect(sha256(join(folder, "nfs-init")), name).toBe(sha256(releasedFile(name)));
    }
  },
);

function sha256(file: string): string {
  return createHash("sha256").update(readFileSync(file)).digest("hex");
}
