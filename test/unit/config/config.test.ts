import { inNamesOf } from "../../../src/config/share-names.ts";
import { fstabLines } from "../../../src/plan/plan.ts";
import { describe, expect, test } from "vitest";
import { noFlags, readConfig, type Environment, type Flags } from "../../../src/config/config.ts";
import { variables, type VariableKey } from "../../../src/config/variables.ts";
import { holdsSecret, withoutSecretFiles } from "../../../src/text/secrets.ts";
import { configOf, planOf } from "../fakes/shares.ts";

function flags(values: Partial<Record<VariableKey, string>>, mounts: readonly string[] = []): Flags {
  return { values: new Map(Object.entries(values) as [VariableKey, string][]), mounts };
}

function problemsOf(environment: Environment, given?: Flags): readonly string[] {
  const result = readConfig(environment, given);
  return result.kind === "problems" ? result.problems : [];
}

const single = { NFS_HOST: "nas", NFS_MOUNT_POINT: "/data" };

interface LinesCase {
  readonly what: string;
  readonly env: Environment;
  readonly lines: readonly string[];
  readonly flags?: Flags;
}

const linesCases: readonly LinesCase[] = [
  { what: "nothing is configured", env: {}, lines: [] },
  { what: "a host and a mount point", env: single, lines: ["nas:/data /data nfs hard,nolock 0 0"] },
  {
    what: "another path on the server",
    env: { ...single, NFS_HOST_MOUNT: "/export/data" },
    lines: ["nas:/export/data /data nfs hard,nolock 0 0"],
  },
  {
    what: "the root of the server",
    env: { ...single, NFS_HOST_MOUNT: "/" },
    lines: ["nas:/ /data nfs hard,nolock 0 0"],
  },
  {
    what: "an IPv4 address",
    env: { ...single, NFS_HOST: "192.0.2.1" },
    lines: ["192.0.2.1:/data /data nfs hard,nolock 0 0"],
  },
  {
    what: "an IPv6 address",
    env: { ...single, NFS_HOST: "2001:db8::1" },
    lines: ["[2001:db8::1]:/data /data nfs hard,nolock 0 0"],
  },
  {
    what: "an IPv6 address in brackets",
    env: { ...single, NFS_HOST: "[2001:db8::1]" },
    lines: ["[2001:db8::1]:/data /data nfs hard,nolock 0 0"],
  },
  {
    what: "an IPv6 address of this link",
    env: { ...single, NFS_HOST: "fe80::1%eth0" },
    lines: ["[fe80::1%eth0]:/data /data nfs hard,nolock 0 0"],
  },
  { what: "version auto", env: { ...single, NFS_VERSION: "auto" }, lines: ["nas:/data /data nfs hard,nolock 0 0"] },
  { what: "version nfs", env: { ...single, NFS_VERSION: "nfs" }, lines: ["nas:/data /data nfs hard,nolock 0 0"] },
  { what: "version 3", env: { ...single, NFS_VERSION: "3" }, lines: ["nas:/data /data nfs hard,nolock,vers=3 0 0"] },
  {
    what: "version nfs3",
    env: { ...single, NFS_VERSION: "nfs3" },
    lines: ["nas:/data /data nfs hard,nolock,vers=3 0 0"],
  },
  { what: "version 4", env: { ...single, NFS_VERSION: "4" }, lines: ["nas:/data /data nfs hard,nolock,vers=4 0 0"] },
  {
    what: "version nfs4",
    env: { ...single, NFS_VERSION: "nfs4" },
    lines: ["nas:/data /data nfs hard,nolock,vers=4 0 0"],
  },
  {
    what: "version 4.0",
    env: { ...single, NFS_VERSION: "4.0" },
    lines: ["nas:/data /data nfs hard,nolock,vers=4.0 0 0"],
  },
  {
    what: "version 4.1",
    env: { ...single, NFS_VERSION: "4.1" },
    lines: ["nas:/data /data nfs hard,nolock,vers=4.1 0 0"],
  },
  {
    what: "version 4.2",
    env: { ...single, NFS_VERSION: "4.2" },
    lines: ["nas:/data /data nfs hard,nolock,vers=4.2 0 0"],
  },
  {
    what: "options, which replace the default as a whole",
    env: { ...single, NFS_OPTIONS: "soft,timeo=50,lock" },
    lines: ["nas:/data /data nfs soft,timeo=50,lock 0 0"],
  },
  {
    what: "options without a word on locks where version 3 is possible",
    env: { ...single, NFS_OPTIONS: "ro" },
    lines: ["nas:/data /data nfs ro,nolock 0 0"],
  },
  {
    what: "options without a word on locks for version 3",
    env: { ...single, NFS_OPTIONS: "ro", NFS_VERSION: "3" },
    lines: ["nas:/data /data nfs ro,nolock,vers=3 0 0"],
  },
  {
    what: "options without a word on locks for version 4",
    env: { ...single, NFS_OPTIONS: "ro", NFS_VERSION: "4.1" },
    lines: ["nas:/data /data nfs ro,vers=4.1 0 0"],
  },
  {
    what: "options with local_lock",
    env: { ...single, NFS_OPTIONS: "hard,local_lock=all" },
    lines: ["nas:/data /data nfs hard,local_lock=all 0 0"],
  },
  {
    what: "a version in the options",
    env: { ...single, NFS_OPTIONS: "nfsvers=4.1,hard" },
    lines: ["nas:/data /data nfs nfsvers=4.1,hard 0 0"],
  },
  {
    what: "the same version in the options and beside them",
    env: { ...single, NFS_OPTIONS: "vers=4.1,hard", NFS_VERSION: "4.1" },
    lines: ["nas:/data /data nfs vers=4.1,hard 0 0"],
  },
  {
    what: "a minor version beside its version",
    env: { ...single, NFS_VERSION: "4.1", NFS_OPTIONS: "hard,minorversion=1" },
    lines: ["nas:/data /data nfs hard,vers=4.1 0 0"],
  },
  {
    what: "a minor version beside the type",
    env: { NFS_MOUNTS: "h:/a /a nfs4 minorversion=1" },
    lines: ["h:/a /a nfs vers=4.1 0 0"],
  },
  {
    what: "an address in libnfs's words",
    env: { NFS_MOUNTS: "nfs://h/p?version=4&nfsport=2049 /p" },
    lines: ["h:/p /p nfs hard,nolock,vers=4,port=2049 0 0"],
  },
  {
    what: "an address of this link with its interface",
    env: { NFS_MOUNTS: "nfs://[fe80::1%25eth0]/x /x" },
    lines: ["[fe80::1%eth0]:/x /x nfs hard,nolock 0 0"],
  },
  {
    what: "octal escapes of UTF-8",
    env: { NFS_MOUNTS: String.raw`h:/caf\303\251 /caf\303\251` },
    lines: ["h:/café /café nfs hard,nolock 0 0"],
  },
  {
    what: "bg and retry=, which go",
    env: { ...single, NFS_OPTIONS: "bg,hard,retry=10000,nolock" },
    lines: ["nas:/data /data nfs hard,nolock 0 0"],
  },
  {
    what: "options for fstab's other readers, which stay",
    env: { ...single, NFS_OPTIONS: "hard,nolock,noauto,nofail,_netdev,user,x-systemd.automount" },
    lines: ["nas:/data /data nfs hard,nolock,noauto,nofail,_netdev,user,x-systemd.automount 0 0"],
  },
  {
    what: "slashes at the end and in a row",
    env: { NFS_HOST: "nas", NFS_MOUNT_POINT: "/data//sub/", NFS_HOST_MOUNT: "//export///" },
    lines: ["nas:/export /data/sub nfs hard,nolock 0 0"],
  },
  {
    what: "a blank, a tab, a backslash and a number sign",
    env: { NFS_HOST: "nas", NFS_MOUNT_POINT: "/my data", NFS_HOST_MOUNT: "/a\tb\\c#d" },
    lines: [String.raw`nas:/a\011b\134c#d /my\040data nfs hard,nolock 0 0`],
  },
  {
    what: "what already looks escaped in a variable",
    env: { ...single, NFS_HOST_MOUNT: String.raw`/my\040share` },
    lines: [String.raw`nas:/my\134040share /data nfs hard,nolock 0 0`],
  },
  {
    what: "empty values, which are unset",
    env: {
      ...single,
      NFS_HOST_MOUNT: "",
      NFS_VERSION: "",
      NFS_OPTIONS: "",
      NFS_MOUNTS: "",
      NFS_2_MOUNT_POINT: "",
      TEST: "",
    },
    lines: ["nas:/data /data nfs hard,nolock 0 0"],
  },
  {
    what: "a numbered share with its own server, version and options",
    env: {
      ...single,
      NFS_2_HOST: "other",
      NFS_2_HOST_MOUNT: "/srv",
      NFS_2_MOUNT_POINT: "/two",
      NFS_2_VERSION: "4.2",
      NFS_2_OPTIONS: "ro",
    },
    lines: ["nas:/data /data nfs hard,nolock 0 0", "other:/srv /two nfs ro,vers=4.2 0 0"],
  },
  {
    what: "a numbered share that falls back to host, version and options, and to its own mount point",
    env: {
      ...single,
      NFS_HOST_MOUNT: "/export",
      NFS_VERSION: "4.1",
      NFS_OPTIONS: "ro,hard",
      NFS_1_MOUNT_POINT: "/one",
    },
    lines: ["nas:/export /data nfs ro,hard,vers=4.1 0 0", "nas:/one /one nfs ro,hard,vers=4.1 0 0"],
  },
  {
    what: "an empty numbered value, which falls back too",
    env: { ...single, NFS_1_MOUNT_POINT: "/one", NFS_1_HOST: "", NFS_1_OPTIONS: "", NFS_1_VERSION: "" },
    lines: ["nas:/data /data nfs hard,nolock 0 0", "nas:/one /one nfs hard,nolock 0 0"],
  },
  {
    what: "numbered shares only",
    env: { NFS_HOST: "nas", NFS_0_MOUNT_POINT: "/zero", NFS_7_MOUNT_POINT: "/seven" },
    lines: ["nas:/zero /zero nfs hard,nolock 0 0", "nas:/seven /seven nfs hard,nolock 0 0"],
  },
  {
    what: "number 10 after number 2",
    env: { NFS_HOST: "nas", NFS_10_MOUNT_POINT: "/ten", NFS_2_MOUNT_POINT: "/two" },
    lines: ["nas:/two /two nfs hard,nolock 0 0", "nas:/ten /ten nfs hard,nolock 0 0"],
  },
  {
    what: "a list of lines with comments, blank lines and CRLF",
    env: { NFS_MOUNTS: "# shares\r\n\r\nnas:/a /mnt/a\r\n  \t# more\n\tother:/b   /mnt/b\tnfs  \n" },
    lines: ["nas:/a /mnt/a nfs hard,nolock 0 0", "other:/b /mnt/b nfs hard,nolock 0 0"],
  },
  {
    what: "a list parted by semicolons",
    env: { NFS_MOUNTS: "nas:/a /mnt/a; nas:/b /mnt/b;;nas:/c /mnt/c;" },
    lines: [
      "nas:/a /mnt/a nfs hard,nolock 0 0",
      "nas:/b /mnt/b nfs hard,nolock 0 0",
      "nas:/c /mnt/c nfs hard,nolock 0 0",
    ],
  },
  {
    what: "escapes in a list, a semicolon among them",
    env: { NFS_MOUNTS: String.raw`nas:/my\040share /mnt/a\073b` },
    lines: [String.raw`nas:/my\040share /mnt/a;b nfs hard,nolock 0 0`],
  },
  {
    what: "the type and the options of a list's line",
    env: {
      NFS_MOUNTS: [
        "nas:/a /mnt/a nfs ro",
        "nas:/b /mnt/b nfs3 ro",
        "nas:/c /mnt/c nfs4 ro",
        "nas:/d /mnt/d nfs4 ro,vers=4.1",
        "nas:/e /mnt/e nfs ro,vers=3 0 0",
      ].join("\n"),
    },
    lines: [
      "nas:/a /mnt/a nfs ro,nolock 0 0",
      "nas:/b /mnt/b nfs ro,nolock,vers=3 0 0",
      "nas:/c /mnt/c nfs ro,vers=4 0 0",
      "nas:/d /mnt/d nfs ro,vers=4.1 0 0",
      "nas:/e /mnt/e nfs ro,vers=3,nolock 0 0",
    ],
  },
  {
    what: "a server of CIFS, with user, password and domain",
    env: {
      NFS_HOST: "//nas",
      NFS_HOST_MOUNT: "/media/films",
      NFS_MOUNT_POINT: "/data",
      NFS_USERNAME: "anna b",
      NFS_PASSWORD_FILE: "/run/secrets/nas",
      NFS_DOMAIN: "WORK",
    },
    lines: [
      String.raw`//nas/media/films /data cifs hard,username=anna\040b,domain=WORK,x-nfs-init.password-file=/run/secrets/nas 0 0`,
    ],
  },
  {
    what: "numbered shares of CIFS beside one of NFS, whose options and version are not theirs",
    env: {
      ...single,
      NFS_OPTIONS: "hard,nolock,noresvport",
      NFS_VERSION: "4.1",
      NFS_USERNAME: "anna",
      NFS_PASSWORD_FILE: "/run/secrets/nas",
      NFS_2_HOST: "//nas",
      NFS_2_MOUNT_POINT: "/two",
      NFS_3_HOST: "//nas",
      NFS_3_MOUNT_POINT: "/three",
      NFS_3_USERNAME: "berta",
      NFS_3_PASSWORD_FILE: "/run/secrets/berta",
      NFS_3_OPTIONS: "soft",
    },
    lines: [
      "nas:/data /data nfs hard,nolock,noresvport,vers=4.1 0 0",
      "//nas/two /two cifs hard,username=anna,x-nfs-init.password-file=/run/secrets/nas 0 0",
      "//nas/three /three cifs soft,username=berta,x-nfs-init.password-file=/run/secrets/berta 0 0",
    ],
  },
  {
    what: "numbered shares of CIFS that fall back to the server and its options",
    env: {
      NFS_HOST: "//nas",
      NFS_OPTIONS: "hard,uid=1000",
      NFS_USERNAME: "anna",
      NFS_PASSWORD_FILE: "/run/secrets/nas",
      NFS_1_MOUNT_POINT: "/one",
    },
    lines: ["//nas/one /one cifs hard,uid=1000,username=anna,x-nfs-init.password-file=/run/secrets/nas 0 0"],
  },
  {
    what: "lines of CIFS, the first of which alone leaves open who it is mounted as",
    env: {
      NFS_USERNAME: "anna",
      NFS_PASSWORD_FILE: "/run/secrets/nas",
      NFS_DOMAIN: "WORK",
      NFS_MOUNTS: [
        "//nas/a /a",
        "//nas/b /b cifs guest",
        "//nas/c /c cifs credentials=/run/c",
        "//nas/d /d cifs sec=krb5i",
        "//nas/e /e cifs username=berta,x-nfs-init.password-file=/run/e,domain=HOME",
      ].join("\n"),
    },
    lines: [
      "//nas/a /a cifs hard,username=anna,domain=WORK,x-nfs-init.password-file=/run/secrets/nas 0 0",
      "//nas/b /b cifs guest 0 0",
      "//nas/c /c cifs credentials=/run/c 0 0",
      "//nas/d /d cifs sec=krb5i 0 0",
      "//nas/e /e cifs username=berta,x-nfs-init.password-file=/run/e,domain=HOME 0 0",
    ],
  },
  {
    what: "a file system of EFS by its id",
    env: { NFS_HOST: "fs-0123abcd", NFS_HOST_MOUNT: "/", NFS_MOUNT_POINT: "/data", NFS_OPTIONS: "hard" },
    lines: ["fs-0123abcd:/ /data nfs hard,vers=4.1 0 0"],
  },
  {
    what: "a list whose missing columns fall back",
    env: {
      NFS_VERSION: "4.1",
      NFS_OPTIONS: "ro",
      NFS_MOUNTS: "nas:/a /mnt/a\nnas:/b /mnt/b nfs hard\nnas:/c /mnt/c nfs3",
    },
    lines: [
      "nas:/a /mnt/a nfs ro,vers=4.1 0 0",
      "nas:/b /mnt/b nfs hard,vers=4.1 0 0",
      "nas:/c /mnt/c nfs ro,nolock,vers=3 0 0",
    ],
  },
  {
    what: "an nfs:// address with port and query",
    env: { NFS_MOUNTS: "nfs://nas:2050/data?vers=4.1&ro /mnt/data" },
    lines: ["nas:/data /mnt/data nfs hard,nolock,port=2050,vers=4.1,ro 0 0"],
  },
  {
    what: "an nfs:// address with uid and gid, which go",
    env: { NFS_MOUNTS: "nfs://[2001:db8::1]/my%20data?uid=1000&gid=1000 /mnt/data" },
    lines: [String.raw`[2001:db8::1]:/my\040data /mnt/data nfs hard,nolock 0 0`],
  },
  {
    what: "an IPv6 source in a list",
    env: { NFS_MOUNTS: "[2001:db8::1]:/data /mnt/data" },
    lines: ["[2001:db8::1]:/data /mnt/data nfs hard,nolock 0 0"],
  },
  {
    what: "every way beside the others: single, numbered, listed",
    env: { ...single, NFS_MOUNTS: "nas:/l /mnt/l", NFS_3_MOUNT_POINT: "/three" },
    lines: [
      "nas:/data /data nfs hard,nolock 0 0",
      "nas:/three /three nfs hard,nolock 0 0",
      "nas:/l /mnt/l nfs hard,nolock 0 0",
    ],
  },
  {
    what: "parents before children, however they are ordered",
    env: {
      NFS_HOST: "nas",
      NFS_1_MOUNT_POINT: "/data/a/deep",
      NFS_2_MOUNT_POINT: "/database",
      NFS_3_MOUNT_POINT: "/data/a",
      NFS_4_MOUNT_POINT: "/data",
    },
    lines: [
      "nas:/data /data nfs hard,nolock 0 0",
      "nas:/data/a /data/a nfs hard,nolock 0 0",
      "nas:/data/a/deep /data/a/deep nfs hard,nolock 0 0",
      "nas:/database /database nfs hard,nolock 0 0",
    ],
  },
  {
    what: "flags over variables",
    env: { ...single, NFS_VERSION: "3", NFS_OPTIONS: "soft" },
    flags: flags({ host: "flag", mountPoint: "/flag", version: "4.2", options: "ro" }),
    lines: ["flag:/flag /flag nfs ro,vers=4.2 0 0"],
  },
  {
    what: "flags alone",
    env: {},
    flags: flags({ host: "nas", hostMount: "/x", mountPoint: "/y" }),
    lines: ["nas:/x /y nfs hard,nolock 0 0"],
  },
  {
    what: "an empty flag, which is unset",
    env: single,
    flags: flags({ host: "" }),
    lines: ["nas:/data /data nfs hard,nolock 0 0"],
  },
  {
    what: "--mount lines after the variable's",
    env: { NFS_MOUNTS: "nas:/a /mnt/a" },
    flags: flags({}, ["nas:/b /mnt/b nfs4", "nas:/c;d /mnt/c"]),
    lines: [
      "nas:/a /mnt/a nfs hard,nolock 0 0",
      "nas:/b /mnt/b nfs hard,nolock,vers=4 0 0",
      "nas:/c;d /mnt/c nfs hard,nolock 0 0",
    ],
  },
  {
    what: "what Kubernetes sets for a Service called nfs",
    env: {
      NFS_SERVICE_HOST: "10.0.0.9",
      NFS_SERVICE_PORT: "2049",
      NFS_PORT: "tcp://10.0.0.9:2049",
      NFS_PORT_2049_TCP: "tcp://10.0.0.9:2049",
      NFS_1_SERVICE_HOST: "10.0.0.9",
      NFS_1_PORT_2049_TCP_ADDR: "10.0.0.9",
    },
    lines: [],
  },
];

