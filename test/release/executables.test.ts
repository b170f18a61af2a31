// The released executables: what they need of a system, what they say they are, and that anybody can build the same bytes.
import { createHash } from "node:crypto";
import { cpSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { describe, expect, it, onTestFinished } from "vitest";
import { runtimeVersion } from "../../scripts/release/targets.ts";
import { readElfNeeds } from "./elf.ts";
import { released, releasedFile } from "./released.ts";

const project = join(import.meta.dirname, "../..");
const oldestGlibc = 2.27;

describe.each(released.filter(({ libc }) => libc === "glibc"))("nfs-init-$name", ({ file, cpu }) => {
  it(`starts on glibc ${oldestGlibc}, which is Ubuntu 18.04`, () => {
    const { machine, interpreter, versions } = readElfNeeds(file);
    expect(machine).toBe(cpu === "x64" ? "x86-64" : "AArch64");
    expect(interpreter).toBe(cpu === "x64" ? "/lib64/ld-linux-x86-64.so.2" : "/lib/ld-linux-aarch64.so.1");
    const needed = Object.values(versions).flat();
    expect(needed.length).toBeGreaterThan(0);
    const minor = (version: string) => Number(/^GLIBC_2\.(\d+)/.exec(version)?.[1] ?? Number.NaN);
    expect(needed.filter((version) => !(minor(version) <= 27))).toEqual([]);
  });

  it("needs nothing beside glibc", () => {
    expect(readElfNeeds(file).libraries.toSorted()).toEqual([
      cpu === "x64" ? "ld-linux-x86-64.so.2" : "ld-linux-aarch64.so.1",
      "libc.so.6",
      "libdl.so.2",
      "libm.so.6",
      "libpthread.so.0",
    ]);
  });
});

describe.each(released.filter(({ libc }) => libc === "musl"))("nfs-init-$name", ({ file, cpu }) => {
  it("needs musl and libstdc++, which brings libgcc_s", () => {
    const { machine, interpreter, libraries, versions } = readElfNeeds(file);
    const name = cpu === "x64" ? "x86_64" : "aarch64";
    expect(machine).toBe(cpu === "x64" ? "x86-64" : "AArch64");
    expect(interpreter).toBe(`/lib/ld-musl-${name}.so.1`);
    expect(libraries.toSorted()).toEqual([`libc.musl-${name}.so.1`, "libstdc++.so.6"]);
    expect(versions).toEqual({});
  });
});

it("SHA256SUMS holds the checksum of every executable and list of parts", async () => {
  const { stdout } = await execa("sha256sum", ["--check", "SHA256SUMS"], { cwd: join(project, "dist") });
  expect(stdout.split("\n")).toEqual(
    released.flatMap(({ name }) => [`nfs-init-${name}: OK`, `nfs-init-${name}.cdx.json: OK`]),
  );
});

it("--version names the version, the commit and the runtime", async () => {
  const { stdout } = await execa(releasedFile("linux-x64"), ["--version"]);
  const { version } = JSON.parse(readFileSync(join(project, "package.json"), "utf8")) as { version: string };
  expect(stdout).toMatch(
    new RegExp(String.raw`^nfs-init ${version} \(commit ([0-9a-f]{12}|unknown), bun ${runtimeVersion}\)$`),
  );
});

it("is the same, byte for byte, when it is built in another folder", { timeout: 120_000 }, async () => {
  const elsewhere = copyOfSources();
  // A copy of the sources has no repository.
  const { stdout: version } = await execa(releasedFile("linux-x64"), ["--version"]);
  const commit = /commit (\w+)/.exec(version)?.[1] ?? "";
  for (const { file, cpu, libc, runtime } of released) {
    const executable = join(project, `node_modules/.cache/nfs-init/${runtime.name.split("/")[1]}-${runtimeVersion}`);
    const compilation = { outfile: file, runtime: { executable, cpu, libc } };
    const script = `import { compile } from "./scripts/release/compile.ts"; await compile(${JSON.stringify(compilation)});`;
    await execa(join(project, "node_modules/.bin/bun"), ["-e", script], {
      cwd: elsewhere,
      env: { NFS_INIT_COMMIT: commit },
    });
    expect(sha256(join(elsewhere, file)), file).toBe(sha256(join(project, file)));
    rmSync(join(elsewhere, file));
  }
});

/** The sources and the packages that are bundled, in a folder of another depth and with a blank in its name. */
function copyOfSources(): string {
  const root = mkdtempSync(join(tmpdir(), "nfs-init-release-"));
  onTestFinished(() => rmSync(root, { recursive: true }));
  const folder = join(root, "another folder/nfs-init");
  for (const name of ["package.json", "tsconfig.json", "src", "scripts"]) {
    cpSync(join(project, name), join(folder, name), { recursive: true });
  }
  const lock = JSON.parse(readFileSync(join(project, "package-lock.json"), "utf8")) as {
    readonly packages: Readonly<Record<string, { readonly dev?: boolean; readonly optional?: boolean }>>;
  };
  for (const [path, entry] of Object.entries(lock.packages)) {
    const isBundled = path !== "" && entry.dev !== true && entry.optional !== true;
    if (!isBundled || !statSync(join(project, path), { throwIfNoEntry: false })) continue;
    cpSync(join(project, path), join(folder, path), { recursive: true });
  }
  return folder;
}

function sha256(file: string): string {
  return createHash("sha256").update(readFileSync(file)).digest("hex");
}
