// Faults made for real, one at a time: doctor's last sentence names each and what to change, in time, and nothing is left behind.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { buildProgram } from "../support/c-program.ts";
import { everyCombination } from "../support/every-combination.ts";
import { bootLab, type Lab } from "../support/lab/lab.ts";
import { quote } from "../support/quote.ts";

interface Fault {
  readonly fault: string;
  /** Makes it, after a `reset`. */
  readonly make?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Options of `container`. */
  readonly options?: string;
  /** What stands before `nfs-init doctor` in the container. */
  readonly launcher?: string;
  /** Runs doctor on the host c1 itself, beside what `make` left there. */
  readonly isOnHost?: boolean;
  /** What an operator must read in the last sentence. */
  readonly says: readonly RegExp[];
  /** 1 unless given: the share does not mount. */
  readonly exitCode?: number;
  /** Only where every combination is tested. */
  readonly isRare?: boolean;
}

/** doctor's own promise; the lab needs a part of it to start a container. */
const longestMs = 10_000;

const server = "10.77.0.1";

const forbidding = (what: "mount" | "make-private" | "new-mount-api") => `/lab/state/forbid ${what}`;

/** A server that takes the connection, announces a record of 24 bytes, sends four of them, and stops. */
const halfAnAnswer = String.raw`printf '\200\000\000\030\000\000\000\001'; sleep 100`;
const listen = (command: string) =>
  `in_ srv busybox nc -ll -p 2049 -e sh -c ${quote(command)} </dev/null >/dev/null 2>&1 & disown; pause 0.3`;
const reexport = (options: string, fsid = 100, client = "") =>
  `in_ srv exportfs -u '*:/srv/exp'; srv_export /srv/exp ${fsid} ${client || "'*'"} ${options}; in_ srv exportfs -f`;
const reject = (how: string) =>
  `echo yes >/lab/state/blackhole.srv; in_ srv iptables-legacy -I INPUT -i eth0 -p tcp --dport 2049 -j REJECT --reject-with ${how}`;

/** Starts the program that Kerberos needs on a client. */
const gssd = (host: string) =>
  `in_ ${host} sh -c 'mkdir -p /run/rpc_pipefs; mount -t rpc_pipefs pipefs /run/rpc_pipefs; rpc.gssd -p /run/rpc_pipefs' </dev/null`;

/** What the kernel's server knows of its exports it forgets, so that it asks mountd anew. */
const hangMountd = "in_ srv sh -c 'exportfs -f; pkill -STOP -x rpc.mountd'; echo changed >/lab/state/srv";

