// What the kernel tells of who uses its NFS server, as Linux 6.1 writes it.
import { describe, expect, test } from "vitest";
import { parseClient, parseWork, workBetween } from "../../../src/export/use.ts";

const info = (address: string) => `clientid: 0x5f2d8c0e64f1a2b3
address: "${address}"
status: confirmed
seconds from last renew: 3
name: "Linux NFSv4.2 web\\040one"
minor version: 2
Implementation domain: "kernel.org"
Implementation name: "Linux 6.1.0"
Implementation time: [0, 0]
callback state: UP
callback address: 10.77.0.11:0
`;
const states = `- 0x01: { type: open, access: rw, deny: --, superblock: "00:1f:2", filename: "log", owner: "open id:\\x01" }
- 0x02: { type: lock, superblock: "00:1f:2", filename: "log", owner: "lock id:\\x02" }
- 0x03: { type: open, access: r-, deny: --, superblock: "00:1f:3", filename: "{ type: lock, }", owner: "open id:\\x03" }
- 0x04: { type: deleg, access: r, superblock: "00:1f:3", filename: "hello" }
`;

describe("a client", () => {
  test.each([
    ["10.77.0.11:812", "10.77.0.11"],
    ["[fd00::11]:812", "fd00::11"],
  ])("at %s is at %s", (address, told) => {
    expect(parseClient(info(address), "", 5)).toEqual({
      address: told,
      name: "Linux NFSv4.2 web one",
      version: "4.2",
      isConfirmed: true,
      sinceMs: 5,
      opens: 0,
      locks: 0,
      delegations: 0,
      files: [],
    });
  });

  test("has what it holds counted, whatever its files are called", () => {
    expect(parseClient(info("10.77.0.11:812"), states, 0)).toMatchObject({ opens: 2, locks: 1, delegations: 1 });
  });

  test("is told with eight names of what it has open, each once", () => {
    const { files } = parseClient(info("10.77.0.11:812"), states, 0) ?? {};
    expect(files).toEqual(["log", "{ type: lock, }"]);
    const open = (name: string) => `- 0x1: { type: open, access: rw, superblock: "00:1f:2", filename: "${name}" }\n`;
    const many = Array.from({ length: 10 }, (_, index) => open(`d/${index}`)).join("");
    expect(parseClient(info("10.77.0.11:812"), `${open("d/0")}${many}`, 0)).toMatchObject({
      opens: 11,
      files: ["d/0", "d/1", "d/2", "d/3", "d/4", "d/5", "d/6", "d/7"],
    });
  });

  test("that has gone meanwhile is none", () => {
    expect(parseClient("", "", 0)).toBeUndefined();
  });
});

test("the server's work is read, and nothing where the kernel tells nothing", () => {
  const text = "rc 0 5 94\nfh 0 0 0 0 0\nio 4096 1048576\nth 8 0\nnet 99 0 99 3\nrpc 99 0 0 0 0\nproc3 22 1 0\n";
  expect(parseWork(text)).toEqual({ operations: 99, readBytes: 4_096, writtenBytes: 1_048_576 });
  expect(parseWork("")).toEqual({ operations: 0, readBytes: 0, writtenBytes: 0 });
});

test("work between two looks is what the counters have grown by, and unknown where they began anew", () => {
  const before = { operations: 100, readBytes: 4_096, writtenBytes: 10 };
  const after = { operations: 130, readBytes: 8_192, writtenBytes: 10 };
  expect(workBetween(before, after, 2_000)).toEqual({
    spanMs: 2_000,
    operations: 30,
    readBytes: 4_096,
    writtenBytes: 0,
  });
  expect(workBetween(after, before, 2_000)).toBeUndefined();
  expect(workBetween(before, after, 0)).toBeUndefined();
});
