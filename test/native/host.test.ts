// Every function of the module `native`, in the host that the release has and in one with sanitizers.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { buildHost, run, type Variant } from "./host.ts";

const variants: readonly Variant[] = ["plain", "sanitized"];
const built = new Map<Variant, string>();
for (const variant of variants) built.set(variant, resolve(await buildHost(variant)));
const host = (variant: Variant) => built.get(variant) ?? "";
const names = JSON.parse((await run(host("plain"), ["list"])).output) as readonly string[];

describe.each(variants)("%s", (variant) => {
  test.each(names)("%s", async (name) => {
    const { code, signal, output } = await run(host(variant), [name]);
    expect({ code, signal }, output).toEqual({ code: 0, signal: null });
  });

  test("children are waited for though SIGCHLD was ignored by whoever started us", async () => {
    const name = "waitid tells how a child has ended, was killed and has stopped";
    const { code, output } = await run("env", ["--ignore-signal=CHLD", host(variant), name]);
    expect(code, output).toBe(0);
  });

  test("a program becomes the foreground of a terminal", async () => {
    const name = "a program becomes the foreground of the terminal, and we take it back";
    const { code, output } = await run("script", ["-qec", `${host(variant)} '${name}'`, "/dev/null"]);
    expect(code, output).toBe(0);
  });

  test("a hundred thousand calls with random arguments crash nothing", { timeout: 300_000 }, async () => {
    const folder = mkdtempSync(join(tmpdir(), "nfs-init-fuzz-"));
    try {
      // Its own mounts, processes and network, and a user who is root of these alone.
      const room = ["--user", "--map-root-user", "--mount", "--net", "--pid", "--fork", "--kill-child"];
      const { code, signal, output } = await run("unshare", [...room, host(variant), "fuzz", "1", "100000"], folder);
      expect({ code, signal }, output).toEqual({ code: 0, signal: null });
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