describe("the fstab lines", () => {
  test.each(linesCases)("of $what", ({ env, lines, flags: given }) => {
    expect(fstabLines(planOf(env, {}, given))).toEqual(lines);
  });
});

interface ProblemCase {
  readonly what: string;
  readonly env: Environment;
  /** What the only problem must name, each in its own words: the variable, the value, what is accepted. */
  readonly names: readonly string[];
  readonly flags?: Flags;
}

const duration = "250ms, 15s, 3m, 1h";
const problemCases: readonly ProblemCase[] = [
  { what: "a host that is none", env: { ...single, NFS_HOST: "na s" }, names: ["NFS_HOST", '"na s"', "IPv6"] },
  {
    what: "a host with a port",
    env: { ...single, NFS_HOST: "nas:2049" },
    names: ["NFS_HOST", '"nas:2049"', "host name"],
  },
  {
    what: "a mistyped address",
    env: { ...single, NFS_HOST: "10.0.0.300" },
    names: ["NFS_HOST", '"10.0.0.300"', "IPv4"],
  },
  {
    what: "a relative mount point",
    env: { ...single, NFS_MOUNT_POINT: "data" },
    names: ["NFS_MOUNT_POINT", '"data"', "absolute path"],
  },
  {
    what: "a mount point with ..",
    env: { ...single, NFS_MOUNT_POINT: "/a/../b" },
    names: ["NFS_MOUNT_POINT", '"/a/../b"', "without '..'"],
  },
  {
    what: "a relative path on the server",
    env: { ...single, NFS_HOST_MOUNT: "export" },
    names: ["NFS_HOST_MOUNT", '"export"', "absolute path"],
  },
  { what: "a host without a mount point", env: { NFS_HOST: "nas" }, names: ["NFS_HOST", '"nas"', "NFS_MOUNT_POINT"] },
  {
    what: "a path on the server without a mount point, beside a numbered share",
    env: { NFS_HOST: "nas", NFS_HOST_MOUNT: "/x", NFS_1_MOUNT_POINT: "/one" },
    names: ["NFS_HOST_MOUNT", '"/x"', "NFS_MOUNT_POINT"],
  },
  { what: "a mount point without a host", env: { NFS_MOUNT_POINT: "/data" }, names: ["NFS_HOST is not set", "IPv6"] },
  {
    what: "a numbered share without a mount point",
    env: { ...single, NFS_2_HOST: "other" },
    names: ["NFS_2_MOUNT_POINT is not set", "directory"],
  },
  { what: "a numbered share without a host", env: { NFS_2_MOUNT_POINT: "/two" }, names: ["NFS_2_HOST is not set"] },
  {
    what: "a numbered share's own bad value",
    env: { ...single, NFS_2_MOUNT_POINT: "two" },
    names: ["NFS_2_MOUNT_POINT", '"two"', "absolute path"],
  },
  {
    what: "an unknown version",
    env: { ...single, NFS_VERSION: "4.3" },
    names: ["NFS_VERSION", '"4.3"', "auto, 3, 4, 4.0, 4.1 or 4.2"],
  },
  {
    what: "versions that contradict one another",
    env: { ...single, NFS_VERSION: "3", NFS_OPTIONS: "vers=4.1" },
    names: ["NFS_VERSION", "NFS_OPTIONS", "4.1", "3"],
  },
  {
    what: "a type that contradicts the options",
    env: { NFS_MOUNTS: "nas:/a /mnt/a nfs4 vers=3" },
    names: ["NFS_MOUNTS line 1", "nfs4", "3", "4"],
  },
  {
    what: "a type that contradicts an nfs:// address",
    env: { NFS_MOUNTS: "nfs://nas/a?vers=4.1 /mnt/a nfs3" },
    names: ["NFS_MOUNTS line 1", "nfs3", "4.1"],
  },
  {
    what: "two versions in the options",
    env: { ...single, NFS_OPTIONS: "vers=3,nfsvers=4" },
    names: ["NFS_OPTIONS", "vers=3,nfsvers=4", "several versions"],
  },
  {
    what: "an unknown version in the options",
    env: { ...single, NFS_OPTIONS: "vers=2" },
    names: ["NFS_OPTIONS", "vers=2", "3, 4, 4.0, 4.1 and 4.2"],
  },
  {
    what: "options over two lines",
    env: { ...single, NFS_OPTIONS: "hard\nnas:/x" },
    names: ["NFS_OPTIONS", "separated by commas"],
  },
  {
    what: "a line without a target",
    env: { NFS_MOUNTS: "nas:/a /mnt/a\nnas:/b" },
    names: ["NFS_MOUNTS line 2", '"nas:/b"', "SOURCE TARGET [TYPE [OPTIONS]]"],
  },
  {
    what: "a line with a word too many",
    env: { NFS_MOUNTS: "nas:/a /mnt/a nfs hard, nolock" },
    names: ["NFS_MOUNTS line 1", "SOURCE TARGET [TYPE [OPTIONS]]"],
  },
  {
    what: "an unknown type",
    env: { NFS_MOUNTS: "nas:/a /mnt/a cifs" },
    names: ["NFS_MOUNTS line 1", '"cifs"', "nfs, nfs3, nfs4"],
  },
  {
    what: "an IPv6 source without brackets",
    env: { NFS_MOUNTS: "2001:db8::1:/a /mnt/a" },
    names: ["NFS_MOUNTS line 1", "2001:db8::1:/a", "[address]:/path"],
  },
  {
    what: "a CIFS share as Windows writes it",
    env: { NFS_MOUNTS: String.raw`\\srv\share /mnt/a` },
    names: ["NFS_MOUNTS line 1", "CIFS", "//srv/share", "host:/path"],
  },
  {
    what: "a CIFS share without a user",
    env: { NFS_MOUNTS: "//srv/share /mnt/a" },
    names: ["NFS_USERNAME", "NFS_PASSWORD_FILE", "credentials", "guest"],
  },
  {
    what: "a file of a password by a way that leads from nowhere",
    env: { NFS_MOUNTS: "//srv/share /mnt/a cifs username=a,x-nfs-init.password-file=nas" },
    names: ["x-nfs-init.password-file", "absolute path"],
  },
  {
    what: "a version of SMB beside a file of credentials",
    env: { NFS_MOUNTS: "//srv/share /mnt/a cifs credentials=/run/secrets/nas,vers=1.0" },
    names: ["credentials=/run/secrets/nas,vers=1.0", "not safe"],
  },
  {
    what: "the share in the server of CIFS",
    env: { ...single, NFS_HOST: "//srv/media/films", NFS_USERNAME: "app" },
    names: ["NFS_HOST=//srv and NFS_HOST_MOUNT=/media/films"],
  },
  {
    what: "the server of CIFS as Windows writes it",
    env: { ...single, NFS_HOST: String.raw`\\srv`, NFS_USERNAME: "app" },
    names: ["NFS_HOST", "//srv"],
  },
  {
    what: "the root of a server of CIFS",
    env: { ...single, NFS_HOST: "//srv", NFS_HOST_MOUNT: "/", NFS_USERNAME: "app" },
    names: ["NFS_HOST_MOUNT", "no share"],
  },
  {
    what: "a version of NFS for a server of CIFS",
    env: { ...single, NFS_HOST: "//srv", NFS_VERSION: "4.1", NFS_USERNAME: "app" },
    names: ["NFS_VERSION", "4.1", "SMB"],
  },
  {
    what: "a server of CIFS without a user",
    env: { ...single, NFS_HOST: "//srv" },
    names: ["NFS_OPTIONS", "NFS_USERNAME", "NFS_PASSWORD_FILE"],
  },
  {
    what: "a password without its user",
    env: { ...single, NFS_HOST: "//srv", NFS_PASSWORD_FILE: "/run/secrets/nas" },
    names: ["NFS_USERNAME", "nobody whose it is"],
  },
  {
    what: "a user with the domain in front",
    env: { ...single, NFS_HOST: "//srv", NFS_USERNAME: String.raw`WORK\anna` },
    names: ["NFS_DOMAIN=WORK and NFS_USERNAME=anna"],
  },
  {
    what: "a user that cannot stand among options",
    env: { ...single, NFS_HOST: "//srv", NFS_USERNAME: "anna,uid=0" },
    names: ["NFS_USERNAME", "without commas"],
  },
  {
    what: "a domain that cannot stand among options",
    env: { ...single, NFS_HOST: "//srv", NFS_USERNAME: "anna", NFS_DOMAIN: "W,K" },
    names: ["NFS_DOMAIN", "without commas"],
  },
  {
    what: "a file of a password that is none",
    env: { ...single, NFS_HOST: "//srv", NFS_USERNAME: "anna", NFS_PASSWORD_FILE: "nas.txt" },
    names: ["NFS_PASSWORD_FILE", "the path of a file, not what is in it"],
  },
  {
    what: "a file of a password that cannot stand among options",
    env: { ...single, NFS_HOST: "//srv", NFS_USERNAME: "anna", NFS_PASSWORD_FILE: "/run/a,b" },
    names: ["NFS_PASSWORD_FILE", "commas"],
  },
  {
    what: "an option of EFS that needs a tunnel",
    env: { NFS_MOUNTS: "fs-0123abcd:/ /mnt/a efs tls,iam" },
    names: ["NFS_MOUNTS line 1", "tls", "amazon-efs-utils"],
  },
  {
    what: "a relative target in a list",
    env: { NFS_MOUNTS: "nas:/a mnt" },
    names: ["NFS_MOUNTS line 1", '"mnt"', "absolute path"],
  },
  {
    what: "a bad --mount line",
    env: {},
    flags: flags({}, ["nas:/a"]),
    names: ["--mount", '"nas:/a"', "SOURCE TARGET"],
  },
  { what: "a bad flag", env: single, flags: flags({ version: "5" }), names: ["--nfs-version", '"5"', "4.2"] },
  { what: "a bad duration", env: { NFS_WAIT_TIMEOUT: "soon" }, names: ["NFS_WAIT_TIMEOUT", '"soon"', duration] },
  {
    what: "a duration below the least",
    env: { NFS_ATTEMPT_TIMEOUT: "10ms" },
    names: ["NFS_ATTEMPT_TIMEOUT", '"10ms"', "at least 100ms"],
  },
  {
    what: "a first pause above the longest",
    env: { NFS_RETRY_MIN: "10s", NFS_RETRY_MAX: "1s" },
    names: ["NFS_RETRY_MIN", '"10s"', "NFS_RETRY_MAX", '"1s"'],
  },
  { what: "a bad word", env: { NFS_MODPROBE: "on" }, names: ["NFS_MODPROBE", '"on"', "auto or off"] },
  { what: "a bad level", env: { NFS_LOG_LEVEL: "loud" }, names: ["NFS_LOG_LEVEL", '"loud"', "silent"] },
  { what: "a bad limit", env: { NFS_NOFILE: "many" }, names: ["NFS_NOFILE", '"many"', "whole number"] },
  {
    what: "a relative state directory",
    env: { NFS_STATE_DIR: "run" },
    names: ["NFS_STATE_DIR", '"run"', "absolute path"],
  },
  {
    what: "a relative fstab",
    env: { NFS_FSTAB: "etc/fstab" },
    names: ["NFS_FSTAB", '"etc/fstab"', "absolute path", "none"],
  },
  // Found at once, not when the server comes.
  {
    what: "options with a blank",
    env: { ...single, NFS_OPTIONS: "hard, nolock" },
    names: ["NFS_OPTIONS", '"hard, nolock"', "blank", "separated by commas"],
  },
  {
    what: "options with the -o of mount(8)",
    env: { ...single, NFS_OPTIONS: "-o soft" },
    names: ["NFS_OPTIONS", '"-o soft"', "-o of mount(8)", "separated by commas"],
  },
  {
    what: "an option that is empty",
    env: { NFS_MOUNTS: "nas:/a /mnt/a nfs hard,,nolock" },
    names: ["NFS_MOUNTS line 1", '"hard,,nolock"', "empty", "separated by commas"],
  },
  {
    what: "a blank that is escaped",
    env: { NFS_MOUNTS: String.raw`nas:/a /mnt/a nfs hard,\040nolock` },
    names: ["NFS_MOUNTS line 1", '"hard, nolock"', "blank"],
  },
  {
    what: "fallback options that nobody falls back to",
    env: { NFS_OPTIONS: "hard,,soft" },
    names: ["NFS_OPTIONS", "empty"],
  },
  { what: "RDMA", env: { ...single, NFS_OPTIONS: "vers=3,rdma,port=20049" }, names: ["NFS_OPTIONS", "rdma", "RDMA"] },
  {
    what: "a transport of the other address family",
    env: { ...single, NFS_HOST: "2001:db8::1", NFS_OPTIONS: "proto=tcp" },
    names: ["NFS_OPTIONS", "proto=tcp", "2001:db8::1", "proto=tcp6"],
  },
  {
    what: "a transport of the other address family in an address",
    env: { NFS_MOUNTS: "nfs://192.0.2.1/a?proto=tcp6 /mnt/a" },
    names: ["NFS_MOUNTS line 1", "192.0.2.1", "proto=tcp"],
  },
  {
    what: "a link-local address without its interface",
    env: { ...single, NFS_HOST: "fe80::1" },
    names: ["NFS_HOST", '"fe80::1"', "fe80::1%eth0", "IPv6"],
  },
  {
    what: "a link-local address without its interface in a list",
    env: { NFS_MOUNTS: "[fe80::1]:/a /mnt/a" },
    names: ["NFS_MOUNTS line 1", "fe80::1%eth0"],
  },
  {
    what: "several hosts in one",
    env: { ...single, NFS_HOST: "nas1:/a,nas2:/a" },
    names: ["NFS_HOST", '"nas1:/a,nas2:/a"', "more than one host", "NFS_2_HOST"],
  },
  {
    what: "host and path in one",
    env: { ...single, NFS_HOST: "nas:/exp" },
    names: ["NFS_HOST", "NFS_HOST=nas", "NFS_HOST_MOUNT=/exp"],
  },
  {
    what: "what a shell would have expanded",
    env: { ...single, NFS_MOUNT_POINT: "$HOME/data" },
    names: ["NFS_MOUNT_POINT", '"$HOME/data"', "shell", "absolute path"],
  },
  {
    what: "a home directory",
    env: { ...single, NFS_HOST_MOUNT: "~/data" },
    names: ["NFS_HOST_MOUNT", '"~/data"', "~", "absolute path"],
  },
  {
    what: "a value in quotes",
    env: { ...single, NFS_HOST: '"nas"' },
    names: ["NFS_HOST", "the quotes are part of the value", "IPv6"],
  },
  {
    what: "a path in single quotes",
    env: { ...single, NFS_MOUNT_POINT: "'/data'" },
    names: ["NFS_MOUNT_POINT", "the quotes are part of the value", "absolute path"],
  },
  {
    what: "a list in quotes",
    env: { NFS_MOUNTS: '"nas:/a /mnt/a"' },
    names: ["NFS_MOUNTS", "the quotes are part of the value", "SOURCE TARGET"],
  },
  {
    what: "a word for skipping in quotes",
    env: { NFS_MOUNT_SKIP: '"off"' },
    names: ["NFS_MOUNT_SKIP", "the quotes are part of the value", "on"],
  },
  {
    what: "a path that is not UTF-8",
    env: { ...single, NFS_MOUNT_POINT: "/mnt/caf\udce9" },
    names: ["NFS_MOUNT_POINT", String.raw`"/mnt/caf\xe9"`, "not valid UTF-8", "absolute path"],
  },
  {
    what: "a line that is not UTF-8",
    env: { NFS_MOUNTS: "nas:/a /mnt/caf\udce9" },
    names: ["NFS_MOUNTS", String.raw`/mnt/caf\xe9`, "not valid UTF-8", "SOURCE TARGET"],
  },
  {
    what: "an escape in a line that is not UTF-8",
    env: { NFS_MOUNTS: String.raw`nas:/caf\351 /mnt/a` },
    names: ["NFS_MOUNTS line 1", "not valid UTF-8"],
  },
  {
    what: "a NUL in a line",
    env: { NFS_MOUNTS: String.raw`nas:/a /mnt/a\000b` },
    names: ["NFS_MOUNTS line 1", "NUL"],
  },
  {
    what: "a NUL in an address",
    env: { NFS_MOUNTS: "nfs://nas/data%00/more /mnt/a" },
    names: ["NFS_MOUNTS line 1", "%00", "NUL"],
  },
  {
    what: "a flag that is not UTF-8",
    env: single,
    flags: flags({ stateDir: "/run/\udcff" }),
    names: ["--state-dir", String.raw`\xff`, "not valid UTF-8"],
  },
  {
    what: "control characters, which are shown escaped",
    env: { ...single, NFS_MOUNT_POINT: "da\u001b[31mta\u0085" },
    names: ["NFS_MOUNT_POINT", String.raw`"da\u001b[31mta\u0085"`],
  },
  {
    what: "one signal twice",
    env: { NFS_SIGNAL_MAP: "TERM:QUIT,TERM:INT" },
    names: ["NFS_SIGNAL_MAP", '"TERM:QUIT,TERM:INT"', "twice", "TERM", "pairs"],
  },
  {
    what: "a minor version without a version",
    env: { ...single, NFS_OPTIONS: "minorversion=1" },
    names: ["NFS_OPTIONS", "minorversion", "vers=4"],
  },
  {
    what: "a minor version that contradicts the version",
    env: { ...single, NFS_VERSION: "4.1", NFS_OPTIONS: "minorversion=2" },
    names: ["NFS_VERSION", "NFS_OPTIONS", "4.1", "4.2"],
  },
  {
    what: "a value that is too long",
    env: { ...single, NFS_OPTIONS: "x".repeat(4_097) },
    names: ["NFS_OPTIONS", "4097 characters are more than 4096", "separated by commas"],
  },
  {
    what: "a list that is too long",
    env: { NFS_MOUNTS: "nas:/a /mnt/a\n".repeat(10_000) },
    names: ["NFS_MOUNTS", "characters are more than 131072", "SOURCE TARGET"],
  },
  {
    what: "a line that is too long",
    env: { NFS_MOUNTS: `nas:/a /mnt/${"a".repeat(20_000)}` },
    names: ["NFS_MOUNTS line 1", "characters are more than 16384", "SOURCE TARGET"],
  },
  { what: "a bad switch", env: { NFS_EXEC: "maybe" }, names: ["NFS_EXEC", '"maybe"', "on or off"] },
  { what: "a bad signal", env: { NFS_STOP_SIGNAL: "STOPP" }, names: ["NFS_STOP_SIGNAL", '"STOPP"', "TERM"] },
];

