// Which option the kernel refuses, by its own word and, where it has none, by trying without.
import type { ExactVersion } from "../../../src/kinds/nfs/versions.ts";
import { kernelMount } from "../../../src/kinds/nfs/mount-data.ts";
import { describeRefusedOption } from "../../../src/mount/option-told.ts";
import { findRefusedOption } from "../../../src/mount/refused-option.ts";
import { describe, expect, test } from "vitest";
import type { OptionsRead } from "../../../src/mount/ports.ts";
import { shareOf } from "../fakes/shares.ts";

/** A kernel that refuses some words, and what it was asked. */
function setUp(options: string, read: (words: readonly string[]) => OptionsRead, refused: readonly string[] = []) {
  const share = shareOf({ NFS_OPTIONS: options });
  const tried: string[] = [];
  const version: ExactVersion = "4.2";
  const find = () =>
    findRefusedOption(
      {
        readOptions: (_, words) => Promise.resolve(read(words)),
        tryCalls: (_share, _version, calls) => {
          const errnos: string[] = [];
          for (const { data } of calls) {
            tried.push(data);
            errnos.push(data.split(",").some((word) => refused.includes(word)) ? "EINVAL" : "");
            if (errnos.at(-1) === "") break;
          }
          return Promise.resolve(errnos);
        },
      },
      share,
      version,
      kernelMount(share, version, { server: "192.0.2.1", mountd: undefined }),
    );
  return { find, tried };
}

const refusing =
  (word: string, said: string) =>
  (words: readonly string[]): OptionsRead => ({
    kind: "refused",
    index: words.indexOf(word),
    errno: "EINVAL",
    said: [said],
  });
const unknown = (): OptionsRead => ({ kind: "unknown" });

describe("the refused option", () => {
  test("is the word that the kernel does not take, in the kernel's words", async () => {
    const { find, tried } = setUp("hard,nolock,uid=1000", refusing("uid=1000", "nfs4: Unknown parameter 'uid'"));
    expect(await find()).toEqual({ word: "uid=1000", said: "nfs4: Unknown parameter 'uid'" });
    expect(tried).toEqual([]);
  });

  test.each([
    ["udp", "NFS: Unsupported transport protocol udp"],
    ["proto=udp", "NFS: Unsupported transport protocol udp"],
  ])("is %s where the kernel takes each word and then says: %s", async (word, said) => {
    const read = (): OptionsRead => ({ kind: "failed", errno: "EINVAL", said: ["something before", said] });
    expect(await setUp(`hard,nolock,${word}`, read).find()).toEqual({ word, said });
  });

  test.each([
    ["udp", ["udp"]],
    ["uid=1000", ["uid=1000"]],
    ["the first of several", ["rsize=8K", "udp", "gid=7"]],
  ])("is found by trying where the kernel does not say: %s", async (_, refused) => {
    const { find, tried } = setUp(`hard,nolock,noac,${refused.join(",")},fsc,retrans=3`, unknown, refused);
    expect(await find()).toEqual({ word: refused[0], said: undefined });
    for (const data of tried) expect(data).toContain("addr=192.0.2.1");
  });

  test("is nothing where nothing is refused any more, our own words are, or it cannot be tried", async () => {
    expect(await setUp("hard,nolock", unknown).find()).toBeUndefined();
    expect(await setUp("hard,nolock", unknown, ["vers=4.2"]).find()).toBeUndefined();
    expect(await setUp("hard,nolock", refusing("vers=4.2", "no"), ["vers=4.2"]).find()).toBeUndefined();
    const share = shareOf();
    const call = kernelMount(share, "4.2", { server: "192.0.2.1", mountd: undefined });
    const ports = { readOptions: () => Promise.resolve(unknown()), tryCalls: () => Promise.resolve([]) };
    expect(await findRefusedOption(ports, share, "4.2", call)).toBeUndefined();
  });
});

describe("what is said of it", () => {
  test.each([
    ["uid=1000", /NFS_USER/],
    ["gid=1000", /NFS_USER/],
    ["rsize=8K", /plain number of bytes/],
    ["RW", /lower case: rw /],
    ["Soft=1", /lower case/],
    ["udp", /UDP/],
    ["proto=udp", /UDP/],
    ["rslave", /bind propagation/],
    ["timeo=0", /tenths of a second/],
    ["xprtsec=tls", /Linux 6\.5/],
    ["nconnect=32", /1 to 16/],
    ["debug", /other mount programs/],
    ["sec=krb5", /rpc\.gssd/],
    ["username=x", /CIFS/],
    ["nonsense", /nfs\(5\)/],
  ])("names %s, and what to do in NFS_OPTIONS", (word, hint) => {
    const told = describeRefusedOption({ word, said: undefined }, shareOf());
    expect(told.reason).toBe(`the kernel refuses the mount option ${word}`);
    expect(told.hint).toMatch(hint);
    expect(told.hint).toContain("NFS_OPTIONS");
  });

  test("has the kernel's words, as text that can be shown", () => {
    const { reason } = describeRefusedOption(
      { word: "a\u001b=1", said: "nfs: Unknown parameter 'a\u001b'" },
      shareOf(),
    );
    expect(reason).toBe(String.raw`the kernel refuses the mount option a\u001b=1: nfs: Unknown parameter 'a\u001b'`);
  });

  test("has no secret", () => {
    const { reason } = describeRefusedOption({ word: "password=hunter2", said: "Bad value hunter2" }, shareOf());
    expect(reason).toBe("the kernel refuses the mount option password=***");
  });
});
