// The AppArmor profile, by apparmor_parser; no kernel is asked.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { beforeAll, expect, it, onTestFinished } from "vitest";
import { unpackPackages } from "../../scripts/debian/unpack.ts";
import { textOf } from "./uses.ts";

const profile = "examples/kubernetes/apparmor/nfs-init";
let root = "";

beforeAll(async () => {
  root = await unpackPackages("apparmor", [{ names: ["apparmor"] }]);
}, 120_000);

it("is a profile", async () => {
  const { exitCode, all } = await compile(textOf(profile));
  expect(exitCode, all).toBe(0);
});

it("would not be one with a rule that does not exist", async () => {
  const wrong = textOf(profile).replace("mount fstype=nfs*,", "mount fstypes=nfs*,");
  expect((await compile(wrong)).exitCode).not.toBe(0);
});

async function compile(text: string) {
  const folder = mkdtempSync(join(tmpdir(), "nfs-init-apparmor-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, "profile"), text);
  const options = ["--skip-kernel-load", "--skip-cache", "--config-file", "/dev/null"];
  return execa(
    join(root, "sbin/apparmor_parser"),
    [...options, "--base", join(root, "etc/apparmor.d"), join(folder, "profile")],
    { all: true, reject: false },
  );
}
