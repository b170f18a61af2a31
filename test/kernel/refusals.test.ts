// What cannot work is said at once, in one line, with what to do; what may come is waited for.
import { expect, it } from "vitest";
import { logged, logLines, server } from "../support/box.ts";
import { kernelSuite } from "../support/kernel-suite.ts";

const { lab, box } = kernelSuite(["with blank", "data"]);

const share = (env: Readonly<Record<string, string>> = {}) => ({
  NFS_HOST: server,
  NFS_HOST_MOUNT: "/srv/exp",
  NFS_MOUNT_POINT: box().mountPoint(1),
  ...env,
});

it("mounts on a mount point with a blank", async () => {
  const { exitCode, stdout } = await box().run({
    env: share({ NFS_MOUNT_POINT: box().mountPoint(0) }),
    command: `cat "${box().mountPoint(0)}/hello"`,
  });
  expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: "hello\n" });
  expect(await lab().sh(`cat ${box().fstabPath}`)).toContain(String.raw`/with\040blank nfs hard,nolock 0 0`);
});

it("ends with 32 at once without CAP_SYS_ADMIN, although the server is away", async () => {
  await lab().sh("srv_down");
  const { exitCode, stderr } = await box().run({ env: share(), options: "--drop sys_admin" });
  expect(exitCode).toBe(32);
  const lines = logLines(stderr);
  expect(lines).toHaveLength(1);
  expect(lines[0]).toMatchObject({ level: "fatal", msg: "a share cannot be mounted", exitCode: 32 });
  expect(lines[0]?.reason).toContain("CAP_SYS_ADMIN");
  expect(lines[0]?.hint).toContain("--cap-add SYS_ADMIN");
});

it("ends with 32 at once in a user namespace, and names it", async () => {
  await lab().sh("srv_down");
  const { exitCode, stderr } = await box().run({ env: share(), options: "--userns" });
  expect(exitCode).toBe(32);
  expect(logLines(stderr)[0]?.reason).toContain("user namespace");
});

it("ends with 32 at once in a user namespace, and names it, where the host has no NFS either", async () => {
  await lab().sh("srv_down; modules hide");
  const { exitCode, stderr } = await box().run({ env: share(), options: "--userns" });
  expect(exitCode).toBe(32);
  const lines = logLines(stderr);
  expect(lines).toHaveLength(1);
  expect(lines[0]?.reason).toContain("user namespace");
});

it("ends with 32 and says what to do where root may not make a mount point on the share above", async () => {
  await lab().sh(
    "in_ srv chown 0:0 /srv/exp; in_ srv chmod 755 /srv/exp; in_ srv exportfs -ua; in_ srv exportfs -o rw,root_squash,insecure,no_subtree_check,fsid=100 '*:/srv/exp'; in_ srv exportfs -f",
  );
  const mountPoint = box().mountPoint(1);
  const { exitCode, stderr } = await box().run({
    env: { NFS_MOUNTS: `${server}:/srv/exp ${mountPoint};${server}:/srv/exp ${mountPoint}/made` },
  });
  expect(exitCode).toBe(32);
  const last = logLines(stderr).at(-1);
  expect(last?.reason).toContain(`cannot make ${mountPoint}/made on the share: EACCES`);
  expect(last?.hint).toContain(`export ${server}:/srv/exp with no_root_squash`);
});

it("ends with 32 at once as another user than root", async () => {
  const { exitCode, stderr } = await box().run({ env: share(), options: "--user 1000:1000" });
  expect(exitCode).toBe(32);
  expect(logLines(stderr).at(-1)?.reason).toContain("CAP_SYS_ADMIN");
});

it("waits for the NFS modules of the host, and says which", async () => {
  await lab().sh("modules hide");
  const job = box().start({ env: share({ NFS_VERSION: "4.2" }), command: `cat ${box().mountPoint(1)}/hello` });
  const line = await logged(job, "mount attempt failed, trying again");
  expect(line).toMatchObject({ level: "warn", reason: "No such device (ENODEV)" });
  expect(line.hint).toContain("load the modules nfs, nfsv3 and nfsv4");
  await lab().sh("modules show");
  expect(await job.done).toMatchObject({ exitCode: 0, stdout: "hello\n" });
});

