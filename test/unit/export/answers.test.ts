// What the kernel's server is told when it asks, and what it is told unasked.
import { describe, expect, test } from "vitest";
import { admission, answerer, trialAnswers, type Answering } from "../../../src/export/answers.ts";
import type { Surroundings } from "../../../src/export/clients.ts";
import { exportFlags, fsidOf } from "../../../src/export/options.ts";
import { exportOn, tableOf } from "./tables.ts";

const now = 1_000_000;
const around: Surroundings = { attached: [], resolve: () => [] };

/** A server of these exports, with the addresses that were refused. */
function serving(exports: readonly ReturnType<typeof exportOn>[], given: Partial<Answering> = {}) {
  const refused: string[] = [];
  const answer = answerer({
    table: tableOf(...exports),
    around,
    mounts: () => [],
    nowSeconds: () => now,
    onRefused: (address) => refused.push(address),
    ...given,
  });
  return { answer, refused };
}

const about = (address: string) => ({ kind: "address", address }) as const;

describe("of an address", () => {
  test("that may have something its domain is told, for half an hour", () => {
    const { answer, refused } = serving([exportOn("/srv", "10.0.0.0/8(rw)")]);
    expect(answer(about("10.1.2.3"))).toEqual({
      text: `nfsd 10.1.2.3 ${now + 1_800} 0.0\n`,
      refusal: `nfsd 10.1.2.3 ${now + 10} \n`,
    });
    expect(refused).toEqual([]);
  });

  test("the answer is good for a minute where clients are told by name: names may lead elsewhere", () => {
    const { answer } = serving([exportOn("/srv", "web(rw)")], {
      around: { attached: [], resolve: (name) => (name === "web" ? ["192.0.2.7"] : []) },
    });
    expect(answer(about("192.0.2.7")).text).toBe(`nfsd 192.0.2.7 ${now + 60} 0.0\n`);
  });

  test("that may have nothing it is told for ten seconds, and said once", () => {
    const { answer, refused } = serving([exportOn("/srv", "10.0.0.0/8(rw)")]);
    for (const address of ["192.0.2.7", "192.0.2.8", "192.0.2.7"]) {
      expect(answer(about(address)).text).toBe(`nfsd ${address} ${now + 10} \n`);
    }
    expect(refused).toEqual(["192.0.2.7", "192.0.2.8"]);
  });

  test("no more than a hundred strangers are said", () => {
    const { answer, refused } = serving([exportOn("/srv", "10.0.0.0/8(rw)")]);
    for (let last = 0; last < 150; last++) answer(about(`192.0.2.${last}`));
    expect(refused).toHaveLength(100);
  });
});

describe("of a handle", () => {
  const handle = (fsid: number) => {
    const id = new Uint8Array(4);
    new DataView(id.buffer).setUint32(0, fsid, true);
    return { kind: "handle", domain: "0.0", type: 1, id } as const;
  };

  test("the path of its export is told", () => {
    const { answer } = serving([exportOn("/srv", "*(rw,fsid=7)")]);
    expect(answer(handle(7)).text).toMatch(new RegExp(`^0\\.0 1 \\\\x07000000 ${now + 1_800} /srv\n$`));
  });

  test("of a mount in an export that shows those, its mount point is told", () => {
    const { answer } = serving([exportOn("/srv", "*(rw,crossmnt)")], { mounts: () => ["/srv/disk"] });
    expect(answer(handle(fsidOf("/srv/disk"))).text).toMatch(/ \/srv\/disk\n$/);
  });

  test("that leads nowhere that is told, for ten seconds", () => {
    const { answer } = serving([exportOn("/srv", "*(rw,fsid=7)")]);
    const { text, refusal } = answer(handle(8));
    expect(text).toBe(refusal);
    expect(text).toMatch(new RegExp(` ${now + 10}\n$`));
  });
});

describe("of a path", () => {
  test("what its domain may do there is told, and that another may do nothing", () => {
    const { answer } = serving([exportOn("/srv", "10.0.0.0/8(ro)")]);
    const asked = (domain: string) => answer({ kind: "path", domain, path: "/srv" });
    expect(Number(asked("0.0").text.split(" ")[3]) & exportFlags.readOnly).toBe(exportFlags.readOnly);
    expect(asked("0.0").refusal).toBe(`0.0 /srv ${now + 10}\n`);
    expect(asked("1.0").text).toBe(`1.0 /srv ${now + 10}\n`);
  });
});

describe("a client of version 3", () => {
  const admitted = (rule: string, address: string, port: number, path = "/srv") =>
    admission({ table: tableOf(exportOn("/srv", rule)), around, nowSeconds: () => now }, { address, port }, path);

  test("is told of beforehand with the export that its directory lies below", () => {
    expect(admitted("10.0.0.0/8(rw)", "10.1.2.3", 50_000, "/srv/deep")).toEqual({
      domain: "0.0",
      ofClient: `nfsd 10.1.2.3 ${now + 1_800} 0.0\n`,
      ofExport: expect.stringMatching(new RegExp(`^0\\.0 /srv ${now + 1_800} \\d+ `)) as string,
    });
  });

  test.each([
    ["comes from a port that is not root's, where that is asked for", "*(rw,secure)", "10.1.2.3", 1_024, "/srv"],
    ["is none of those that may", "10.0.0.0/8(rw)", "192.0.2.7", 700, "/srv"],
    ["asks for what is not exported", "*(rw)", "10.1.2.3", 700, "/srvice"],
  ])("that %s is not let in", (_, rule, address, port, path) => {
    expect(admitted(rule, address, port, path)).toBeUndefined();
  });

  test("from a port of root's is let in where that is asked for", () => {
    expect(admitted("*(rw,secure)", "10.1.2.3", 1_023)?.domain).toBe("0.0");
  });
});

test("a trial is of a client that there is not, with the options and the number of each export", () => {
  const { ofClient, ofExport } = trialAnswers(now);
  expect(ofClient).toBe(`nfsd 0.0.0.0 ${now + 10} check\n`);
  expect(ofExport(exportOn("/a", "10.0.0.0/8(ro,fsid=5)"))).toMatch(
    new RegExp(`^check /a ${now + 10} \\d+ 65534 65534 5\n$`),
  );
  expect(ofExport(exportOn("/b", "*(rw)"))).toMatch(new RegExp(`^check /b .* ${fsidOf("/b")}\n$`));
});
