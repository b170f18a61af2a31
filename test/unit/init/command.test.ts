import { describe, expect, test } from "vitest";
import { commandArgv, splitEntries } from "../../../src/init/command.ts";

const bytes = (text: string) => Uint8Array.from(text, (character) => character.charCodeAt(0));
const texts = (entries: readonly Uint8Array[]) => entries.map((entry) => String.fromCharCode(...entry));

describe("entries of /proc", () => {
  test.each([
    ["", []],
    ["sh\0", ["sh"]],
    ["sh\0-c\0exit 3\0", ["sh", "-c", "exit 3"]],
    ["sh\0\0", ["sh", ""]],
    ["\0\0a\0", ["", "", "a"]],
    ["sh\0cut off", ["sh", "cut off"]],
    ["A=\xff\xfe\0B=caf\xe9\0", ["A=\xff\xfe", "B=caf\xe9"]],
    ["A=1\nB=2\0", ["A=1\nB=2"]],
  ])("%j are %j", (text, entries) => {
    expect(texts(splitEntries(bytes(text)))).toEqual(entries);
  });
});

describe("COMMAND's arguments", () => {
  const raw = splitEntries(bytes("nfs-init\0--\0printf\0%s\0caf\xe9\0\0"));

  test("keep the bytes they were given as", () => {
    expect(texts(commandArgv(["printf", "%s", "caf\ufffd", ""], raw))).toEqual(["printf", "%s", "caf\xe9", ""]);
  });

  test("are the last ones, whatever stands before them", () => {
    expect(texts(commandArgv(["", ""], splitEntries(bytes("nfs-init\0run\0--\0\0\0"))))).toEqual(["", ""]);
  });

  test("are none where there are none", () => {
    expect(commandArgv([], raw)).toEqual([]);
  });

  test.each([
    ["are not to be had", undefined],
    ["do not fit", splitEntries(bytes("printf\0%s\0"))],
  ])("are the decoded ones in UTF-8 where the raw ones %s", (_, given) => {
    expect(texts(commandArgv(["printf", "é"], given))).toEqual(["printf", "\xc3\xa9"]);
  });
});
