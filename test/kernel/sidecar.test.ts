// A sidecar mounts for processes of other containers: through a directory of the host whose mounts propagate.
import { beforeEach, describe, expect, it } from "vitest";
import { logged, logLines, quote, server } from "../support/box.ts";
import { eventually } from "../support/eventually.ts";
import { versionsOr } from "../support/every-combination.ts";
import { kernelSuite } from "../support/kernel-suite.ts";
import type { Job } from "../support/lab/lab.ts";

const { lab, box } = kernelSuite();

/** A directory of the host c1 that is a mount of its own and shared: what is mounted below it in a pod is there in all others. */
const hostPath = "/lab/state/hostpath";
const target = `${hostPath}/data`;

beforeEach(async () => {
  await lab().sh(
    `rm -rf ${hostPath}; mkdir ${hostPath}; in_ c1 sh -c 'mount --bind ${hostPath} ${hostPath}; mount --make-rshared ${hostPath}'`,
  );
});

interface PodStart {
  readonly name: string;
  /** `shared` is Bidirectional, `slave` is HostToContainer. */
  readonly propagation: "shared" | "slave";
  readonly env?: Readonly<Record<string, string>>;
  /** Shell text that becomes its PID 1. */
  readonly command: string;
}

/** A container on c1 that sees the mounts of the host path, with a /run of its own. */
function startPod({ name, propagation, env = {}, command }: PodStart): Job {
  const variables = Object.entries(env).map(([key, value]) => `${key}=${quote(value)}`);
  const inside = `read -r pid rest </proc/self/stat
mount --make-r${propagation} ${hostPath}; mount -t proc proc /proc; mount -t tmpfs run /run
echo $pid >/lab/state/container.${name}; ${command}`;
  return lab().start(`read -r pid </lab/state/host.c1; echo yes >/lab/state/used.c1
${variables.join(" ")} enter $pid -n -m -u unshare -m -p -f --kill-child --propagation unchanged bash -c ${quote(inside)}`);
}

const share = (env: Readonly<Record<string, string>> = {}) => ({
  NFS_HOST: server,
  NFS_HOST_MOUNT: "/srv/exp",
  NFS_MOUNT_POINT: target,
  NFS_WATCH_INTERVAL: "500ms",
  NFS_WATCH_TIMEOUT: "2s",
  NFS_FSTAB: "none",
  ...env,
});

const startSidecar = (name: string, env: Readonly<Record<string, string>> = {}) =>
  startPod({ name, propagation: "shared", env: share(env), command: "exec nfs-init sidecar" });

/** A process of another container that says each time that it can read the share, or no longer. */
const startUser = (name = "user") =>
  startPod({
    name,
    propagation: "slave",
    command: `echo ready; was=
while :; do
  if [ "$(stat -f -c %T ${target} 2>/dev/null)" = nfs ] && ls ${target} >/dev/null 2>&1; then now=works; else now=fails; fi
  [ "$now" = "$was" ] || echo "$now"; was=$now; sleep 0.1
done`,
  });

const words = (job: Job) => job.stdout().trim().split("\n");
const says = (job: Job, word: string) => eventually(word, () => words(job).at(-1) === word, { timeoutMs: 30_000 });
const count = (job: Job, msg: string) => logLines(job.stderr()).filter((line) => line.msg === msg).length;

/** What is mounted on the target, on the host: NFS and guards. */
async function onHost(): Promise<{ readonly shares: number; readonly guards: number }> {
  const found = await lab().sh(
    `in_ c1 sh -c 'grep -c " ${target} .* - nfs" /proc/self/mountinfo; grep -c nfs-init-guard /proc/self/mountinfo; true'`,
  );
  const [shares, guards] = found.split("\n").map(Number);
  return { shares: shares ?? -1, guards: guards ?? -1 };
}

async function stop(name: string, job: Job) {
  await lab().sh(`container_signal ${name} TERM`);
  return job.done;
}