describe("a value that cannot be understood", () => {
  test.each([
    ["NFS_PASSWORD", { NFS_HOST: "//srv", NFS_MOUNT_POINT: "/data", NFS_USERNAME: "anna" }],
    ["NFS_PASSWORD", { NFS_MOUNTS: "//srv/media /data cifs guest" }],
    ["NFS_2_PASSWORD", { NFS_2_HOST: "//srv", NFS_2_MOUNT_POINT: "/data", NFS_2_USERNAME: "anna" }],
  ])("a password in %s itself is refused, and shown nowhere", (name, env) => {
    const result = readConfig({ ...env, [name]: "geheim" });
    if (result.kind !== "problems") throw new Error("it is accepted");
    expect(result.problems).toEqual([expect.stringMatching(new RegExp(`^${name} is refused: .* ${name}_FILE `))]);
    expect(holdsSecret(result.problems.join("\n"))).toBe(false);
    expect(JSON.stringify(result)).not.toContain("geheim");
  });

  test.each(problemCases)("is named with its variable and what is accepted: $what", ({ env, names, flags: given }) => {
    const problems = problemsOf(env, given);
    expect(problems).toHaveLength(1);
    for (const name of names) expect(problems[0]).toContain(name);
    // The last words of the program hide a text that seems to hold a password, whole.
    expect(holdsSecret(withoutSecretFiles(problems[0] ?? ""))).toBe(false);
  });

  test("is reported together with every other one", () => {
    const problems = problemsOf({
      NFS_HOST: "na s",
      NFS_MOUNT_POINT: "data",
      NFS_2_MOUNT_POINT: "two",
      NFS_2_HOST: "a..b",
      NFS_MOUNTS: "nas:/x\n//srv /y\nnas:/ok /ok",
      NFS_VERSION: "9",
      NFS_WAIT_TIMEOUT: "soon",
      NFS_LOG_LEVEL: "loud",
    });
    for (const name of [
      "NFS_HOST=",
      "NFS_MOUNT_POINT=",
      "NFS_2_HOST=",
      "NFS_2_MOUNT_POINT=",
      "NFS_MOUNTS line 1",
      "NFS_MOUNTS line 2",
      "NFS_VERSION=",
      "NFS_WAIT_TIMEOUT=",
      "NFS_LOG_LEVEL=",
    ]) {
      expect(problems.filter((problem) => problem.startsWith(name))).not.toEqual([]);
    }
    expect(problems.join("\n")).not.toContain("line 3");
  });
});

