// The npm packages: npm installs the one that fits, and `npx nfs-init` starts it. Installed from the tarballs, no registry is asked.
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { execa } from "execa";
import { expect, it, onTestFinished } from "vitest";
import { targets } from "../../scripts/release/targets.ts";

const tarballs = resolve("dist/npm");
const platform = process.arch === "arm64" ? "linux-arm64" : "linux-x64";

/** An empty project that takes nfs-init, and what it depends on, from the tarballs. */
async function install(...options: string[]): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "nfs-init-npm-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const files = readdirSync(tarballs).filter((name) => name.endsWith(".tgz"));
  const file = (start: string) => {
    const name = files.find((one) => one.startsWith(start) && /^\d/.test(one.slice(start.length)));
    if (name === undefined) throw new Error(`there is no tarball of ${start}: npm run build:npm`);
    return `file:${join(tarballs, name)}`;
  };
  writeFileSync(
    join(folder, "package.json"),
    JSON.stringify({
      private: true,
      dependencies: { "nfs-init": file("nfs-init-") },
      overrides: Object.fromEntries(targets.map(({ name }) => [`@nfs-init/${name}`, file(`nfs-init-${name}-`)])),
    }),
  );
  const cache = ["--cache", join(folder, ".npm"), "--offline", "--registry", "http://127.0.0.1:9"];
  await execa("npm", ["install", "--no-audit", "--no-fund", ...cache, ...options], { cwd: folder });
  return folder;
}

const installed = (folder: string) => readdirSync(join(folder, "node_modules/@nfs-init"));

it("npx nfs-init starts the executable for this machine", { timeout: 120_000 }, async () => {
  const folder = await install();
  expect(installed(folder)).toEqual([platform]);
  const npx = (...args: string[]) => execa("npx", ["--offline", ...args], { cwd: folder, reject: false });
  expect((await npx("nfs-init", "--version")).stdout).toMatch(
    /^nfs-init \d+\.\d+\.\d+ \(commit \w+, quickjs [\d-]+, musl [\d.]+\)$/,
  );
  expect(await npx("nfs-init", "--", "sh", "-c", "echo out; exit 42")).toMatchObject({ stdout: "out", exitCode: 42 });
});

it.each(targets)(
  "npm chooses $name by os and cpu, whatever the C library",
  { timeout: 120_000 },
  async ({ name, cpu }) => {
    for (const libc of ["glibc", "musl"]) {
      const folder = await install("--os=linux", `--cpu=${cpu}`, `--libc=${libc}`);
      expect(installed(folder)).toEqual([name]);
    }
  },
);

it("the launcher says what is missing where the fitting package is not there", { timeout: 120_000 }, async () => {
  const folder = await install("--omit=optional");
  const result = await execa("node", ["node_modules/nfs-init/nfs-init.cjs", "--version"], {
    cwd: folder,
    reject: false,
  });
  expect(result.exitCode).toBe(70);
  expect(result.stderr).toContain(`@nfs-init/${platform} is not there`);
});
