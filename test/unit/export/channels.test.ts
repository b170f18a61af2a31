import { describe, expect, test } from "vitest";
import {
  addressAnswer,
  fsidInHandle,
  handleAnswer,
  parseQuestion,
  pathAnswer,
  type ChannelName,
} from "../../../src/export/channels.ts";

const question = (channel: ChannelName, line: string) => parseQuestion(channel, line);

describe("a question", () => {
  test("who an address is", () => {
    expect(question("auth.unix.ip", "nfsd 10.0.0.1")).toEqual({ kind: "address", address: "10.0.0.1" });
    expect(question("auth.unix.ip", "other 10.0.0.1")).toBeUndefined();
  });

  test("where a handle leads holds a file system id as this machine has numbers", () => {
    const asked = question("nfsd.fh", String.raw`0.0 1 \x64000000`);
    expect(asked).toEqual({ kind: "handle", domain: "0.0", type: 1, id: Uint8Array.of(0x64, 0, 0, 0) });
    expect(fsidInHandle({ type: 1, id: Uint8Array.of(0x64, 0, 0, 0) })).toBe(100);
    expect(fsidInHandle({ type: 6, id: new Uint8Array(16) })).toBeUndefined();
    expect(fsidInHandle({ type: 1, id: new Uint8Array(3) })).toBeUndefined();
  });

  test("what may be done at a path holds it with octal escapes", () => {
    expect(question("nfsd.export", String.raw`0.0+1.0 /my\040data\134x`)).toEqual({
      kind: "path",
      domain: "0.0+1.0",
      path: String.raw`/my data\x`,
    });
  });

  test.each<[ChannelName, string]>([
    ["auth.unix.ip", ""],
    ["auth.unix.ip", "nfsd"],
    ["nfsd.fh", "0.0 1"],
    ["nfsd.fh", "0.0 one \\x00"],
    ["nfsd.export", "0.0"],
  ])("of %s that is %j is none", (channel, line) => {
    expect(question(channel, line)).toBeUndefined();
  });
});

describe("an answer", () => {
  test("to an address names its domain, or none", () => {
    expect(addressAnswer("10.0.0.1", "0.0", 5)).toBe("nfsd 10.0.0.1 5 0.0\n");
    expect(addressAnswer("10.0.0.1", undefined, 5)).toBe("nfsd 10.0.0.1 5 \n");
  });

  test("to a handle repeats it, and names the path or none", () => {
    const handle = { domain: "0.0", type: 1, id: Uint8Array.of(0x64, 0, 0, 0xff) };
    expect(handleAnswer(handle, "/my data", 5)).toBe(String.raw`0.0 1 \x640000ff 5 /my\040data` + "\n");
    expect(handleAnswer(handle, undefined, 5)).toBe(String.raw`0.0 1 \x640000ff 5` + "\n");
  });

  test("to a path has flags, ids as the kernel's int, and the file system id; or nothing", () => {
    const entry = { flags: 0x2406, anonUid: 65_534, anonGid: 4_294_967_295, fsid: 7 };
    expect(pathAnswer("0.0", "/a\nb", entry, 5)).toBe(String.raw`0.0 /a\012b 5 9222 65534 -1 7` + "\n");
    expect(pathAnswer("0.0", "/a", undefined, 5)).toBe("0.0 /a 5\n");
  });
});
