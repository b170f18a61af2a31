/** The lab itself: that what the other kernel tests build on is real. */

import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { bootLab, type Lab } from "../support/lab/lab.ts";
import { eventually } from "../support/eventually.ts";

let lab: Lab;

beforeAll(async () => {
  lab = await bootLab();
}, 120_000);
beforeEach(async () => {
  await lab.sh("reset");
});
afterAll(async () => {
  await lab.stop();
});

const versions = [
  { version: "3", options: "vers=3,nolock,retry=0" },
  { version: "4.2", options: "vers=4.2,retry=0" },
];

it("pauses without a trace: what was read last is still there", async () => {
  expect(await lab.sh("read -r <<<kept; pause 0.01; echo $REPLY")).toBe("kept");
});

describe.each(versions)("version $version", ({ options }) => {
  const mount = (source: string): string => `in_ c1 mount.nfs ${source} /mnt -o ${options}`;

  it("shows the files of the server", async () => {
    const output = await lab.sh(
      `${mount("$SRV:/srv/exp")} && in_ c1 cat /mnt/hello && in_ srv touch /srv/exp/new && in_ c1 ls /mnt`,
    );
    expect(output.split("\n")).toEqual(["hello", "hello", "new", "sub"]);
  });

  it("gets ESTALE once the export has another fsid", async () => {
    const { exitCode, stderr } = await lab.run(
      `${mount("$SRV:/srv/exp")} && srv_stale /srv/exp 101; in_ c1 stat -f /mnt`,
    );
    expect({ exitCode, stderr }).toEqual({ exitCode: 1, stderr: expect.stringContaining("Stale file handle") });
  });

  it("is refused while the server is down, and mounts once it is up", async () => {
    const down = await lab.run(`srv_down; ${mount("$SRV:/srv/exp")}`);
    expect(down).toMatchObject({ exitCode: 32, stderr: expect.stringContaining("Connection refused") });
    expect(await lab.sh(`srv_up; ${mount("$SRV:/srv/exp")} && in_ c1 cat /mnt/hello`)).toBe("hello");
  });

  it("goes on by itself when the server has been away", async () => {
    const job = lab.start(
      `${mount("$SRV:/srv/exp")} && srv_down && echo down && in_ c1 sh -c 'echo yes >/mnt/new; cat /mnt/new'`,
    );
    await eventually("the server is down", () => job.stdout().includes("down"));
    await lab.sh("srv_up");
    expect(await job.done).toMatchObject({ exitCode: 0, stdout: "down\nyes\n" });
  });

  it("hangs while packets are dropped, until a signal ends it", async () => {
    await lab.sh("blackhole srv on");
    const job = lab.start(mount("$SRV:/srv/exp"));
    await eventually("mount.nfs runs", async () => (await lab.run("pgrep -x mount.nfs")).exitCode === 0);
    await job.signal("SIGTERM");
    expect(await job.done).toMatchObject({ exitCode: 128 + 15, stderr: "" });
  });
});

describe("faults", () => {
  it("offers one version only, or another", async () => {
    const results = await lab.sh(`
      try() { in_ c1 mount.nfs $SRV:/srv/exp /mnt -o $1,retry=0 2>/dev/null && echo $1 && in_ c1 umount /mnt; }
      srv_up --v3; try vers=3,nolock; try vers=4.2
      srv_up --v4; try vers=3,nolock; try vers=4.2`);
    expect(results.split("\n")).toEqual(["vers=3,nolock", "vers=4.2"]);
  });

  it("takes the NFS modules away from the kernel", async () => {
    const mount = "in_ c1 mount.nfs $SRV:/srv/exp /mnt -o vers=3,nolock,retry=0";
    const hidden = await lab.run(`modules hide; ${mount}`);
    expect(hidden).toMatchObject({ exitCode: 32, stderr: expect.stringContaining("No such device") });
    await lab.sh(`modules show; ${mount}`);
  });
});

describe("names", () => {
  it.each(["name", "dns"])("change while clients run, by %s", async (means) => {
    const address = 'in_ c1 getent ahostsv4 nas | head -n 1 | cut -d " " -f 1';
    const output = await lab.sh(`
      [ ${means} = name ] || dns up
      ${means} set nas 10.77.0.1; ${address}
      ${means} set nas 10.77.0.12; ${address}
      ${means} unset nas; ${address}`);
    expect(output.split("\n")).toEqual(["10.77.0.1", "10.77.0.12"]);
  });
});

describe("containers", () => {
  it("have a root file system, mounts and processes of their own", async () => {
    const inside = "mount -t nfs -o vers=4.2,retry=0 $SRV:/srv/exp /data; cat /data/hello /etc/fstab; echo $$";
    const output = await lab.sh(
      `export SRV; container c1 --setup 'mkdir /data; echo an entry >/etc/fstab' -- sh -c '${inside}'; cat /etc/fstab; ls -d /data; in_ c1 grep -c /data /proc/mounts; :`,
    );
    expect(output.split("\n")).toEqual(["hello", "an entry", "1", "0"]);
  });

  it("get signals as PID 1, and report their status", async () => {
    const job = lab.start(
      `container c1 --name web -- bash -c 'trap "exit 7" USR1; echo up; while :; do sleep 0.1; done'`,
    );
    await eventually("it is up", () => job.stdout() === "up\n");
    await lab.sh("container_signal web USR1");
    expect((await job.done).exitCode).toBe(7);
  });

  it.each(["--drop sys_admin", "--user 1000:1000", "--userns"])("mount nothing with %s", async (option) => {
    const { exitCode, stderr } = await lab.run(
      `container c1 ${option} -- mount -t nfs -o vers=4.2,retry=0 $SRV:/srv/exp /mnt`,
    );
    expect({ exitCode, stderr }).toEqual({
      exitCode: 32,
      stderr: expect.stringMatching(/not permitted|permission denied|not installed setuid/),
    });
  });
});

describe("jobs", () => {
  it("that fail say what they were and what they said", async () => {
    await expect(lab.sh("echo out; echo err >&2; exit 3")).rejects.toThrow(
      /exit code 3\n--- script\necho out.*\n--- stdout\nout\n--- stderr\nerr/s,
    );
  });

  it("that take too long are killed", async () => {
    await expect(lab.run("sleep 1000", { timeoutMs: 100 })).rejects.toThrow("longer than 100 ms");
    await eventually("no such process", async () => (await lab.run("pgrep -x sleep -a | grep -w 1000")).stdout === "");
  });
});
