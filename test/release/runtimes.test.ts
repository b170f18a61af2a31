// The pinned runtimes: another file than the pinned one never gets into an executable.
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { fetchRuntime, integrityOf } from "../../scripts/release/runtimes.ts";
import { runtimeVersion, targets } from "../../scripts/release/targets.ts";

it("have the version of the Bun that builds", () => {
  const { devDependencies } = JSON.parse(readFileSync("package.json", "utf8")) as {
    readonly devDependencies: Readonly<Record<string, string>>;
  };
  expect(devDependencies["bun"]).toBe(runtimeVersion);
});

it("are one package for each platform", () => {
  expect(new Set(targets.map(({ runtime }) => runtime.integrity)).size).toBe(4);
  expect(targets.map(({ cpu, libc }) => `${cpu} ${libc}`).toSorted()).toEqual([
    "arm64 glibc",
    "arm64 musl",
    "x64 glibc",
    "x64 musl",
  ]);
});

it("are refused and removed when their integrity is not the pinned one", async () => {
  const cache = mkdtempSync(join(tmpdir(), "nfs-init-runtimes-"));
  onTestFinished(() => rmSync(cache, { recursive: true }));
  const tarball = join(cache, `bun-linux-aarch64-${runtimeVersion}.tgz`);
  writeFileSync(tarball, "not what was pinned");
  const runtime = { name: "@oven/bun-linux-aarch64", integrity: integrityOf(Buffer.from("what was pinned")) };
  await expect(fetchRuntime(runtime, cache)).rejects.toThrow(
    /^cannot use @oven\/bun-linux-aarch64@1\.4\.5: its integrity is sha512-.* as pinned/,
  );
  expect(existsSync(tarball)).toBe(false);
});

it("writes integrity as the registry does", () => {
  expect(integrityOf(Buffer.from("abc"))).toBe(
    "sha512-3a81oZNherrMQXNJriBBMRLm+k6JqX6iCp7u5ktV05ohkpkqJ0/BqDa6PCOj/uu9RU1EI2Q86A4qmslPpUyknw==",
  );
});
