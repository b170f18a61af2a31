import { formatSource, parseSource } from "../../../../src/kinds/nfs/source.ts";
import { describe, expect, test } from "vitest";

const plain = { options: [], warnings: [] };
const dropped = "uid=1000 and gid=1000 in an nfs:// address is dropped; to run COMMAND as another user set NFS_USER";

describe("a source", () => {
  test.each([
    ["nas:/data", { host: "nas", path: "/data" }],
    ["nas:/", { host: "nas", path: "/" }],
    ["nas.example.org:/srv/data", { host: "nas.example.org", path: "/srv/data" }],
    ["192.0.2.1:/a:b", { host: "192.0.2.1", path: "/a:b" }],
    ["[2001:db8::1]:/e", { host: "2001:db8::1", path: "/e" }],
    ["[fe80::1%eth0]:/e", { host: "fe80::1%eth0", path: "/e" }],
    ["nas:/data/", { host: "nas", path: "/data" }],
    ["nas://data//sub", { host: "nas", path: "/data/sub" }],
    ["nas:/my share", { host: "nas", path: "/my share" }],
    ["nas_1:/x", { host: "nas_1", path: "/x" }],
    ["nas.:/x", { host: "nas.", path: "/x" }],
  ])("%s is read", (text, source) => {
    expect(parseSource(text)).toEqual({ ...plain, source });
  });

  test.each([
    ["2001:db8::1:/e", /brackets/],
    ["fe80::1%eth0:/e", /brackets/],
    ["::1:/e", /host|brackets/],
    ["[::1:/e", /host|address|IPv6/],
    ["[::1]/e", /host|address|IPv6/],
    ["[nas]:/e", /IPv6/],
    ["nas", /host and path/],
    ["/local/path", /host and path|host name/],
    ["", /host and path/],
    [":/data", /host and path/],
    ["nas:data", /absolute/],
    ["nas:", /absolute/],
    ["nas:/a/../b", /'\.\.'/],
    ["na s:/data", /host name/],
    ["a,b:/e", /host name/],
    ["nas:/a\0b", /NUL/],
    ["nas:/caf\udce9", /UTF-8/],
    ["nfs4://nas/data", /nfs4:\/\/.*nfs:\/\/.*vers=4/],
    ["https://nas/data", /https:\/\//],
    ["smb://nas/data", /smb:\/\//],
    ["[fe80::1]:/e", /%eth0/],
    ["nas1,nas2:/e", /more than one host/],
    ["1.2.3:/data", /host name|address/],
    ["1.2.3.4.5:/data", /host name|address/],
    ["256.1.1.1:/data", /host name|address/],
    [`nas:/${"a".repeat(1_024)}`, /longer/],
    [`${"a".repeat(256)}:/x`, /host name/],
  ])("%s is refused by name", (text, problem) => {
    expect(parseSource(text)).toEqual({ problem: expect.stringMatching(problem) as string });
  });

  test.each([
    [{ host: "nas", path: "/data" }, "nas:/data"],
    [{ host: "2001:db8::1", path: "/" }, "[2001:db8::1]:/"],
    [{ host: "fe80::1%eth0", path: "/e" }, "[fe80::1%eth0]:/e"],
  ])("%j is written as mount(8) has it", (source, text) => {
    expect(formatSource(source)).toBe(text);
  });
});

describe("an nfs:// address", () => {
  test.each([
    ["nfs://nas/data", { source: { host: "nas", path: "/data" }, options: [], warnings: [] }],
    ["NFS://nas/data", { source: { host: "nas", path: "/data" }, options: [], warnings: [] }],
    ["nfs://nas", { source: { host: "nas", path: "/" }, options: [], warnings: [] }],
    ["nfs://nas:2050/data", { source: { host: "nas", path: "/data" }, options: ["port=2050"], warnings: [] }],
    [
      "nfs://nas/data?vers=4.1&ro",
      { source: { host: "nas", path: "/data" }, options: ["vers=4.1", "ro"], warnings: [] },
    ],
    [
      "nfs://nas:2050/data?vers=3",
      { source: { host: "nas", path: "/data" }, options: ["port=2050", "vers=3"], warnings: [] },
    ],
    ["nfs://[2001:db8::1]/data", { source: { host: "2001:db8::1", path: "/data" }, options: [], warnings: [] }],
    [
      "nfs://[2001:db8::1]:2050/data",
      { source: { host: "2001:db8::1", path: "/data" }, options: ["port=2050"], warnings: [] },
    ],
    ["nfs://nas/my%20share", { source: { host: "nas", path: "/my share" }, options: [], warnings: [] }],
    ["nfs://nas/d?uid=1000&gid=1000&ro", { source: { host: "nas", path: "/d" }, options: ["ro"], warnings: [dropped] }],
    // What libnfs calls otherwise.
    [
      "nfs://nas/d?version=4&nfsport=2050",
      { source: { host: "nas", path: "/d" }, options: ["vers=4", "port=2050"], warnings: [] },
    ],
    [
      "nfs://nas:2050/d?nfsport=2050",
      { source: { host: "nas", path: "/d" }, options: ["port=2050", "port=2050"], warnings: [] },
    ],
    // The zone of an address as RFC 6874 has it, and as people write it.
    ["nfs://[fe80::1%25eth0]/x", { source: { host: "fe80::1%eth0", path: "/x" }, options: [], warnings: [] }],
    ["nfs://[fe80::1%eth0]/x", { source: { host: "fe80::1%eth0", path: "/x" }, options: [], warnings: [] }],
    ["nfs://nas/caf%C3%A9", { source: { host: "nas", path: "/café" }, options: [], warnings: [] }],
    ["nfs://nas/d?", { source: { host: "nas", path: "/d" }, options: [], warnings: [] }],
  ])("%s is read", (text, source) => {
    expect(parseSource(text)).toEqual(source);
  });

  test.each([
    "nfs:///data",
    "nfs://user@nas/data",
    "nfs://user:word@nas/data",
    "nfs://nas:0/data",
    "nfs://nas:65536/data",
    "nfs://nas:nfs/data",
    "nfs://nas:/data",
    "nfs://2001:db8::1/data",
    "nfs://nas/data#part",
    "nfs://nas/%zz",
    "nfs://nas/data?a%2Cb",
    "nfs://nas/data?a%20b",
    "nfs://nas/../etc",
    "nfs://nas/%2e%2e/etc",
    "nfs://[fe80::1]/x",
    "nfs://nas/d?=4",
  ])("%s is refused", (text) => {
    expect(parseSource(text)).toEqual({ problem: expect.any(String) as string });
  });

  test.each([
    // It would be another path, cut short.
    ["nfs://nas/data%00/other", /NUL/],
    ["nfs://nas/data?ro%00", /control character/],
    ["nfs://nas/caf%E9", /UTF-8/],
    ["nfs://nas:2050/d?nfsport=2049", /two ports.*2050.*nfsport=2049/],
    ["nfs://nas/d?auto-traverse-mounts=1", /auto-traverse-mounts=1.*libnfs/],
    ["nfs://nas/d?debug=2", /debug=2.*libnfs/],
    ["nfs://nas/d?hard,soft", /comma/],
  ])("%s is refused, and why is said", (text, problem) => {
    expect(parseSource(text)).toEqual({ problem: expect.stringMatching(problem) as string });
  });
});
