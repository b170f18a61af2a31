// Pinned files: another file than the pinned one never gets into an executable. The mirrors here are folders.
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { fetchPinned } from "../../scripts/debian/pinned.ts";

const pinned = {
  path: "pool/main/e/engine/engine_1.orig.tar.xz",
  sha256: createHash("sha256").update("what was pinned").digest("hex"),
};

/** A place to fetch into, and a mirror for each text, which holds it under the pinned path. */
function mirrorsOf(...texts: readonly string[]): { into: string; mirrors: readonly string[] } {
  const root = mkdtempSync(join(tmpdir(), "nfs-init-pinned-"));
  onTestFinished(() => rmSync(root, { recursive: true }));
  const mirrors = texts.map((text, index) => {
    const file = join(root, `${index}`, pinned.path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
    return `copy:${join(root, `${index}`)}`;
  });
  return { into: join(root, "fetched"), mirrors };
}

it("are fetched once", async () => {
  const { into, mirrors } = mirrorsOf("what was pinned");
  expect(readFileSync(await fetchPinned(pinned, into, mirrors), "utf8")).toBe("what was pinned");
  expect(await fetchPinned(pinned, into, [])).toBe(join(into, "engine_1.orig.tar.xz"));
});

it("are taken from the next mirror where one has another file", async () => {
  const { into, mirrors } = mirrorsOf("something else", "what was pinned");
  expect(readFileSync(await fetchPinned(pinned, into, mirrors), "utf8")).toBe("what was pinned");
});

it("are refused and not kept where every mirror has another file", async () => {
  const { into, mirrors } = mirrorsOf("something else");
  await expect(fetchPinned(pinned, into, [...mirrors, "copy:/nonexistent"])).rejects.toThrow(
    /^cannot get pool\/main\/e\/engine\/engine_1\.orig\.tar\.xz with SHA-256 [^]*Hash Sum mismatch[^]*\/nonexistent[^]*pins\.ts$/,
  );
  expect(readdirSync(into)).toEqual([]);
});

it("are fetched anew where what was fetched before has been changed", async () => {
  const { into, mirrors } = mirrorsOf("what was pinned");
  writeFileSync(await fetchPinned(pinned, into, mirrors), "changed");
  expect(readFileSync(await fetchPinned(pinned, into, mirrors), "utf8")).toBe("what was pinned");
  expect(existsSync(join(into, "engine_1.orig.tar.xz"))).toBe(true);
});
