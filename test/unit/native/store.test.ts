// What the build keeps: made once, made anew when what it depends on changes, never half made.
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { kept } from "../../../scripts/native/store.ts";

function emptyStore(): { store: string; made: string[]; make: (name: string, parts: unknown) => Promise<string> } {
  const store = mkdtempSync(join(tmpdir(), "nfs-init-store-"));
  onTestFinished(() => rmSync(store, { recursive: true }));
  const made: string[] = [];
  const make = (name: string, parts: unknown) =>
    kept(
      name,
      parts,
      async (folder) => {
        made.push(`${name} ${JSON.stringify(parts)}`);
        writeFileSync(join(folder, "file"), "");
      },
      store,
    );
  return { store, made, make };
}

it("is made once", async () => {
  const { made, make } = emptyStore();
  expect(await make("engine", { flags: ["-O2"] })).toBe(await make("engine", { flags: ["-O2"] }));
  expect(made).toHaveLength(1);
});

it("is made anew when what it depends on changes, and the old one goes", async () => {
  const { store, made, make } = emptyStore();
  const old = await make("engine", 1);
  const other = await make("engine-source", 1);
  const current = await make("engine", 2);
  expect(made).toHaveLength(3);
  expect([old, other, current].map((folder) => existsSync(folder))).toEqual([false, true, true]);
  expect(readdirSync(store)).toHaveLength(2);
});

it("is not there after a failure", async () => {
  const { store, made, make } = emptyStore();
  const failing = async (folder: string) => {
    writeFileSync(join(folder, "half"), "");
    throw new Error("the compiler failed");
  };
  await expect(kept("engine", 1, failing, store)).rejects.toThrow("the compiler failed");
  expect(readdirSync(store)).toEqual([]);
  await make("engine", 1);
  expect(made).toHaveLength(1);
});

it("is whole when two make it at once", async () => {
  const { store, make } = emptyStore();
  const both = await Promise.all([make("engine", 1), make("engine", 1)]);
  expect(both[0]).toBe(both[1]);
  expect(readdirSync(store)).toHaveLength(1);
});
