import { describe, expect, test } from "vitest";
import { readConfig } from "../../../../src/config/config.ts";
import { questionOf } from "../../../../src/kinds/servers.ts";
import { efsServer } from "../../../../src/kinds/efs/server.ts";
import { configOf, planOf, wayOf } from "../../fakes/shares.ts";

/** The share of one line. */
function efsShare(line: string) {
  const [share] = planOf({ NFS_MOUNTS: line }).shares;
  if (share === undefined) throw new Error("no share");
  return share;
}

describe("a file system of EFS", () => {
  test.each(["fs-0123abcd", "fs-0123abcd:/"])("is named by its id: %s", (source) => {
    const share = efsShare(`${source} /mnt/a`);
    expect(share).toMatchObject({ kind: "efs", version: "4.1", label: "fs-0123abcd:/" });
  });

  test("has the options that Amazon recommends, whatever NFS_OPTIONS has for other servers", () => {
    const { shares } = configOf({ NFS_MOUNTS: "fs-0123abcd:/a /mnt/a", NFS_OPTIONS: "soft", NFS_VERSION: "3" });
    expect(shares[0]?.options).toEqual([
      "rsize=1048576",
      "wsize=1048576",
      "hard",
      "timeo=600",
      "retrans=2",
      "noresvport",
      "vers=4.1",
    ]);
  });

  test.each([
    ["tls", /amazon-efs-utils/],
    ["iam", /amazon-efs-utils/],
    ["accesspoint=fsap-0123", /amazon-efs-utils/],
    ["region=mars", /region=mars/],
    ["az=use1-az1", /az=use1-az1/],
    ["az=eu-west-1a,region=eu-west-2", /not in region/],
    ["mounttargetip=nas", /no address/],
    ["vers=4.2", /4\.2/],
    ["vers=3", /4\.1/],
    ["x-nfs-init.helper", /mount\.nfs/],
  ])("is refused with the options %s", (options, problem) => {
    const result = readConfig({ NFS_MOUNTS: `fs-0123abcd:/ /mnt/a efs ${options}` });
    expect(result).toMatchObject({ kind: "problems", problems: [expect.stringMatching(problem)] });
  });

  test("is mounted without the options that only say where it is", () => {
    const share = efsShare("fs-0123abcd:/ /mnt/a efs az=eu-west-1a,region=eu-west-1,mounttargetip=192.0.2.1,hard");
    const call = wayOf(share, "4.1").call({ server: "192.0.2.1", mountd: undefined });
    expect(call.source).toBe("fs-0123abcd:/");
    expect(call.data).not.toMatch(/az=|region=|mounttargetip=/);
  });

  test("is asked for by the name that the options make", () => {
    const share = efsShare("fs-0123abcd:/ /mnt/a efs region=cn-north-1");
    expect(questionOf(share)).toMatchObject({ kind: "efs", host: "fs-0123abcd.efs.cn-north-1.amazonaws.com.cn" });
  });

  test("is asked for at mounttargetip where its name does not resolve", async () => {
    const dialed: string[] = [];
    const network = {
      dial: (address: string) => {
        dialed.push(address);
        return Promise.reject(new Error("refused"));
      },
      resolveName: (name: string) =>
        Promise.resolve(
          name === "192.0.2.7"
            ? ({ kind: "addresses", addresses: [name] } as const)
            : ({ kind: "unresolved", cause: "unknown", reason: "name not known" } as const),
        ),
    };
    const share = efsShare("fs-0123abcd:/ /mnt/a efs region=eu-west-1,mounttargetip=192.0.2.7");
    const readiness = await efsServer.ask(network, efsServer.question(share), new AbortController().signal, true);
    expect(dialed).toEqual(["192.0.2.7"]);
    expect(readiness).toMatchObject({ reason: expect.stringMatching(/name not known; mounttargetip: /) as string });
  });
});

describe("a source that is no id of EFS", () => {
  test.each([
    ["fs-0123ABCD:/data", /"fs-0123ABCD" is no id of EFS.*small letters/],
    ["fs-12xy", /accepted as SOURCE: .*fs-0123abcd\[:\/path\] \(EFS\)/],
    ["fsap-0123abcd", /is an access point/],
  ])("is refused as one: %s", (source, problem) => {
    expect(readConfig({ NFS_MOUNTS: `${source} /mnt/a` })).toMatchObject({
      kind: "problems",
      problems: [expect.stringMatching(problem)],
    });
  });

  test("is a server of NFS where it has a path and is no such id", () => {
    expect(efsShare("fs-1:/export /mnt/a")).toMatchObject({ kind: "nfs", label: "fs-1:/export" });
  });
});