describe("every problem is told", () => {
  test.each<[string, Environment, readonly string[]]>([
    ["although the mount point is missing", { NFS_HOST: "na s", NFS_VERSION: "9" }, ["NFS_HOST=", "NFS_VERSION="]],
    ["although nothing else is set", { NFS_VERSION: "9" }, ["NFS_VERSION="]],
    [
      "of a numbered share that lacks something",
      { NFS_2_HOST: "a..b", NFS_2_VERSION: "9" },
      ["NFS_2_HOST=", "NFS_2_VERSION=", "NFS_2_MOUNT_POINT is not set"],
    ],
    [
      "of a line",
      { NFS_MOUNTS: "na..s:/a mnt cifs hard,,soft" },
      ["na..s", '"mnt" is no mount point', 'type "cifs"', "options is empty"],
    ],
    [
      "of options and transport at once",
      { ...single, NFS_HOST: "2001:db8::1", NFS_OPTIONS: "vers=9,proto=tcp" },
      ["version 9", "proto=tcp6"],
    ],
  ])("%s", (_, environment, parts) => {
    const found = problemsOf(environment).join("\n");
    for (const part of parts) expect(found).toContain(part);
  });

  test("once, however many shares fall back to it", () => {
    const shares = Object.fromEntries([1, 2, 3].map((number) => [`NFS_${number}_MOUNT_POINT`, `/${number}`]));
    expect(problemsOf({ NFS_HOST: "nas", NFS_VERSION: "9", ...shares })).toHaveLength(1);
  });
});