const faults: readonly Fault[] = [
  // this process
  { fault: "no CAP_SYS_ADMIN", options: "--drop sys_admin", says: [/CAP_SYS_ADMIN/, /cap_add|--cap-add/] },
  {
    fault: "no CAP_SYS_ADMIN in Kubernetes",
    options: "--drop sys_admin",
    env: { KUBERNETES_SERVICE_HOST: "10.0.0.1" },
    says: [/CAP_SYS_ADMIN/, /securityContext/],
    isRare: true,
  },
  {
    fault: "another user than root, on balena",
    options: "--user 1000:1000",
    env: { BALENA: "1" },
    says: [/CAP_SYS_ADMIN/, /docker-compose\.yml/],
    isRare: true,
  },
  {
    fault: "a seccomp filter without mount",
    launcher: forbidding("mount"),
    says: [/seccomp/, /allows mount|unconfined/],
  },
  { fault: "a user namespace", options: "--userns", says: [/user namespace/, /--userns=host|hostUsers/] },
  // this kernel
  { fault: "no nfs module", make: "modules hide", says: [/kernel/, /ENODEV|No such device/, /modules nfs/] },
  { fault: "no nfsv3 module", make: "modules hide nfsv3", env: { NFS_VERSION: "3" }, says: [/kernel/, /nfsv3/] },
  { fault: "no nfsv4 module", make: "modules hide nfsv4", env: { NFS_VERSION: "4.2" }, says: [/kernel/, /nfsv4/] },
  {
    fault: "no nfsv4 module, and version 3 does",
    make: "modules hide nfsv4",
    says: [/would mount/, /version 3 only/, /nfsv4/],
    exitCode: 0,
    isRare: true,
  },
  {
    fault: "an option that the kernel does not know",
    env: { NFS_OPTIONS: "hard,nonsense" },
    says: [/refuses the mount option nonsense/, /NFS_OPTIONS/],
  },
  {
    fault: "an option that the kernel refuses, where it cannot be asked for which",
    env: { NFS_VERSION: "4.2", NFS_OPTIONS: "hard,noatime,udp,uid=1000" },
    launcher: forbidding("new-mount-api"),
    says: [/refuses the mount option udp/, /NFS_OPTIONS/],
  },
  {
    fault: "Kerberos from an export that does not offer it",
    env: { NFS_OPTIONS: "hard,nolock,sec=krb5p" },
    says: [/offers sys and not krb5p/, /add krb5p to sec=/],
  },
  {
    fault: "Kerberos without rpc.gssd",
    make: reexport("sec=sys:krb5p"),
    env: { NFS_OPTIONS: "hard,nolock,sec=krb5p" },
    says: [
      /sec=krb5p needs rpc\.gssd/,
      /no rpc\.gssd is seen from here, there is no \/etc\/krb5\.keytab/,
      /the export offers sys, krb5p/,
    ],
  },
  {
    fault: "Kerberos with rpc.gssd in another network",
    make: `${reexport("sec=sys:krb5p")}; ${gssd("c2")}`,
    env: { NFS_OPTIONS: "hard,nolock,sec=krb5p", NFS_MOUNT_POINT: "/mnt/data" },
    isOnHost: true,
    says: [/rpc\.gssd runs in another network than this/, /host's network/],
    isRare: true,
  },
  {
    fault: "Kerberos with rpc.gssd and without a keytab",
    make: `${reexport("sec=sys:krb5p")}; ${gssd("c1")}`,
    env: { NFS_OPTIONS: "hard,nolock,sec=krb5p", NFS_MOUNT_POINT: "/mnt/data" },
    isOnHost: true,
    says: [/sec=krb5p needs(?!.*no rpc\.gssd)/, /there is no \/etc\/krb5\.keytab/],
    isRare: true,
  },
  {
    fault: "TLS, which this kernel does not have",
    env: { NFS_OPTIONS: "hard,nolock,xprtsec=tls" },
    says: [/xprtsec=tls needs Linux 6\.5 and tlshd/, /this kernel is 6\.1\./, /no tlshd is seen from here/],
    isRare: true,
  },
  {
    fault: "version 3 with locks and no statd",
    env: { NFS_VERSION: "3", NFS_OPTIONS: "hard,lock" },
    says: [/statd/, /nolock/],
  },
  {
    fault: "version 3 with locks and no mount.nfs",
    options: "--setup 'rm -f /sbin/mount.nfs'",
    env: { NFS_VERSION: "3", NFS_OPTIONS: "hard,lock" },
    says: [/mount\.nfs/, /nolock/],
    isRare: true,
  },
  // the mount point
  {
    fault: "a mount point that is a file",
    options: "--setup 'echo text >/data'",
    says: [/\/data/, /file/, /NFS_MOUNT_POINT/],
  },
  {
    fault: "a mount point that cannot be made",
    options: "--setup 'mount -t tmpfs -o ro none /srv'",
    env: { NFS_MOUNT_POINT: "/srv/data" },
    says: [/\/srv\/data/, /cannot be made/, /EROFS/],
    isRare: true,
  },
  {
    fault: "a stale mount on the mount point",
    isOnHost: true,
    make: `in_ c1 sh -c 'mkdir /mnt/data; mount.nfs ${server}:/srv/exp /mnt/data -o vers=4.2' && srv_stale /srv/exp 101`,
    env: { NFS_MOUNT_POINT: "/mnt/data" },
    says: [/stale/, /ESTALE/, /umount -l/],
    exitCode: 0,
  },
  // the way there
  {
    fault: "a name that nobody knows",
    env: { NFS_HOST: "nas.example" },
    make: "dns up",
    says: [/nas\.example/, /not known/, /NFS_HOST/],
  },
  {
    fault: "a name server that is silent",
    env: { NFS_HOST: "nas.example" },
    make: "dns up; dns set nas.example $SRV; blackhole ns on",
    says: [/name server/, /does not answer/, /resolv\.conf/],
  },
  { fault: "no route", env: { NFS_HOST: "198.51.100.7" }, says: [/no route to 198\.51\.100\.7/, /network/] },
  {
    fault: "no machine at that address",
    env: { NFS_HOST: "10.77.0.99" },
    says: [/no machine answers at 10\.77\.0\.99/],
  },
  { fault: "a firewall that drops everything", make: "blackhole srv on", says: [/firewall/, /timed out|no packet/] },
  { fault: "a firewall that drops port 2049", make: "blackhole srv on 2049", says: [/firewall drops/, /2049/] },
  { fault: "a firewall that rejects port 2049", make: reject("tcp-reset"), says: [/firewall rejects/, /2049/] },
  {
    fault: "a firewall that rejects port 2049 as unreachable",
    make: reject("icmp-host-prohibited"),
    says: [/firewall rejects/, /2049/],
    isRare: true,
  },
  {
    fault: "a server that is not started",
    make: "srv_down",
    says: [/nothing listens on port 2049/, /start the NFS server/],
  },
  {
    fault: "a wrong port",
    env: { NFS_OPTIONS: "hard,nolock,port=2050" },
    says: [/port 2050/, /NFS answers on port 2049/, /port=/],
  },
  // the service
  {
    fault: "another service on the port",
    make: `srv_down; ${listen("echo HTTP/1.1 400 Bad Request")}`,
    says: [/another service/, /port 2049/],
  },
  {
    fault: "a server that hangs in the middle of an answer",
    make: `srv_down; ${listen(halfAnAnswer)}`,
    says: [/2049/, /hangs/],
  },
  {
    fault: "a server of version 3 only",
    make: "srv_up --v3",
    env: { NFS_VERSION: "4.2" },
    says: [/version 3 only/, /asks for version 4\.2/, /NFS_VERSION/],
  },
  {
    fault: "a server of version 4 only",
    make: "srv_up --v4",
    env: { NFS_VERSION: "3" },
    says: [/version 4 only/, /asks for version 3/, /NFS_VERSION/],
  },
  {
    fault: "a minor version that is off",
    make: "srv_up -N 4.2",
    env: { NFS_VERSION: "4.2" },
    says: [/not 4\.2/, /NFS_VERSION/],
  },
  {
    fault: "no rpcbind",
    make: "in_ srv pkill -x rpcbind; echo changed >/lab/state/srv",
    env: { NFS_VERSION: "3" },
    says: [/rpcbind/, /start rpcbind/],
  },
  {
    fault: "mountd behind a firewall",
    make: "blackhole srv on 20048",
    env: { NFS_VERSION: "3" },
    says: [/mountd/, /20048/, /firewall/],
  },
  ...["auto", "3", "4.2"].map((version) => ({
    fault: `mountd that hangs, version ${version}`,
    make: hangMountd,
    env: { NFS_VERSION: version },
    says: [/rpc\.mountd of 10\.77\.0\.1 hangs/, /restart rpc\.mountd(?!.*use version 4)/],
    isRare: version !== "auto",
  })),
  // the export
  {
    fault: "a path that is not exported",
    env: { NFS_HOST_MOUNT: "/srv/none" },
    says: [/does not export \/srv\/none/, /\/etc\/exports/],
  },
  {
    fault: "a path that is not exported, version 3",
    env: { NFS_HOST_MOUNT: "/srv/none", NFS_VERSION: "3" },
    says: [/does not export \/srv\/none/],
    isRare: true,
  },
  {
    fault: "a path that is not exported, and no mountd to ask",
    make: "srv_up --v4",
    env: { NFS_HOST_MOUNT: "/srv/none", NFS_VERSION: "4.2" },
    says: [/\/srv\/none/, /not exported/],
    isRare: true,
  },
  {
    fault: "a server that exports nothing",
    make: "in_ srv sh -c 'exportfs -ua; exportfs -f'",
    says: [/exports nothing/, /\/etc\/exports/],
  },
  {
    fault: "a path that does not exist",
    env: { NFS_HOST_MOUNT: "/srv/exp/none" },
    says: [/\/srv\/exp\/none/, /does not exist/, /NFS_HOST_MOUNT/],
  },
  {
    fault: "a path that does not exist, version 3",
    env: { NFS_HOST_MOUNT: "/srv/exp/none", NFS_VERSION: "3" },
    says: [/does not exist/],
    isRare: true,
  },
  {
    fault: "an export to another client",
    make: "in_ srv exportfs -ua; srv_export /srv/exp 100 10.77.0.99; in_ srv exportfs -f",
    says: [/10\.77\.0\.99/, /10\.77\.0\.11/, /exportfs -ra/],
  },
  {
    fault: "an export to another client, version 3",
    make: reexport("", 100, "10.77.0.99"),
    env: { NFS_VERSION: "3" },
    says: [/10\.77\.0\.99/, /10\.77\.0\.11/],
    isRare: true,
  },
  {
    fault: "a secure export and a high port",
    make: reexport("secure"),
    env: { NFS_OPTIONS: "hard,nolock,noresvport", NFS_VERSION: "4.2" },
    says: [/below 1024/, /noresvport/, /insecure/],
  },
  {
    fault: "a secure export and a high port, version 3",
    make: reexport("secure"),
    env: { NFS_OPTIONS: "hard,nolock,noresvport", NFS_VERSION: "3" },
    says: [/below 1024/, /noresvport/],
    isRare: true,
  },
  {
    fault: "an export with fsid=0",
    make: reexport("", 0),
    env: { NFS_VERSION: "4.2" },
    says: [/fsid=0/, /NFS_HOST_MOUNT=\/ /],
  },
  {
    fault: "an export with fsid=0, and version 3 does",
    make: reexport("", 0),
    says: [/would mount/, /version 3 only/, /fsid=0/],
    exitCode: 0,
    isRare: true,
  },
  { fault: "an export with Kerberos only", make: reexport("sec=krb5"), says: [/Kerberos/, /sec=/] },
  // what is possible on the share
  { fault: "a read-only export", make: reexport("ro"), says: [/would mount, but/, /read-only/, /rw/], exitCode: 0 },
  {
    fault: "a squashed root",
    make: `${reexport("root_squash")}; in_ srv sh -c 'chown 1000:1000 /srv/exp; chmod 755 /srv/exp'`,
    says: [/would mount, but/, /root_squash/, /1000/],
    exitCode: 0,
  },
  {
    fault: "a directory of somebody else than NFS_USER",
    make: "in_ srv chmod 755 /srv/exp",
    env: { NFS_USER: "1000:1000" },
    says: [/would mount, but/, /uid 1000/, /0755/],
    exitCode: 0,
  },
];

let lab: Lab;
const took: string[] = [];

beforeAll(async () => {
  lab = await bootLab({ binary: process.env["NFS_INIT_BINARY"] ?? "dist/nfs-init" });
  for (const name of ["forbid", "mount-events"]) await bring(name);
});
beforeEach(async () => {
  await lab.sh("reset");
});
afterAll(async () => {
  await lab.stop();
  if (process.env["NFS_INIT_DOCTOR_TIMES"] !== undefined) console.log(took.join("\n"));
});

/** Builds a program of test/kernel/programs and puts it into /lab/state. */
async function bring(name: string): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "nfs-init-programs-"));
  const file = join(folder, name);
  try {
    await buildProgram(join(import.meta.dirname, "programs", `${name}.c`), file);
    const bytes = readFileSync(file).toString("base64");
    await lab.sh(`base64 -d >/lab/state/${name} <<'END'\n${bytes}\nEND\nchmod 755 /lab/state/${name}`);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function diagnose(
  { fault, make = ":", env = {}, options = "", launcher = "", isOnHost = false }: Fault,
  flags = "",
) {
  await lab.sh(make);
  const variables = Object.entries({ NFS_HOST: server, NFS_HOST_MOUNT: "/srv/exp", NFS_MOUNT_POINT: "/data", ...env })
    .map(([name, value]) => `${name}=${quote(value)}`)
    .join(" ");
  const place = isOnHost ? "in_ c1" : `container c1 --name box ${options} --`;
  const startedMs = performance.now();
  const job = await lab.run(`${variables} ${place} ${launcher} nfs-init doctor ${flags}`);
  const tookMs = performance.now() - startedMs;
  const sentence = job.stdout.trim().split("\n").at(-1) ?? "";
  took.push(`${(tookMs / 1_000).toFixed(1)} s | ${fault} | ${job.exitCode} | ${sentence}`);
  return { ...job, tookMs, sentence };
}

describe("a fault", () => {
  const some = faults.filter(({ isRare }) => isRare !== true || everyCombination);
  it.each(some)("is named: $fault", async (fault) => {
    const { exitCode, stdout, stderr, sentence, tookMs } = await diagnose(fault);
    for (const phrase of fault.says) expect(sentence, stdout + stderr).toMatch(phrase);
    expect(sentence).toMatch(/^[^\n]+\.$/);
    expect({ exitCode, isInTime: tookMs < longestMs }).toEqual({ exitCode: fault.exitCode ?? 1, isInTime: true });
  });
});

describe("a trial mount", () => {
  it("is seen by nobody, although the mounts here are shared", async () => {
    const script = `mkfifo /tmp/in; /lab/state/mount-events </tmp/in >/tmp/out & exec 3>/tmp/in
      until grep -q ready /tmp/out; do sleep 0.1; done; nfs-init doctor; exec 3>&-; wait; cat /tmp/out
      mkfifo /tmp/in2; /lab/state/mount-events </tmp/in2 >/tmp/out & exec 3>/tmp/in2
      until grep -q ready /tmp/out; do sleep 0.1; done; mount -t tmpfs none /data; exec 3>&-; wait; cat /tmp/out`;
    const setup = "mkdir /data; mount --make-rshared /";
    const variables = `NFS_HOST=${server} NFS_HOST_MOUNT=/srv/exp NFS_MOUNT_POINT=/data`;
    const { stdout } = await lab.run(`${variables} container c1 --setup ${quote(setup)} -- bash -c ${quote(script)}`);
    expect(stdout).toMatch(/^ +ok +trial mount .*mounted/m);
    // The second one has something to count.
    expect(stdout.match(/^(?:ready|\d+)$/gm)).toEqual(["ready", "0", "ready", "1"]);
  });

  it.each([
    { kind: "made", propagation: "private", line: /^ +ok +trial mount .*mounted/m },
    { kind: "left out", propagation: "shared", line: /^ +- +trial mount .*seen outside/m },
  ])("is $kind where a profile forbids to make mounts private that are $propagation", async ({ propagation, line }) => {
    const { stdout, exitCode } = await diagnose({
      fault: `none, a profile for NFS only, ${propagation} mounts`,
      options: `--setup 'mount --make-r${propagation} /'`,
      launcher: forbidding("make-private"),
      says: [],
    });
    expect(stdout).toMatch(line);
    expect(exitCode).toBe(0);
  });
});

describe("without a fault", () => {
  it("finds every version's share in order, mounts none of them for good, and changes no file", async () => {
    const shares = ["3", "4.0", "4.1", "4.2"].map(
      (version) => `${server}:/srv/exp /data${version} nfs hard,nolock,vers=${version}`,
    );
    const look = "cat /proc/self/mountinfo; ls /; ls /run; cat /etc/fstab; grep -c . /proc/self/mounts";
    const script = `(${look}) >/tmp/before; nfs-init doctor; echo $? >&2; (${look}) >/tmp/after; busybox cmp /tmp/before /tmp/after >&2; ls /proc | grep -c '^[0-9]' >&2`;
    const { stdout, stderr } = await lab.run(
      `NFS_MOUNTS=${quote(shares.join(";"))} container c1 --name box -- sh -c ${quote(script)}`,
    );
    expect(stdout.trim().split("\n").at(-1)).toMatch(/^All 4 shares would mount/);
    expect(stdout.match(/^ +ok +trial mount .*mounted/gm)).toHaveLength(4);
    // The shell, ls and grep.
    expect(stderr.trim().split("\n")).toEqual(["0", "3"]);
  });

  it("says the same in JSON", async () => {
    const { stdout, exitCode } = await diagnose({ fault: "none, JSON", says: [] }, "--json");
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ schemaVersion: 1, wouldMount: true, causes: [] });
  });

  it("says that a mounted share answers", async () => {
    const { stdout, exitCode } = await diagnose({
      fault: "none, mounted already",
      make: `in_ c1 sh -c 'mkdir /mnt/data; mount.nfs ${server}:/srv/exp /mnt/data -o vers=4.2'`,
      env: { NFS_MOUNT_POINT: "/mnt/data" },
      isOnHost: true,
      says: [],
    });
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/ok +mount point .*is mounted on \/mnt\/data and answers/);
    expect(await lab.sh("in_ c1 grep -c ' /mnt/data nfs4' /proc/mounts")).toBe("1");
  });

  it("ends with 78 without shares, and for a wrong configuration", async () => {
    const none = await lab.run("container c1 -- nfs-init doctor");
    expect(none).toMatchObject({ exitCode: 78, stderr: expect.stringContaining("NFS_HOST") as string });
    const wrong = await diagnose({ fault: "none, wrong version", env: { NFS_VERSION: "5" }, says: [] });
    expect(wrong).toMatchObject({ exitCode: 78, stderr: expect.stringContaining("NFS_VERSION") as string });
  });
});
