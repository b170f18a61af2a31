// The released executables: what they need of a system, what they say they are, and that anybody can build the same bytes.
import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { constants, zstdCompressSync } from "node:zlib";
import { execa } from "execa";
import { describe, expect, it, onTestFinished } from "vitest";
import { engineLabel } from "../../scripts/native/pins.ts";
import { readElfNeeds, readElfProtection } from "./elf.ts";
import { released, releasedFile } from "./released.ts";

const project = join(import.meta.dirname, "../..");
describe.each(released)("nfs-init-$name", ({ file, cpu }) => {
  it("needs nothing of a system: no loader and no library", () => {
    expect(readElfNeeds(file)).toEqual({
      machine: cpu === "x64" ? "x86-64" : "AArch64",
      isRelocatable: true,
      interpreter: "",
      libraries: [],
      versions: {},
    });
  });

  it("has no memory that is both written and executed, and protects its tables", () => {
    expect(readElfProtection(file)).toEqual({ stack: "rw-", writableCode: 0, hasRelro: true, bindsAtStart: true });
  });

  it("is at most 1.8 MB", () => {
    expect(statSync(file).size).toBeLessThanOrEqual(1.8e6);
  });

  it("is at most 0.85 MB when it is packed", () => {
    const params = { [constants.ZSTD_c_compressionLevel]: 19 };
    expect(zstdCompressSync(readFileSync(file), { params }).length).toBeLessThanOrEqual(0.85e6);
  });
});

it("SHA256SUMS holds the checksum of every executable and list of parts", async () => {
  const { stdout } = await execa("sha256sum", ["--check", "SHA256SUMS"], { cwd: join(project, "dist") });
  expect(stdout.split("\n")).toEqual(
    released.flatMap(({ name }) => [`nfs-init-${name}: OK`, `nfs-init-${name}.cdx.json: OK`]),
  );
});

it("--version names the version, the commit, the engine and the C library", async () => {
  const { stdout } = await execa(releasedFile("linux-x64"), ["--version"]);
  const { version } = JSON.parse(readFileSync(join(project, "package.json"), "utf8")) as { version: string };
  expect(stdout).toMatch(
    new RegExp(String.raw`^nfs-init ${version} \(commit ([0-9a-f]{12}|unknown), ${engineLabel}\)$`),
  );
});

it("is the same, byte for byte, when all of it is built in another folder", { timeout: 600_000 }, async () => {
  const elsewhere = copyOfSources();
  // A copy of the sources has no repository.
  const { stdout: version } = await execa(releasedFile("linux-x64"), ["--version"]);
  const commit = /commit (\w+)/.exec(version)?.[1] ?? "";
  for (const { file, cpu } of released) {
    const script = `import { buildExecutable } from "./scripts/native/executable.ts"; await buildExecutable(${JSON.stringify({ target: cpu, outfile: file })});`;
    await execa(process.execPath, ["--input-type=module-typescript", "--eval", script], {
      cwd: elsewhere,
      env: { NFS_INIT_COMMIT: commit },
    });
    expect(sha256(join(elsewhere, file)), file).toBe(sha256(join(project, file)));
  }
});

/** The sources in a folder of another depth and with a blank in its name, with the packages and tools of here. Nothing is compiled yet. */
function copyOfSources(): string {
  const root = mkdtempSync(join(tmpdir(), "nfs-init-release-"));
  onTestFinished(() => rmSync(root, { recursive: true }));
  const folder = join(root, "another folder/nfs-init");
  for (const name of ["package.json", "tsconfig.json", "src", "native", "scripts"]) {
    cpSync(join(project, name), join(folder, name), { recursive: true });
  }
  cpSync(join(project, ".build/fetched"), join(folder, ".build/fetched"), { recursive: true });
  for (const name of ["node_modules", ".build/tools"]) {
    if (existsSync(join(project, name))) symlinkSync(join(project, name), join(folder, name));
  }
  return folder;
}

function sha256(file: string): string {
  return createHash("sha256").update(readFileSync(file)).digest("hex");
}
