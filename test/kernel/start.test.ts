// A process starts on a real share: the server is there, comes late, or speaks only some versions.
import { describe, expect, it } from "vitest";
import { logged, logLines, server } from "../support/box.ts";
import { kernelSuite } from "../support/kernel-suite.ts";

const { lab, box } = kernelSuite(["data", "other"]);

const share = (env: Readonly<Record<string, string>> = {}) => ({
  NFS_HOST: server,
  NFS_HOST_MOUNT: "/srv/exp",
  NFS_MOUNT_POINT: box().mountPoint(),
  ...env,
});

describe.each(["3", "4.2"])("version %s", (version) => {
  it("starts the process on the share when the server is there, and unmounts when it has ended", async () => {
    const { exitCode, stdout, stderr } = await box().run({
      env: share({ NFS_VERSION: version }),
      command: `cat ${box().mountPoint()}/hello; echo written >${box().mountPoint()}/new; grep -o ',vers=[0-9.]*' /proc/mounts; exit 7`,
    });
    expect(stdout.split("\n")).toEqual(["hello", `,vers=${version}`, ""]);
    expect(exitCode).toBe(7);
    expect(await lab().sh("in_ srv cat /srv/exp/new")).toBe("written");
    const lines = logLines(stderr);
    expect(lines.map(({ msg }) => msg)).toEqual([
      "the mount point is not empty, its files are hidden while the share is mounted",
      "mounted",
      "starting the process",
      "the process has ended",
      "unmounted",
    ]);
    expect(lines[1]).toMatchObject({ source: `${server}:/srv/exp`, target: box().mountPoint(), version });
    expect(await lab().sh(`cat ${box().fstabPath}`)).toContain(
      `# nfs-init begin\n${server}:/srv/exp ${box().mountPoint()} nfs hard,nolock,vers=${version} 0 0\n# nfs-init end`,
    );
  });

  it("takes the last of ro and rw for what the share is, as the kernel does", async () => {
    await lab().sh("in_ srv chmod 755 /srv/exp");
    const as = (options: string) =>
      box().run({
        env: share({
          NFS_VERSION: version,
          NFS_OPTIONS: `nolock,${options}`,
          NFS_USER: "1234:1234",
          NFS_REQUIRE_WRITABLE: "on",
          NFS_WAIT_TIMEOUT: "6s",
        }),
        command: `grep -o ' nfs4* r[ow],' /proc/mounts; exit 5`,
      });
    const writable = await as("ro,rw");
    expect(writable).toMatchObject({ exitCode: 124, stdout: "" });
    expect(logLines(writable.stderr).at(-1)?.reason).toContain("is not writable in time");
    expect(await as("rw,ro")).toMatchObject({ exitCode: 5, stdout: expect.stringMatching(/^ nfs4? ro,\n$/) as string });
  });

  it("waits for a server that comes 10 s late", async () => {
    await lab().sh("srv_down");
    const job = box().start({ env: share({ NFS_VERSION: version }), command: `cat ${box().mountPoint()}/hello` });
    const waiting = await logged(job, "waiting for the server");
    expect(waiting.reason).toContain("connection refused");
    await lab().sh("pause 10; srv_up");
    expect(await job.done).toMatchObject({ exitCode: 0, stdout: "hello\n" });
  });

  it("mounts two shares of which one lies in the other", async () => {
    const [outer, inner] = [box().mountPoint(), `${box().mountPoint()}/sub/inner`];
    const { exitCode, stdout, stderr } = await box().run({
      env: {
        NFS_HOST: server,
        NFS_VERSION: version,
        // The inner one is named first: order is nfs-init's to find.
        NFS_1_MOUNT_POINT: inner,
        NFS_1_HOST_MOUNT: "/srv/exp2",
        NFS_2_MOUNT_POINT: outer,
        NFS_2_HOST_MOUNT: "/srv/exp",
      },
      command: `cat ${outer}/hello ${inner}/hello`,
    });
    expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: "hello\nhello2\n" });
    const steps = logLines(stderr).filter(({ msg }) => msg === "mounted" || msg === "unmounted");
    expect(steps.map(({ msg, target }) => `${msg} ${target}`)).toEqual([
      `mounted ${outer}`,
      `mounted ${inner}`,
      `unmounted ${inner}`,
      `unmounted ${outer}`,
    ]);
  });

  it("does not follow a symbolic link that lies on a share to the mount point of another", async () => {
    await lab().sh("in_ srv ln -s /etc /srv/exp/trap");
    const { exitCode, stderr } = await box().run({
      env: {
        NFS_VERSION: version,
        NFS_MOUNTS: `${server}:/srv/exp ${box().mountPoint()};${server}:/srv/exp2 ${box().mountPoint()}/trap/ssl`,
      },
    });
    expect(exitCode).toBe(32);
    expect(logLines(stderr).find(({ level }) => level === "fatal")?.reason).toContain(
      `${box().mountPoint()}/trap on the share is a symbolic link`,
    );
  });
});

