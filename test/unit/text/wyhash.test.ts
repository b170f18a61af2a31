import { expect, test } from "vitest";
import { wyhash } from "../../../src/text/wyhash.ts";

const hashOf = (text: string) => wyhash(new TextEncoder().encode(text)).toString(16).padStart(16, "0");

// As earlier versions of nfs-init computed them: an old one and a new one lock each other out.
test.each([
  ["206 bytes", `/mnt/${"a".repeat(201)}`, "9796880e4fb1ec4d"],
  ["305 bytes", `/srv/${"daten/".repeat(50)}`, "b6a2868ca2028d28"],
  ["133 bytes that are not ASCII", `/mnt/${"ü".repeat(64)}`, "6de4ff7aee54f7fa"],
])("a path of %s has the hash that names its lock file", (_, path, hash) => {
  expect(hashOf(path)).toBe(hash);
});

test("nothing has a hash, too", () => {
  expect(hashOf("")).toBe("0409638ee2bde459");
});

test("each length has a hash of its own, wherever the bytes begin", () => {
  const bytes = Uint8Array.from({ length: 300 }, (_, index) => (index * 37) & 0xff);
  const found = new Set<bigint>();
  for (let length = 0; length <= 200; length++) {
    const hash = wyhash(bytes.subarray(0, length));
    expect(hash >> 64n).toBe(0n);
    found.add(hash);
    const elsewhere = new Uint8Array(length + 7);
    elsewhere.set(bytes.subarray(0, length), 7);
    expect(wyhash(elsewhere.subarray(7))).toBe(hash);
  }
  expect(found.size).toBe(201);
});

test("a single bit changes about half of the bits, at every length", () => {
  for (const length of [1, 3, 4, 8, 16, 17, 47, 48, 49, 96, 97, 200]) {
    const bytes = new Uint8Array(length).fill(0x61);
    const before = wyhash(bytes);
    bytes[length >> 1] = 0x60;
    const changed = (wyhash(bytes) ^ before).toString(2).replaceAll("0", "").length;
    expect(changed).toBeGreaterThan(12);
    expect(changed).toBeLessThan(52);
  }
});
