// What stands on a mount point already: the same share in use, a stale one, one whose server does not answer, an earlier one of ours.
import { describe, expect, it } from "vitest";
import { logged, logLines, server } from "../support/box.ts";
import { kernelSuite } from "../support/kernel-suite.ts";

const { lab, box } = kernelSuite();

const share = (env: Readonly<Record<string, string>> = {}) => ({
  NFS_HOST: server,
  NFS_HOST_MOUNT: "/srv/exp",
  NFS_MOUNT_POINT: box().mountPoint(),
  ...env,
});

/** Runs a shell in the container that starts nfs-init and looks at the mounts after it has ended. */
const inContainer = (env: Readonly<Record<string, string>>, script: string) =>
  lab().run(
    `${Object.entries({ NFS_FSTAB: "none", ...env })
      .map(([name, value]) => `${name}=${value}`)
      .join(" ")} container c1 --name box -- sh -c '${script}'`,
  );

describe.each(["3", "4.2"])("version %s", (version) => {
  const options = version === "3" ? "vers=3,nolock" : "vers=4.2";

  it("uses a share that somebody else has mounted, and leaves it mounted", async () => {
    const { exitCode, stdout, stderr } = await inContainer(
      share({ NFS_VERSION: version }),
      `mount.nfs ${server}:/srv/exp ${box().mountPoint()} -o ${options}
       nfs-init -- cat ${box().mountPoint()}/hello; echo $?; grep -c " ${box().mountPoint()} nfs" /proc/mounts`,
    );
    expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: "hello\n0\n1\n" });
    expect(logLines(stderr).map(({ msg }) => msg)).toEqual([
      "already mounted, used as it is",
      "starting the process",
      "the process has ended",
    ]);
  });

  it("detaches a stale leftover and mounts afresh", async () => {
    const job = lab().start(
      `NFS_FSTAB=none NFS_HOST=$SRV NFS_HOST_MOUNT=/srv/exp NFS_VERSION=${version} NFS_MOUNT_POINT=${box().mountPoint()} container c1 --name box -- sh -c '
        mount.nfs ${server}:/srv/exp ${box().mountPoint()} -o ${options}; echo up; read -r _ </lab/state/go
        nfs-init -- cat ${box().mountPoint()}/hello; echo $?; grep -c " ${box().mountPoint()} nfs" /proc/mounts'`,
    );
    await lab().sh("rm -f /lab/state/go; mkfifo /lab/state/go");
    await lab()
      .sh(`for i in $(seq 200); do grep -q . /lab/state/container.box 2>/dev/null && container_exec box grep -q " ${box().mountPoint()} nfs" /proc/mounts && break; pause 0.1; done
      srv_stale /srv/exp 101; echo go >/lab/state/go`);
    const { stdout, stderr } = await job.done;
    expect(stdout).toBe("up\nhello\n0\n0\n");
    expect(logLines(stderr).map(({ msg }) => msg)).toContain("detached a stale mount that was left on the target");
  });

  it("waits for the server of a leftover that does not answer, and never tears it away", async () => {
    const job = lab().start(
      `NFS_FSTAB=none NFS_ATTEMPT_TIMEOUT=1s NFS_HOST=$SRV NFS_HOST_MOUNT=/srv/exp NFS_VERSION=${version} NFS_MOUNT_POINT=${box().mountPoint()} container c1 --name box -- sh -c '
        mount.nfs ${server}:/srv/exp ${box().mountPoint()} -o ${options}; exec 3<${box().mountPoint()}/hello; ip link set lo up; echo up; read -r _ </lab/state/go
        nfs-init -- sh -c "cat ${box().mountPoint()}/hello"; echo $?; cat <&3'`,
    );
    await lab().sh("rm -f /lab/state/go; mkfifo /lab/state/go");
    await lab()
      .sh(`for i in $(seq 200); do container_exec box grep -q " ${box().mountPoint()} nfs" /proc/mounts 2>/dev/null && break; pause 0.1; done
      blackhole srv on; echo go >/lab/state/go`);
    const line = await logged(job, "mount attempt failed, trying again");
    expect(line.reason).toContain("does not answer");
    await lab().sh("blackhole srv off");
    const { stdout, stderr } = await job.done;
    expect(stdout).toBe("up\nhello\n0\nhello\n");
    expect(logLines(stderr).map(({ msg }) => msg)).toContain("already mounted, used as it is");
  });
});

it("replaces the share that an earlier instance of nfs-init left behind", async () => {
  const { stdout, stderr } = await inContainer(
    share(),
    `nfs-init -- sleep 1000 & pid=$!
     for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do grep -q "${box().mountPoint()} nfs" /proc/mounts && pgrep -x sleep >/dev/null && break; sleep 0.5; done
     kill -KILL $pid; wait $pid
     NFS_HOST_MOUNT=/srv/exp2 nfs-init -- cat ${box().mountPoint()}/hello; echo $?; grep -c " ${box().mountPoint()} nfs" /proc/mounts`,
  );
  expect(stdout).toBe("hello2\n0\n0\n");
  expect(logLines(stderr).map(({ msg }) => msg)).toContain("detached an earlier share of nfs-init");
});

it("uses the mount of an instance that is running, and leaves it to that one", async () => {
  const { stdout, stderr } = await inContainer(
    share(),
    `nfs-init -- sleep 1000 & pid=$!
     for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do grep -q "${box().mountPoint()} nfs" /proc/mounts && pgrep -x sleep >/dev/null && break; sleep 0.5; done
     nfs-init -- cat ${box().mountPoint()}/hello; echo $?; grep -c " ${box().mountPoint()} nfs" /proc/mounts
     kill $pid; wait $pid; echo $?; grep -c " ${box().mountPoint()} nfs" /proc/mounts`,
  );
  expect(stdout).toBe("hello\n0\n1\n143\n0\n");
  expect(logLines(stderr).filter(({ msg }) => msg === "unmounted")).toHaveLength(1);
});