describe("in a container of its own", () => {
  const start = (env: Readonly<Record<string, string>> = {}) => {
    const variables = Object.entries({ ...share(), NFS_MOUNT_POINT: box().mountPoint(), ...env });
    const text = variables.map(([name, value]) => `${name}=${quote(value)}`).join(" ");
    return lab().start(
      `${text} container c1 --name box -- sh -c 'nfs-init sidecar; echo "ended $? $(grep -c -e " - nfs" -e nfs-init-guard /proc/self/mountinfo)"'`,
    );
  };
  const ready = async () => (await lab().run("container_exec box nfs-init check --ready")).exitCode;
  const term = () => lab().sh("container_exec box sh -c 'kill -TERM $(pgrep -x nfs-init | head -1)'");

  it.each(versionsOr(["4.2"]))(
    "it mounts, says so, is ready, and unmounts when it is stopped, version %s",
    async (v) => {
      await lab().sh("srv_down");
      const job = start({ NFS_VERSION: v });
      await logged(job, "waiting for the server");
      expect(await ready()).toBe(1);
      await lab().sh("srv_up");
      expect(await logged(job, "mounted")).toMatchObject({ version: v });
      await logged(job, "every share is mounted");
      expect(await ready()).toBe(0);
      expect(await lab().sh(`container_exec box cat ${box().mountPoint()}/hello`)).toBe("hello");
      await term();
      const { stdout, stderr } = await job.done;
      expect(stdout).toBe("ended 0 0\n");
      expect(logLines(stderr).map(({ msg }) => msg)).toContain("unmounted");
    },
  );

  it("it ends with 0 when it is stopped while it still waits", async () => {
    await lab().sh("srv_down");
    const job = start();
    await logged(job, "waiting for the server");
    await term();
    expect((await job.done).stdout).toBe("ended 0 0\n");
  });

  it("it is not ready while the share is away, and ends with 0 when it is stopped then", async () => {
    const job = start();
    await logged(job, "every share is mounted");
    await lab().sh("link srv down");
    await logged(job, "the server of the share does not answer, waiting for it");
    expect(await ready()).toBe(1);
    const startedMs = Date.now();
    await term();
    expect((await job.done).stdout).toBe("ended 0 0\n");
    expect(Date.now() - startedMs).toBeLessThan(6_000);
  });
});

describe("for other containers", () => {
  it.each(versionsOr(["3", "4.2"]))(
    "it heals a stale share under their processes, three times in a row, version %s",
    async (version) => {
      const sidecar = startSidecar("sidecar", { NFS_VERSION: version });
      await logged(sidecar, "every share is mounted");
      const user = startUser();
      await says(user, "works");
      for (let round = 1; round <= 3; round++) {
        await lab().sh(`srv_stale /srv/exp ${200 + round}`);
        await eventually(
          "the fresh mount",
          () => count(sidecar, "the share was mounted afresh, files that were open on it stay stale") === round,
          {
            timeoutMs: 30_000,
          },
        );
        await says(user, "works");
      }
      expect(await onHost()).toEqual({ shares: 1, guards: 1 });
      const { exitCode, stderr } = await stop("sidecar", sidecar);
      expect({ exitCode, host: await onHost() }).toEqual({ exitCode: 0, host: { shares: 0, guards: 0 } });
      expect(
        logLines(stderr)
          .filter(({ level }) => level === "error")
          .map(({ msg }) => msg),
      ).toEqual(Array.from({ length: 3 }, () => "a share is lost"));
      await says(user, "fails");
    },
  );

  it.each(versionsOr(["3", "4.2"]))(
    "it keeps their writes to a share that lies on another from landing on that one, version %s",
    async (version) => {
      const sidecar = startSidecar("sidecar", {
        NFS_VERSION: version,
        NFS_1_HOST_MOUNT: "/srv/exp2",
        NFS_1_MOUNT_POINT: `${target}/sub`,
      });
      await logged(sidecar, "every share is mounted");
      const writer = startPod({
        name: "writer",
        propagation: "slave",
        command: `n=0; while :; do n=$((n+1)); { echo $n >>${target}/sub/log; } 2>/dev/null && echo $n; sleep 0.02; done`,
      });
      const more = () => {
        const before = words(writer).length;
        return eventually("more records", () => words(writer).length > before + 2, { timeoutMs: 30_000 });
      };
      for (let round = 1; round <= 3; round++) {
        await more();
        await lab().sh(`srv_stale /srv/exp ${200 + round}`);
        await eventually(
          "the fresh mount",
          () => count(sidecar, "the share was mounted afresh, files that were open on it stay stale") === round,
          { timeoutMs: 30_000 },
        );
      }
      await more();
      expect(await lab().sh("in_ srv ls -A /srv/exp/sub")).toBe("");
      expect(await onHost()).toEqual({ shares: 1, guards: 2 });
      await lab().sh("container_signal writer KILL");
      const { exitCode } = await stop("sidecar", sidecar);
      expect({ exitCode, host: await onHost() }).toEqual({ exitCode: 0, host: { shares: 0, guards: 0 } });
    },
  );

  it("it leaves nothing behind at whatever moment it is stopped", async () => {
    // Not as PID 1: there the kernel would drop a signal that comes before anybody listens.
    const command = `nfs-init sidecar & pid=$!; trap 'kill -TERM $pid' TERM; echo $pid >/run/pid; wait $pid; code=$?
[ ! -e /proc/$pid ] || { wait $pid; code=$?; }; exit $code`;
    const ends: unknown[] = [];
    for (const pause of [0, 0.1, 0.3, undefined, 0.5, 0.8, 1.2]) {
      const sidecar = startPod({ name: "sidecar", propagation: "shared", env: share(), command });
      if (pause === undefined) await logged(sidecar, "mounted");
      else {
        await lab().sh(
          `until [ -s /lab/state/container.sidecar ] && container_exec sidecar /usr/bin/test -s /run/pid; do pause 0.02; done; pause ${pause}`,
        );
      }
      const { exitCode } = await stop("sidecar", sidecar);
      // 143 where nobody listened yet.
      ends.push({ pause, hasEnded: exitCode === 0 || exitCode === 143, ...(await onHost()) });
      await lab().sh("rm -f /lab/state/container.sidecar");
    }
    expect(ends).toEqual(ends.map((end) => ({ ...(end as object), hasEnded: true, shares: 0, guards: 0 })));
  });
});