describe("auto", () => {
  const cases = [
    { name: "a server that speaks both", setup: "true", exported: "/srv/exp", version: "4.2" },
    { name: "a server that speaks only version 3", setup: "srv_up --v3", exported: "/srv/exp", version: "3" },
    { name: "a server that speaks only version 4", setup: "srv_up --v4", exported: "/srv/exp", version: "4.2" },
    {
      name: "a server without minor versions 1 and 2",
      setup: "srv_up --v4 -N 4.1 -N 4.2",
      exported: "/srv/exp",
      version: "4.0",
    },
    {
      name: "a server whose export has fsid=0",
      setup: "in_ srv exportfs -ua; srv_export /srv/exp 0",
      exported: "/srv/exp",
      version: "3",
    },
  ];
  it.each(cases)("mounts from $name", async ({ setup, exported, version }) => {
    await lab().sh(setup);
    const { exitCode, stdout, stderr } = await box().run({
      env: share({ NFS_HOST_MOUNT: exported }),
      command: `cat ${box().mountPoint()}/hello`,
    });
    expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: "hello\n" });
    const lines = logLines(stderr);
    expect(lines.find(({ msg }) => msg === "mounted")?.version).toBe(version);
    expect(lines.some(({ msg }) => msg.startsWith("fell back to NFS version 3"))).toBe(version === "3");
  });
});

it("writes /etc/fstab by default", async () => {
  const { stdout } = await box().run({
    env: { ...share(), NFS_FSTAB: "" },
    options: `--setup 'printf "a b c d 0 0\\n" >/etc/fstab'`,
    command: "cat /etc/fstab",
  });
  expect(stdout).toBe(
    `a b c d 0 0\n# nfs-init begin\n${server}:/srv/exp ${box().mountPoint()} nfs hard,nolock 0 0\n# nfs-init end\n`,
  );
});

it("rewrites an fstab that is a bind mount in place", async () => {
  const { exitCode, stdout, stderr } = await box().run({
    env: { ...share(), NFS_FSTAB: "" },
    options: `--setup 'printf "a b c d 0 0\\n" >/mine; chmod 600 /mine; touch /etc/fstab; mount --bind /mine /etc/fstab'`,
    command: "stat -c %a /etc/fstab; cat /mine",
  });
  expect({ exitCode, stdout }).toEqual({
    exitCode: 0,
    stdout: `600\na b c d 0 0\n# nfs-init begin\n${server}:/srv/exp ${box().mountPoint()} nfs hard,nolock 0 0\n# nfs-init end\n`,
  });
  expect(logLines(stderr).filter(({ stage }) => stage === "fstab")).toEqual([]);
});

it("goes on without an fstab where it cannot be written", async () => {
  const { exitCode, stderr } = await box().run({
    env: { ...share(), NFS_FSTAB: "" },
    options: `--setup 'touch /etc/fstab; mount --bind /etc/fstab /etc/fstab; mount -o remount,ro,bind /etc/fstab'`,
  });
  expect(exitCode).toBe(0);
  expect(logLines(stderr).find(({ stage }) => stage === "fstab")).toMatchObject({
    level: "warn",
    msg: "fstab cannot be written, mounting goes on without it",
  });
});

it("starts the process in its working directory on the share", async () => {
  const { stdout } = await lab().run(
    `NFS_FSTAB=none NFS_HOST=$SRV NFS_HOST_MOUNT=/srv/exp NFS_MOUNT_POINT=/work container c1 --setup 'mkdir /work; cd /work' -- nfs-init -- cat hello`,
  );
  expect(stdout).toBe("hello\n");
});

it("starts the process without a nofail share whose server is away, and mounts that when it comes", async () => {
  await lab().sh("srv_down");
  const job = box().start({
    env: share({ NFS_OPTIONS: "hard,nolock,nofail" }),
    command: `while ! cat ${box().mountPoint()}/hello; do sleep 0.3; done 2>/dev/null`,
  });
  await logged(job, "starting the process");
  await lab().sh("srv_up");
  expect(await job.done).toMatchObject({ exitCode: 0, stdout: "hello\n" });
  expect(logLines(job.stderr()).map(({ msg }) => msg)).toContain("unmounted");
});

it("gives the process no descriptor and no child of its own", async () => {
  const { stdout } = await box().run({
    // The first look at the share is made by a child, too.
    env: share({ NFS_WATCH: "off" }),
    command: "ls /proc/self/fd | tr '\\n' ' '; cat /proc/[0-9]*/comm | grep -c nfs-init",
  });
  // 3 is the folder that ls reads.
  expect(stdout).toBe("0 1 2 3 1\n");
});
