// What nfs-init waits for, for how long, and how it stops waiting.
import { describe, expect, it } from "vitest";
import { logged, logLines, server } from "../support/box.ts";
import { kernelSuite } from "../support/kernel-suite.ts";

const { lab, box } = kernelSuite();

const share = (env: Readonly<Record<string, string>>) => ({
  NFS_HOST: server,
  NFS_HOST_MOUNT: "/srv/exp",
  NFS_MOUNT_POINT: box().mountPoint(),
  ...env,
});

describe.each(["3", "4.2"])("version %s", (version) => {
  it("waits for a name that resolves only later", async () => {
    const job = box().start({
      env: share({ NFS_HOST: "nas.lab", NFS_VERSION: version }),
      command: `cat ${box().mountPoint()}/hello`,
    });
    expect((await logged(job, "waiting for the server")).reason).toMatch(/^cannot resolve nas\.lab: /);
    await lab().sh("name set nas.lab $SRV");
    expect(await job.done).toMatchObject({ exitCode: 0, stdout: "hello\n" });
  });

  it("follows a name whose address changes while it waits", async () => {
    await lab().sh("name set nas.lab 10.77.0.12");
    const job = box().start({
      env: share({ NFS_HOST: "nas.lab", NFS_VERSION: version }),
      command: `cat ${box().mountPoint()}/hello`,
    });
    expect((await logged(job, "waiting for the server")).reason).toContain("10.77.0.12");
    await lab().sh("name set nas.lab $SRV");
    expect(await job.done).toMatchObject({ exitCode: 0, stdout: "hello\n" });
  });

  it("waits for a path that is not exported, and ends with 124 and the reason when its time is up", async () => {
    const { exitCode, stderr } = await box().run({
      env: share({ NFS_VERSION: version, NFS_HOST_MOUNT: "/srv/none", NFS_WAIT_TIMEOUT: "4s" }),
    });
    expect(exitCode).toBe(124);
    const expected = version === "3" ? "access denied by server" : "No such file or directory";
    const lines = logLines(stderr);
    const warning = lines.find(({ msg }) => msg === "mount attempt failed, trying again");
    expect(warning).toMatchObject({ level: "warn", hint: expect.stringContaining("check") as string });
    expect(warning?.reason).toContain(expected);
    const last = lines.find(({ level }) => level === "fatal");
    expect(last).toMatchObject({ msg: "gave up waiting", exitCode: 124 });
    expect(last?.reason).toContain(expected);
    expect(last?.reason).toContain(`${server}:/srv/none`);
  });

  it("waits while the server refuses this client, and mounts once it does not", async () => {
    await lab().sh("in_ srv exportfs -ua; srv_export /srv/exp 100 10.77.0.99");
    const job = box().start({
      env: share({ NFS_VERSION: version }),
      command: `cat ${box().mountPoint()}/hello`,
    });
    const { reason } = await logged(job, "mount attempt failed, trying again");
    expect(reason).toMatch(/access denied by server|No such file or directory/);
    await lab().sh("srv_export /srv/exp 100; in_ srv exportfs -f");
    expect(await job.done).toMatchObject({ exitCode: 0, stdout: "hello\n" });
  });

  it("bounds each attempt at a server that drops packets", async () => {
    await lab().sh("blackhole srv on");
    const job = box().start({
      env: share({ NFS_VERSION: version, NFS_ATTEMPT_TIMEOUT: "1s" }),
      command: `cat ${box().mountPoint()}/hello`,
    });
    expect((await logged(job, "waiting for the server")).reason).toContain("no answer in time");
    await lab().sh("blackhole srv off");
    expect(await job.done).toMatchObject({ exitCode: 0, stdout: "hello\n" });
  });

  it.each([
    { signal: "TERM", code: 143 },
    { signal: "INT", code: 130 },
  ])("ends with $code on SIG$signal while it waits", async ({ signal, code }) => {
    await lab().sh("srv_down");
    const job = box().start({ env: share({ NFS_VERSION: version }) });
    await logged(job, "waiting for the server");
    await lab().sh(`container_signal box ${signal}`);
    expect((await job.done).exitCode).toBe(code);
    expect(logLines(job.stderr()).map(({ msg }) => msg)).toContain("stopped before the process was started");
  });
});