test.each([
  ["hostMount", `/${"a/".repeat(1_000)}../x`],
  ["options", `${"timeo=600,".repeat(300)}, soft`],
  ["host", `${"x".repeat(1_000)} y`],
  ["mountPoint", `/${"\u001b".repeat(900)}/..`],
] as const)("a long value of %s leaves room for what is accepted", (key, value) => {
  const [problem = ""] = problemsOf(single, flags({ [key]: value }));
  expect(problem.length).toBeLessThan(600);
  expect(problem).toContain("; accepted: ");
  expect(problem).toContain(variables[key].format.accepts);
});

describe("blanks and line ends around a value", () => {
  test.each(["nas\r", " nas", "nas \t", "nas\n", "\r\nnas"])("as in %j are ignored, and said", (host) => {
    const { shares, warnings } = configOf({ ...single, NFS_HOST: host });
    expect(shares[0]?.source.host).toBe("nas");
    expect(warnings).toEqual([expect.stringMatching(/^NFS_HOST: blanks or line ends/)]);
  });

  test("of every setting are ignored, of a flag too", () => {
    const environment = { NFS_WAIT_TIMEOUT: "3s\r", NFS_STATE_DIR: "/x\r", TEST: "false\r" };
    const { settings, warnings } = configOf(environment, flags({ nofile: " 64" }));
    expect(settings).toMatchObject({ waitTimeoutMs: 3_000, stateDir: "/x", mountSkip: false, nofile: 64 });
    expect(warnings).toHaveLength(4);
  });

  test("that are all there is leave it unset", () => {
    expect(configOf({ NFS_HOST: " ", NFS_2_MOUNT_POINT: "\r", NFS_MOUNTS: "\n" }).shares).toEqual([]);
  });

  test("are the form of a list, except for carriage returns", () => {
    expect(configOf({ NFS_MOUNTS: "\n  nas:/a /mnt/a\n  nas:/b /mnt/b\n" }).warnings).toEqual([]);
    const { shares, warnings } = configOf({ NFS_MOUNTS: "nas:/a /mnt/a\r\nnas:/b /mnt/b nfs hard\r" });
    expect(shares.map(({ target, options }) => [target, options.join()])).toEqual([
      ["/mnt/a", "hard,nolock"],
      ["/mnt/b", "hard,nolock"],
    ]);
    expect(warnings).toEqual([expect.stringMatching(/^NFS_MOUNTS: the carriage returns/)]);
  });
});