describe("two on one directory of the host", () => {
  const startBoth = async (version = "4.2") => {
    const first = startSidecar("first", { NFS_VERSION: version });
    await logged(first, "every share is mounted");
    const second = startSidecar("second", { NFS_VERSION: version });
    await logged(second, "every share is mounted");
    const user = startUser();
    await says(user, "works");
    return { first, second, user };
  };

  it("share one mount, which the last to leave takes down", async () => {
    const { first, second, user } = await startBoth();
    expect(count(first, "mounted")).toBe(1);
    expect(count(second, "already mounted, used as it is")).toBe(1);
    expect(await onHost()).toEqual({ shares: 1, guards: 1 });
    expect((await stop("first", first)).exitCode).toBe(0);
    expect(count(first, "left mounted, somebody else uses it")).toBe(1);
    expect(await onHost()).toMatchObject({ shares: 1 });
    await lab().sh("pause 2");
    expect((await lab().run("container_exec second nfs-init check --ready")).exitCode).toBe(0);
    expect(words(user)).toEqual(["ready", "works"]);
    expect((await stop("second", second)).exitCode).toBe(0);
    expect(await onHost()).toEqual({ shares: 0, guards: 0 });
  });

  it("leave it to the first when the second is stopped", async () => {
    const { first, second, user } = await startBoth();
    expect((await stop("second", second)).exitCode).toBe(0);
    await lab().sh("pause 2");
    expect(words(user)).toEqual(["ready", "works"]);
    expect(count(first, "a share is lost")).toBe(0);
    expect((await stop("first", first)).exitCode).toBe(0);
    expect(await onHost()).toEqual({ shares: 0, guards: 0 });
  });

  it.each(versionsOr(["4.2"]))(
    "heal a share that both have lost once, three times in a row, version %s",
    async (version) => {
      const { first, second, user } = await startBoth(version);
      const fresh = () => count(first, "mounted") + count(second, "mounted");
      for (let round = 1; round <= 3; round++) {
        await lab().sh(`srv_stale /srv/exp ${300 + round}`);
        await eventually("the fresh mount", () => fresh() === 1 + round, { timeoutMs: 30_000 });
        await says(user, "works");
        // Whoever would tear it away again does so within some intervals.
        await lab().sh("pause 4");
        expect({ fresh: fresh(), user: words(user).at(-1), ...(await onHost()) }).toMatchObject({
          fresh: 1 + round,
          user: "works",
          shares: 1,
        });
      }
      for (const name of ["first", "second"])
        expect((await lab().run(`container_exec ${name} nfs-init check --ready`)).exitCode).toBe(0);
      expect((await stop("first", first)).exitCode).toBe(0);
      expect((await stop("second", second)).exitCode).toBe(0);
      expect(await onHost()).toEqual({ shares: 0, guards: 0 });
    },
  );
});

describe("an emptyDir of Kubernetes", () => {
  const volume = "/lab/state/pods/1/volumes/kubernetes.io~empty-dir/data";
  const start = (propagation: PodStart["propagation"]) =>
    startPod({
      name: "sidecar",
      propagation: "shared",
      env: share({ NFS_MOUNT_POINT: `${hostPath}/volume/data` }),
      command: `mkdir -p ${volume}; mkdir ${hostPath}/volume; mount --bind ${volume} ${hostPath}/volume
mount --make-${propagation === "shared" ? "shared" : "private"} ${hostPath}/volume; exec nfs-init sidecar`,
    });

  it("that propagates to the host is refused, and a hostPath recommended", async () => {
    const { exitCode, stderr } = await start("shared").done;
    expect(exitCode).toBe(78);
    const line = logLines(stderr).at(-1);
    expect(line).toMatchObject({ level: "fatal", msg: "wrong configuration" });
    expect(line?.reason).toMatch(/emptyDir that propagates to the host.*use a hostPath volume/);
    expect(await onHost()).toEqual({ shares: 0, guards: 0 });
  });

  it("that does not propagate is mounted on", async () => {
    const sidecar = start("slave");
    await logged(sidecar, "every share is mounted");
    expect((await stop("sidecar", sidecar)).exitCode).toBe(0);
  });
});