it("ends with 32 when the kernel still has no NFS after a minute", async () => {
  await lab().sh("modules hide");
  const startedMs = Date.now();
  const { exitCode, stderr } = await box().run({ env: share({ NFS_VERSION: "4.2" }) });
  expect(exitCode).toBe(32);
  expect(Date.now() - startedMs).toBeGreaterThan(60_000);
  expect(logLines(stderr).at(-1)).toMatchObject({ level: "fatal", exitCode: 32 });
});

it.each([
  { word: "nonsense", hint: /nfs\(5\).*NFS_OPTIONS/ },
  { word: "uid=1000", hint: /NFS_USER/ },
  { word: "gid=1000", hint: /NFS_USER/ },
  { word: "rsize=8K", hint: /number of bytes/ },
  { word: "RW", hint: /lower case: rw / },
  { word: "udp", hint: /UDP/ },
  { word: "rslave", hint: /propagat/ },
  { word: "timeo=0", hint: /at least 1/ },
  { word: "nconnect=32", hint: /1 to 16/ },
  { word: "debug", hint: /other mount programs/ },
  { word: "xprtsec=tls", hint: /Linux 6\.5/ },
])("ends with 32 at once on an option the kernel refuses, and names it: $word", async ({ word, hint }) => {
  const { exitCode, stderr } = await box().run({ env: share({ NFS_OPTIONS: `soft,nolock,${word},noatime` }) });
  expect(exitCode).toBe(32);
  const last = logLines(stderr).at(-1);
  expect(last?.reason).toContain(`the kernel refuses the mount option ${word}`);
  expect(last?.hint).toMatch(hint);
});

it.each(["auto", "3"])("says what Kerberos needs here, and nothing else, version %s", async (version) => {
  const { exitCode, stderr } = await box().run({
    env: share({ NFS_VERSION: version, NFS_OPTIONS: "nolock,sec=krb5p", NFS_WAIT_TIMEOUT: "16s" }),
  });
  expect([32, 124]).toContain(exitCode);
  const hints = logLines(stderr).flatMap(({ hint }) => hint ?? []);
  expect(hints.length).toBeGreaterThan(0);
  for (const hint of hints)
    expect(hint, stderr).toMatch(/rpc\.gssd|does not mount because the export offers sys and not krb5p/);
});

it("refuses a target that carries a different share that is not ours", async () => {
  const { exitCode, stderr } = await box().run({
    env: share(),
    options: `--setup 'mount.nfs ${server}:/srv/exp2 ${box().mountPoint(1)} -o vers=4.2'`,
  });
  expect(exitCode).toBe(78);
  expect(logLines(stderr)[0]?.reason).toContain(`${server}:/srv/exp2 is mounted there`);
});

it("mounts nothing with NFS_MOUNT_SKIP, and says so", async () => {
  const { exitCode, stdout, stderr } = await box().run({
    env: share({ NFS_MOUNT_SKIP: "yes" }),
    command: `cat ${box().mountPoint(1)}/before`,
  });
  expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: "what was here before\n" });
  expect(logLines(stderr)).toMatchObject([
    { level: "error", msg: "NFS_MOUNT_SKIP or TEST is set, nothing is mounted" },
  ]);
});

it("ends with 32 at once on a mount point that is a file, although the server is away", async () => {
  await lab().sh("srv_down");
  const { exitCode, stderr } = await box().run({ env: share({ NFS_MOUNT_POINT: `${box().mountPoint(1)}/before` }) });
  expect(exitCode).toBe(32);
  expect(logLines(stderr).at(-1)?.reason).toContain(`cannot use ${box().mountPoint(1)}/before as mount point`);
});