describe("a hint for a share", () => {
  const hint = "add nolock to NFS_OPTIONS, set NFS_HOST_MOUNT=/x or NFS_VERSION=3, correct NFS_HOST or NFS_MOUNT_POINT";
  const hintOf = (environment: Environment, given?: Flags) => {
    const [share] = configOf(environment, given).shares;
    return share && inNamesOf(share, hint);
  };

  test("that is the only one names its variables", () => {
    expect(hintOf({ ...single, NFS_OPTIONS: "soft" })).toBe(hint);
  });

  test("that is numbered names its own variables, and those it falls back to", () => {
    expect(hintOf({ NFS_HOST: "nas", NFS_2_MOUNT_POINT: "/two", NFS_2_OPTIONS: "soft" })).toBe(
      "add nolock to NFS_2_OPTIONS, set NFS_2_HOST_MOUNT=/x or NFS_2_VERSION=3, correct NFS_HOST or NFS_2_MOUNT_POINT",
    );
    expect(hintOf({ NFS_HOST: "nas", NFS_2_MOUNT_POINT: "/two", NFS_OPTIONS: "soft" })).toContain("to NFS_OPTIONS,");
  });

  test("of flags names these", () => {
    expect(hintOf({}, flags({ host: "nas", mountPoint: "/x", options: "soft" }))).toMatch(
      /^add nolock to --options, .* correct --host or --mount-point$/,
    );
  });

  test("of a list names its line", () => {
    expect(hintOf({ NFS_MOUNTS: "nas:/a /mnt/a nfs4 soft" })).toBe(
      "add nolock to the options in NFS_MOUNTS line 1, set the path in NFS_MOUNTS line 1 to /x or the type in NFS_MOUNTS line 1 to 3, correct the host in NFS_MOUNTS line 1 or the mount point in NFS_MOUNTS line 1",
    );
  });

  test("with options in its address names the line, without any NFS_OPTIONS", () => {
    expect(hintOf({ NFS_MOUNTS: "nfs://nas/a?soft /mnt/a" })).toContain("to the options in NFS_MOUNTS line 1,");
    expect(hintOf({ NFS_MOUNTS: "nfs://nas/a /mnt/a", NFS_OPTIONS: "soft" })).toContain("to NFS_OPTIONS,");
    expect(hintOf({}, flags({}, ["nas:/a /mnt/a nfs soft"]))).toContain("to the options in --mount,");
  });
});