it.each(["auto", "4.2"])("says that a mount call does not end while mountd hangs, version %s", async (version) => {
  await lab().sh("in_ srv sh -c 'exportfs -f; pkill -STOP -x rpc.mountd'; echo changed >/lab/state/srv");
  const job = box().start({
    env: share({ NFS_VERSION: version, NFS_ATTEMPT_TIMEOUT: "3s" }),
    command: `cat ${box().mountPoint()}/hello`,
  });
  const line = await logged(job, "the mount call does not end");
  expect(line).toMatchObject({ level: "warn", version: "4.2" });
  expect(line.reason).toBe("the mount call of version 4.2 has not ended after 3 s");
  expect(line.hint).toMatch(/rpc\.mountd hangs/);
  await lab().sh("in_ srv pkill -CONT -x rpc.mountd");
  expect(await job.done).toMatchObject({ exitCode: 0, stdout: "hello\n" });
});

it("notices a server soon that dropped packets for a while, whose SYNs the kernel repeats ever more seldom", async () => {
  await lab().sh("blackhole srv on");
  const job = box().start({ env: share({}), command: `cat ${box().mountPoint()}/hello` });
  // By then the kernel would be silent for 7 s: it repeats a SYN 1, 3, 7 and 15 s after the first.
  await lab().sh("pause 8.5; blackhole srv off");
  const startedMs = Date.now();
  expect(await job.done).toMatchObject({ exitCode: 0, stdout: "hello\n" });
  expect(Date.now() - startedMs).toBeLessThan(4_500);
});

it.each([
  { what: "a host that is not there", before: "true", address: "10.77.0.77", reason: "no route to host" },
  { what: "a port that nobody listens on", before: "srv_down", address: server, reason: "connection refused" },
])("tells $what as the kernel does: $reason", async ({ before, address, reason }) => {
  await lab().sh(before);
  const job = box().start({ env: share({ NFS_HOST: address }), options: "--name box" });
  const line = await logged(job, "waiting for the server");
  expect(line.reason).toBe(`port 2049 of ${address}: ${reason}`);
  await lab().sh("container_signal box TERM");
  await job.done;
});

it("unmounts what is mounted already when it is stopped while another share is awaited", async () => {
  const job = box().start({
    env: {
      NFS_MOUNTS: `${server}:/srv/exp ${box().mountPoint(0)};10.77.0.12:/srv/exp ${box().mountPoint(1)}`,
    },
    options: "--name box",
  });
  await logged(job, "mounted");
  await logged(job, "waiting for the server");
  await lab().sh("container_signal box TERM");
  expect((await job.done).exitCode).toBe(143);
  expect(logLines(job.stderr()).find(({ msg }) => msg === "unmounted")).toMatchObject({ target: box().mountPoint(0) });
});

it("waits without the port that answers: an open port 2049 is not an NFS service", async () => {
  await lab().sh("srv_down; in_ srv busybox nc -ll -p 2049 -e true </dev/null >/dev/null 2>&1 & disown");
  const job = box().start({ env: share({ NFS_WAIT_TIMEOUT: "3s" }) });
  expect((await job.done).exitCode).toBe(124);
  await lab().sh("fresh srv");
});

it("asks a name server anew each time", async () => {
  await lab().sh("dns up");
  const job = box().start({ env: share({ NFS_HOST: "nas.example" }), command: `cat ${box().mountPoint()}/hello` });
  expect((await logged(job, "waiting for the server")).reason).toMatch(/^cannot resolve nas\.example: /);
  await lab().sh("dns set nas.example 10.77.0.12");
  await logged(job, "waiting for the server", ({ reason }) => reason?.includes("10.77.0.12") === true);
  await lab().sh("dns set nas.example $SRV");
  expect(await job.done).toMatchObject({ exitCode: 0, stdout: "hello\n" });
});

it("waits for a name server that does not answer", async () => {
  await lab().sh("dns up; dns set nas.example $SRV; blackhole ns on");
  const job = box().start({
    env: share({ NFS_HOST: "nas.example", NFS_ATTEMPT_TIMEOUT: "2s" }),
    command: `cat ${box().mountPoint()}/hello`,
  });
  expect((await logged(job, "waiting for the server")).reason).toContain("name server does not answer");
  await lab().sh("blackhole ns off");
  expect(await job.done).toMatchObject({ exitCode: 0, stdout: "hello\n" });
});