describe("the process", () => {
  const accounts = {
    passwd: "web:x:1234:2345::/srv/web:/bin/sh\n",
    group: "web:x:2345:\nmedia:x:3001:web\n",
  };
  const read = (environment: Environment, given: Flags = noFlags) =>
    readConfig(environment, given, { accounts: () => accounts });
  const settingsOf = (environment: Environment, given?: Flags) => {
    const result = read(environment, given);
    if (result.kind === "problems") throw new Error(result.problems.join("\n"));
    return result.config;
  };
  const problems = (environment: Environment, given?: Flags) => {
    const result = read(environment, given);
    return result.kind === "problems" ? result.problems : [];
  };

  test("is who nfs-init is where nothing is set", () => {
    const { settings, identity } = settingsOf({});
    expect(identity).toBeUndefined();
    expect(settings).toMatchObject({
      user: undefined,
      dropCaps: false,
      umask: undefined,
      requireWritable: false,
      exec: false,
      signalMap: undefined,
    });
  });

  test.each<[Environment, Flags, unknown]>([
    [{ NFS_USER: "web" }, noFlags, { uid: 1234, gid: 2345, groups: [3001], home: "/srv/web" }],
    [{ NFS_USER: "web:media" }, noFlags, { uid: 1234, gid: 3001, groups: [], home: "/srv/web" }],
    [{ NFS_USER: "7:8" }, noFlags, { uid: 7, gid: 8, groups: [], home: "/" }],
    [{ NFS_USER: "web" }, flags({ user: "7:8" }), { uid: 7, gid: 8, groups: [], home: "/" }],
    [{ NFS_USER: "" }, noFlags, undefined],
  ])("runs as who %j and %j say", (environment, given, identity) => {
    expect(settingsOf(environment, given).identity).toEqual(identity);
  });

  test("asks for the container's accounts only where a user is named", () => {
    let asked = 0;
    const count = () => {
      asked += 1;
      return accounts;
    };
    readConfig({ NFS_UMASK: "022", NFS_DROP_CAPS: "on", NFS_USER: "a b" }, noFlags, { accounts: count });
    expect(asked).toBe(0);
    readConfig({ NFS_USER: "web" }, noFlags, { accounts: count });
    expect(asked).toBe(1);
  });

  test.each([
    [{ NFS_USER: "nobody-knows" }, "NFS_USER", '/etc/passwd has no user "nobody-knows"'],
    [{ NFS_USER: "web:nobody-knows" }, "NFS_USER", '/etc/group has no group "nobody-knows"'],
    [{ NFS_USER: "web:" }, "NFS_USER", "not understood"],
    [{ NFS_USER: "we b" }, "NFS_USER", "not understood"],
    [{ NFS_USER: "a:b:c" }, "NFS_USER", "not understood"],
  ])("is refused as %j, with what is accepted", (environment, name, reason) => {
    const found = problems(environment);
    expect(found).toHaveLength(1);
    expect(found[0]).toContain(`${name}="${Object.values(environment)[0]}"`);
    expect(found[0]).toContain(reason);
    expect(found[0]).toContain("uid[:gid] or name[:group]");
  });

  test("is refused as a user beside everything else that is wrong, and by the name of its flag", () => {
    expect(problems({ NFS_USER: "nobody-knows", NFS_UMASK: "999", NFS_HOST: "h" })).toHaveLength(3);
    expect(problems({}, flags({ user: "nobody-knows" }))[0]).toMatch(/^--user="nobody-knows"/);
  });

  test.each([
    [{}, false],
    [{ NFS_USER: "web" }, true],
    [{ NFS_USER: "0" }, true],
    [{ NFS_USER: "web", NFS_DROP_CAPS: "off" }, false],
    [{ NFS_USER: "web", NFS_DROP_CAPS: "on" }, true],
    [{ NFS_USER: "web", NFS_DROP_CAPS: "" }, true],
    [{ NFS_DROP_CAPS: "on" }, true],
    [{ NFS_DROP_CAPS: "off" }, false],
  ])("of %j gives up capabilities: %s", (environment, dropCaps) => {
    expect(settingsOf(environment).settings.dropCaps).toBe(dropCaps);
  });

  test.each([
    ["022", 0o22],
    ["0", 0],
    ["0077", 0o77],
  ])("has the umask %s", (text, umask) => {
    expect(settingsOf({ NFS_UMASK: text }).settings.umask).toBe(umask);
  });

  test("gets signals rewritten", () => {
    expect(settingsOf({ NFS_SIGNAL_MAP: "TERM:QUIT,RTMIN+3:TERM" }).settings.signalMap).toEqual(
      new Map([
        [15, 3],
        [37, 15],
      ]),
    );
  });

  test.each([
    [{ NFS_EXEC: "on" }, "off"],
    [{ NFS_EXEC: "on", NFS_WATCH: "off" }, "off"],
    [{ NFS_EXEC: "on", NFS_WATCH: "" }, "off"],
    [{ NFS_EXEC: "off" }, "exit"],
    [{ NFS_EXEC: "off", NFS_WATCH: "log" }, "log"],
  ])("of %j is watched by: %s", (environment, watch) => {
    expect(settingsOf(environment).settings.watch).toBe(watch);
  });

  test.each(["exit", "log", "Exit"])("that nfs-init becomes cannot be watched with %s", (watch) => {
    const found = problems({ NFS_EXEC: "on", NFS_WATCH: watch });
    expect(found).toEqual([expect.stringMatching(/^NFS_WATCH="(?:exit|log|Exit)": .*NFS_EXEC.*accepted: off/)]);
    expect(problems({ NFS_EXEC: "on" }, flags({ watch }))[0]).toMatch(/^--watch=/);
  });
});

describe("a secret", () => {
  const secret = "geheim";
  test.each<[string, Environment, Flags?]>([
    ["in the options", { ...single, NFS_OPTIONS: `hard,password=${secret}` }],
    ["in a numbered share's options", { ...single, NFS_1_MOUNT_POINT: "/one", NFS_1_OPTIONS: `pass=${secret}` }],
    ["in options with a bad version", { ...single, NFS_OPTIONS: `vers=9,password=${secret}` }],
    ["in a flag", single, flags({ options: `passwd=${secret}` })],
    ["in a --mount line", {}, flags({}, [`nas:/a /mnt/a nfs password=${secret}`])],
    ["in a list", { NFS_MOUNTS: `nas:/a /mnt/a nfs hard,password=${secret}` }],
    ["in a list's line with a bad target", { NFS_MOUNTS: `nas:/a mnt nfs password=${secret}` }],
    ["in a list's line with a bad source", { NFS_MOUNTS: `//srv/share /mnt cifs password=${secret}` }],
    ["in a list's line with a word too many", { NFS_MOUNTS: `nas:/a /mnt/a nfs password=${secret} more` }],
    ["in an nfs:// address", { NFS_MOUNTS: `nfs://user:${secret}@nas/a /mnt/a` }],
    ["in the query of an nfs:// address", { NFS_MOUNTS: `nfs://nas/a?password=${secret} /mnt/a` }],
    // The words that explain a problem must not repeat it either.
    ["where the type is missing", { NFS_MOUNTS: `nas:/a /mnt/a hard,password=${secret}` }],
    ["where the target is missing", { NFS_MOUNTS: `nas:/a hard,password=${secret}` }],
    ["with a blank, in a query", { NFS_MOUNTS: `nfs://nas/a?password=${secret}%20x /mnt/a` }],
    // What is escaped hides no secret from us.
    ["in percent-encoding", { NFS_MOUNTS: `nfs://nas/a?%70assword=${secret} /mnt/a` }],
    ["in octal escapes", { NFS_MOUNTS: String.raw`nas:/a mnt nfs pass\167ord=${secret}` }],
    // What parts lines may be part of a password.
    ["with what parts lines", { NFS_MOUNTS: `nas:/a /mnt/a nfs password=abc;${secret}` }],
    ["with a line end", { NFS_MOUNTS: `nas:/a /mnt/a nfs password=abc\n${secret}\nnas:/b /mnt/b` }],
    ["in the line before", { NFS_MOUNTS: `# token=x;${secret} y` }],
    ["in a path", { ...single, NFS_STATE_DIR: `user:${secret}@x` }],
    ["in a path that could be", { ...single, NFS_MOUNT_POINT: `/data/token=${secret}` }],
    ["in the host", { ...single, NFS_HOST: `user:${secret}@nas` }],
    ["behind a user's name", { ...single, NFS_OPTIONS: `username=x%${secret}` }],
    ["behind the name of a user alone", { ...single, NFS_HOST: "//srv", NFS_USERNAME: `x%${secret}` }],
    ["in credentials", { ...single, NFS_OPTIONS: `cred=${secret}` }],
    ["called pw", { ...single, NFS_OPTIONS: `ro,pw=${secret}` }],
    ["called token", { NFS_MOUNTS: `nfs://nas/a?token=${secret} /mnt/a` }],
    // A password may have blanks.
    ["of two words", { ...single, NFS_OPTIONS: `password=a ${secret}` }],
    ["of two lines", { ...single, NFS_OPTIONS: `password=a\n${secret}` }],
  ])("is refused and stands in no message: %s", (_, env, given = noFlags) => {
    const result = readConfig(env, given);
    expect(result.kind).toBe("problems");
    expect(JSON.stringify(result)).not.toContain(secret);
  });

  test("in a list is found by the number of its line", () => {
    expect(problemsOf({ NFS_MOUNTS: `nas:/a /mnt/a; nas:/b /mnt/b nfs pw=x;${secret}` })).toEqual([
      expect.stringMatching(/^NFS_MOUNTS line 2="\*\*\*": it seems to hold a password/),
    ]);
  });

  test("of a skipped share stands in no warning", () => {
    const { warnings } = configOf({ NFS_MOUNT_SKIP: "on", NFS_MOUNTS: `nas:/a /mnt/a nfs password=${secret}` });
    expect(warnings).not.toEqual([]);
    expect(warnings.join("\n")).not.toContain(secret);
  });

  test("in a variable of unknown name stands in no warning", () => {
    expect(configOf({ NFS_PASSWORD: secret }).warnings.join("\n")).not.toContain(secret);
  });
});

describe("a warning", () => {
  test("says that an account has no share to be for", () => {
    expect(configOf({ ...single, NFS_USERNAME: "anna", NFS_DOMAIN: "W" }).warnings).toEqual([
      "NFS_USERNAME is for a share of CIFS, and there is none: it is ignored; NFS_USER is who COMMAND runs as",
      "NFS_DOMAIN is for a share of CIFS, and there is none: it is ignored",
    ]);
    expect(configOf({ NFS_USERNAME: "anna", NFS_MOUNTS: "//nas/a /a" }).warnings).toEqual([]);
  });

  test.each([
    ["NFS_MOUTN_POINT", "NFS_MOUNT_POINT"],
    ["NFS_HOSTMOUNT", "NFS_HOST_MOUNT"],
    ["NFS_OPTION", "NFS_OPTIONS"],
    ["NFS_WAIT_TIMEOUTS", "NFS_WAIT_TIMEOUT"],
    ["NFS_2_MOUNTPOINT", "NFS_2_MOUNT_POINT"],
    ["NFS_12_HOSTS", "NFS_12_HOST"],
    ["NFS_HSOT", "NFS_HOST"],
    ["NFS_UESR", "NFS_USER"],
    // Names of other tools.
    ["NFS_SERVER", "NFS_HOST"],
    ["NFS_ADDRESS", "NFS_HOST"],
    ["NFS_PATH", "NFS_HOST_MOUNT"],
    ["NFS_SHARE", "NFS_HOST_MOUNT"],
    ["NFS_REMOTE_PATH", "NFS_HOST_MOUNT"],
    ["NFS_EXPORT", "NFS_HOST_MOUNT"],
    ["NFS_TARGET", "NFS_MOUNT_POINT"],
    ["NFS_MOUNTPOINT", "NFS_MOUNT_POINT"],
    ["NFS_MOUNT_PATH", "NFS_MOUNT_POINT"],
    ["NFS_MOUNT_OPTIONS", "NFS_OPTIONS"],
    ["NFS_OPTS", "NFS_OPTIONS"],
    ["NFS_TYPE", "NFS_VERSION"],
    ["NFS_2_SERVER", "NFS_2_HOST"],
    ["NFS_2_TARGET", "NFS_2_MOUNT_POINT"],
    ["NFS_PASSWORD", "NFS_PASSWORD_FILE"],
    ["NFS_2_PASSWD", "NFS_2_PASSWORD_FILE"],
  ])("names for the unknown %s the nearest, %s", (name, near) => {
    const { warnings } = configOf({ [name]: "x" });
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toMatch(new RegExp(`^${name} .* ${near}$`));
  });

  test.each(["NFS_X", "NFS_FOO", "NFS_ROOT", "NFS_2_SKIP", "NFS_COLOUR", "NFS_"])(
    "names nothing for the unknown %s, to which nothing is near",
    (name) => {
      expect(configOf({ [name]: "x" }).warnings).toEqual([`${name} is not a variable of nfs-init and is ignored`]);
    },
  );

  test("shows of a strange name what may be shown", () => {
    const { warnings } = configOf({ [`NFS_\u001b${"X".repeat(5_000)}`]: "x" });
    expect(warnings).toEqual([expect.stringMatching(/^NFS_\\u001bX+\.\.\.X+ is not a variable/)]);
    expect(warnings[0]?.length).toBeLessThan(300);
  });

  test.each(["SERVICE_PORT_", "PORT_1_TCP_", "_", "1_"])(
    "of a name that is %s again and again comes at once",
    (part) => {
      expect(configOf({ [`NFS_${part.repeat(40_000)}x`]: "x" }).warnings).toHaveLength(1);
    },
  );

  test.each([
    "NFS_SERVICE_HOST",
    "NFS_SERVICE_PORT",
    "NFS_SERVICE_PORT_NFS",
    "NFS_PORT",
    "NFS_PORT_2049_TCP",
    "NFS_PORT_2049_TCP_PROTO",
    "NFS_PORT_2049_TCP_PORT",
    "NFS_PORT_2049_TCP_ADDR",
    "NFS_PORT_111_UDP_ADDR",
    "NFS_1_SERVICE_HOST",
    "NFS_1_PORT_2049_TCP_ADDR",
    "NFS_SERVER_PORT",
    "NFS_SERVER_SERVICE_PORT_RPCBIND",
    "NFS_HOST_SERVICE_HOST",
    "NFS_2_HOST_PORT_2049_TCP",
  ])("is not given for %s, which Kubernetes sets for a Service", (name) => {
    const config = configOf({ [name]: "tcp://10.0.0.9:2049" });
    expect(config.warnings).toEqual([]);
    expect(config.shares).toEqual([]);
  });

  test.each(["NFSD_THREADS", "MY_NFS_HOST", "nfs_host", "NFS", "TESTING"])(
    "is not given for %s, which is none of ours",
    (name) => {
      expect(configOf({ [name]: "x" }).warnings).toEqual([]);
    },
  );

  test("is not given for an unknown name that is empty", () => {
    expect(configOf({ NFS_MOUTN_POINT: "" }).warnings).toEqual([]);
  });

  test("tells that bg and retry= were removed, from which share", () => {
    const { warnings } = configOf({ ...single, NFS_OPTIONS: "bg,retry=5,hard" });
    expect(warnings).toHaveLength(2);
    expect(warnings[0]).toMatch(/^NFS_OPTIONS: bg .*nas:\/data/);
    expect(warnings[1]).toMatch(/^NFS_OPTIONS: retry=5 .*nas:\/data/);
  });

  test("tells that uid and gid of an nfs:// address are dropped, and what to use", () => {
    const { warnings } = configOf({ NFS_MOUNTS: "nfs://nas/a?uid=1&gid=2 /mnt/a" });
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toMatch(/NFS_MOUNTS line 1.*uid=1 and gid=2.*NFS_USER/);
  });
});

describe("NFS_MOUNT_SKIP", () => {
  test.each([
    [{ NFS_MOUNT_SKIP: "on" }, true],
    [{ NFS_MOUNT_SKIP: "1" }, true],
    [{ NFS_MOUNT_SKIP: "please" }, true],
    [{ TEST: "true" }, true],
    [{ TEST: "any word" }, true],
    [{ NFS_MOUNT_SKIP: "", TEST: "1" }, true],
    [{ NFS_MOUNT_SKIP: "off" }, false],
    [{ NFS_MOUNT_SKIP: "FALSE" }, false],
    [{ TEST: "no" }, false],
    [{ TEST: "0" }, false],
    [{ TEST: "" }, false],
    [{}, false],
  ])("%j skips: %s", (env, skips) => {
    const config = configOf({ ...single, ...env });
    expect(config.settings.mountSkip).toBe(skips);
    expect(config.shares).toHaveLength(skips ? 0 : 1);
  });

  test("lets COMMAND start although the shares are wrong, and says so", () => {
    const { warnings, shares } = configOf({ NFS_MOUNT_SKIP: "on", NFS_MOUNT_POINT: "data" });
    expect(shares).toEqual([]);
    expect(warnings.join("\n")).toContain('NFS_MOUNT_POINT="data"');
  });

  test("does not hide what is wrong besides", () => {
    expect(problemsOf({ NFS_MOUNT_SKIP: "on", NFS_NOFILE: "many" })).toHaveLength(1);
  });
});

describe("the settings", () => {
  test("have their defaults where nothing is set", () => {
    expect(configOf({}).settings).toMatchObject({
      mountSkip: false,
      fstab: "/etc/fstab",
      waitTimeoutMs: 0,
      attemptTimeoutMs: 15_000,
      retryMinMs: 250,
      retryMaxMs: 5_000,
      modprobe: "auto",
      nofile: undefined,
      unmountTimeoutMs: 1_500,
      logLevel: "info",
      logFormat: "auto",
      stateDir: "/run/nfs-init",
    });
  });

  test("have their values where they are set, a flag before a variable", () => {
    const environment = {
      NFS_WAIT_TIMEOUT: "2m",
      NFS_ATTEMPT_TIMEOUT: "30",
      NFS_FSTAB: "none",
      NFS_STATE_DIR: "/state/",
    };
    expect(configOf(environment, flags({ waitTimeoutMs: "1m" })).settings).toMatchObject({
      waitTimeoutMs: 60_000,
      attemptTimeoutMs: 30_000,
      fstab: "none",
      stateDir: "/state",
    });
  });

  test("take one of the two pauses for both where the other would contradict it", () => {
    expect(configOf({ NFS_RETRY_MIN: "10s" }).settings).toMatchObject({ retryMinMs: 10_000, retryMaxMs: 10_000 });
    expect(configOf({ NFS_RETRY_MAX: "100ms" }).settings).toMatchObject({ retryMinMs: 100, retryMaxMs: 100 });
  });

  test("know the shares that COMMAND may start without", () => {
    const { shares } = configOf({ NFS_MOUNTS: "nas:/a /mnt/a nfs nofail\nnas:/b /mnt/b nfs hard" });
    expect(shares.map(({ nofail }) => nofail)).toEqual([true, false]);
  });
});
