// mount and unmount: shares that are there without a process in front, made and taken down by hand.
import { describe, expect, it } from "vitest";
import { logged, logLines, quote, server } from "../support/box.ts";
import { eventually } from "../support/eventually.ts";
import { versionsOr } from "../support/every-combination.ts";
import { kernelSuite } from "../support/kernel-suite.ts";

const { lab, box } = kernelSuite();

/** Runs a shell in a container with the box's two shares configured; `$A` and `$B` are the mount points. */
const run = (script: string, env: Readonly<Record<string, string>> = {}) => {
  const [a, b] = [box().mountPoint(0), box().mountPoint(1)];
  const variables = Object.entries({
    A: a,
    B: b,
    NFS_MOUNTS: `${server}:/srv/exp ${a}; ${server}:/srv/exp2 ${b}`,
    NFS_FSTAB: "none",
    ...env,
  });
  const text = variables.map(([name, value]) => `${name}=${quote(value)}`).join(" ");
  return lab().run(`${text} container c1 --name box -- bash -c ${quote(`${helpers}\n${script}`)}`, {
    timeoutMs: 110_000,
  });
};

/** `left`: how many NFS mounts and how many guards there are. */
const helpers = `left() { echo "left $(grep -c ' - nfs' /proc/self/mountinfo) $(grep -c nfs-init-guard /proc/self/mountinfo)"; }
# until_runs: waits until COMMAND of the instance in the background runs.
until_runs() { until [ -e /run/runs ]; do sleep 0.1; done; }`;

const messages = (stderr: string, msg: string) => logLines(stderr).filter((line) => line.msg === msg);

describe.each(versionsOr(["3", "4.2"]))("version %s", (version) => {
  it("mount leaves the shares mounted, and unmount takes them down in reverse order", async () => {
    const { exitCode, stdout, stderr } = await run(
      "nfs-init mount; echo $?; left; cat $A/hello $B/hello; nfs-init unmount; echo $?; left",
      { NFS_VERSION: version },
    );
    expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: "0\nleft 2 0\nhello\nhello2\n0\nleft 0 0\n" });
    expect(messages(stderr, "unmounted").map(({ target }) => target)).toEqual([
      box().mountPoint(1),
      box().mountPoint(0),
    ]);
  });
});

it("mount does nothing the second time, and unmount knows the shares as nfs-init's still", async () => {
  const { stdout } = await run("nfs-init mount && nfs-init mount; echo $?; left; nfs-init unmount; echo $?; left");
  expect(stdout).toBe("0\nleft 2 0\n0\nleft 0 0\n");
});

it("unmount removes the guards, and the lines of mount from fstab", async () => {
  const { stdout } = await run(
    `nfs-init mount; left; grep -c "^${server}" $NFS_FSTAB; nfs-init unmount; echo $?; left; grep -c nfs-init $NFS_FSTAB; true`,
    { NFS_GUARD: "on", NFS_FSTAB: box().fstabPath },
  );
  expect(stdout).toBe("left 2 2\n2\n0\nleft 0 0\n0\n");
});

it("unmount takes down a share below another one first", async () => {
  const { stdout, stderr } = await run("nfs-init mount; left; nfs-init unmount; echo $?; left", {
    NFS_MOUNTS: `${server}:/srv/exp2 ${box().mountPoint()}/sub; ${server}:/srv/exp ${box().mountPoint()}`,
  });
  expect(stdout).toBe("left 2 0\n0\nleft 0 0\n");
  expect(messages(stderr, "unmounted").map(({ target }) => target)).toEqual([
    `${box().mountPoint()}/sub`,
    box().mountPoint(),
  ]);
});

it("unmount does what is left to do after an instance that was killed", async () => {
  const { stdout } = await run(
    `nfs-init -- sh -c ': >/run/runs; exec sleep 1000' & pid=$!; until_runs; left
kill -KILL $pid; wait $pid; pkill -x sleep; left; grep -c "nfs-init begin" $NFS_FSTAB
nfs-init unmount; echo $?; left; grep -c nfs-init $NFS_FSTAB; true`,
    { NFS_FSTAB: box().fstabPath },
  );
  expect(stdout).toBe("left 2 2\nleft 2 2\n1\n0\nleft 0 0\n0\n");
});

it("unmount leaves what somebody else has mounted, and does not end with 0", async () => {
  const { stdout, stderr } = await run(
    `mount.nfs ${server}:/srv/exp $A; nfs-init mount; left; nfs-init unmount; echo $?; left; cat $A/hello`,
  );
  expect(stdout).toBe("left 2 0\n32\nleft 1 0\nhello\n");
  expect(messages(stderr, "left mounted, it was not mounted by nfs-init")).toMatchObject([
    { target: box().mountPoint(0) },
  ]);
});

it("unmount leaves a share that something else is mounted over, and does not end with 0", async () => {
  const { stdout, stderr } = await run(
    "nfs-init mount; mount -t tmpfs over $A; nfs-init unmount; echo $?; left; umount $A; nfs-init unmount; echo $?; left",
  );
  expect(stdout).toBe("32\nleft 1 0\n0\nleft 0 0\n");
  expect(messages(stderr, "left mounted, something else is mounted over it")).toMatchObject([
    { level: "error", target: box().mountPoint(0) },
  ]);
});

it("unmount takes down the share that an earlier configuration of nfs-init has left on the target", async () => {
  const { stdout } = await run(
    `nfs-init mount; NFS_MOUNTS="${server}:/srv/exp2 $A; ${server}:/srv/exp2 $B" nfs-init unmount; echo $?; left`,
  );
  expect(stdout).toBe("0\nleft 0 0\n");
});

it("unmount takes no guard from an instance that waits, and does not end with 0", async () => {
  await lab().sh("srv_down");
  const { stdout, stderr } = await run(
    `nfs-init -- true 2>/run/log & pid=$!; until grep -q 'waiting for the server' /run/log && [ $(grep -c nfs-init-guard /proc/self/mountinfo) = 2 ]; do sleep 0.1; done
nfs-init unmount; echo $?; left; kill $pid; wait $pid; left`,
  );
  expect(stdout).toBe("32\nleft 0 2\nleft 0 0\n");
  expect(messages(stderr, "left mounted, an nfs-init that is running looks after it")).toHaveLength(2);
});

it("mount makes directories on a share with the mode that is promised, whatever the umask", async () => {
  const [a, b] = [box().mountPoint(0), box().mountPoint(1)];
  const { stdout } = await run("umask 077; nfs-init mount; stat -c %a $A/new $B/new; nfs-init unmount; echo $?; left", {
    NFS_MOUNTS: `${server}:/srv/exp ${a} nfs vers=3,nolock; ${server}:/srv/exp2 ${a}/new/sub nfs vers=3,nolock
${server}:/srv/exp2 ${b} nfs vers=4.2; ${server}:/srv/exp ${b}/new/sub nfs vers=4.2`,
  });
  expect(stdout).toBe("755\n755\n0\nleft 0 0\n");
});

it("unmount takes nothing from an instance that is running", async () => {
  const { stdout, stderr } = await run(
    `nfs-init -- sh -c ': >/run/runs; trap "exit 5" TERM; while :; do sleep 0.2; done' & pid=$!; until_runs
nfs-init unmount; echo $?; left; cat $A/hello; kill $pid; wait $pid; echo $?; left`,
  );
  expect(stdout).toBe("32\nleft 2 2\nhello\n5\nleft 0 0\n");
  expect(messages(stderr, "left mounted, an nfs-init that is running looks after it")).toHaveLength(2);
});

it("unmount has nothing to do where nothing is mounted", async () => {
  const { stdout } = await run("nfs-init unmount; echo $?; left");
  expect(stdout).toBe("0\nleft 0 0\n");
});

it("unmount does not wait for a server that is gone", async () => {
  const job = lab().start(
    `NFS_FSTAB=none NFS_HOST=${server} NFS_HOST_MOUNT=/srv/exp NFS_MOUNT_POINT=${box().mountPoint()} container c1 --name box -- bash -c ${quote(
      `${helpers}\nnfs-init mount; echo up >/run/up; until [ -e /run/go ]; do sleep 0.1; done; SECONDS=0; nfs-init unmount; echo $?; [ $SECONDS -lt 8 ] && echo quickly; left`,
    )}`,
  );
  await lab()
    .sh(`until [ -s /lab/state/container.box ] && container_exec box /usr/bin/test -s /run/up; do pause 0.1; done
link srv down; container_exec box touch /run/go`);
  const { stdout } = await job.done;
  expect(stdout).toBe("0\nquickly\nleft 0 0\n");
});

it("mount undoes what it has mounted when it is stopped before all of it is there", async () => {
  await lab().sh("srv_unexport /srv/exp2");
  const { stdout, stderr } = await run(
    `nfs-init mount 2>/run/log & pid=$!; until grep -q '"mounted"' /run/log; do sleep 0.1; done; left
kill $pid; wait $pid; echo $?; left; cat /run/log >&2`,
  );
  expect(stdout).toBe("left 1 0\n143\nleft 0 0\n");
  expect(messages(stderr, "stopped before every share was mounted")).toHaveLength(1);
});

it("mount ends with 124 when its time is over, and undoes what it has mounted", async () => {
  await lab().sh("srv_unexport /srv/exp2");
  const { stdout } = await run("nfs-init mount; echo $?; left", { NFS_WAIT_TIMEOUT: "4s" });
  expect(stdout).toBe("124\nleft 0 0\n");
});

/** Runs check in the container box five times; its exit codes, its worst time, and the mean times of check and of a program that does nothing. */
async function measureCheck() {
  const found = await lab().sh(`container_exec box bash -c '
check=0 nothing=0 worst=0 codes=
for i in 1 2 3 4 5; do
  a=\${EPOCHREALTIME/./}; nfs-init check >/dev/null 2>&1; codes+=$?
  b=\${EPOCHREALTIME/./}; busybox true; c=\${EPOCHREALTIME/./}
  check=$((check + b - a)) nothing=$((nothing + c - b)); [ $((b - a)) -le $worst ] || worst=$((b - a))
done; echo $codes $worst $((check / 5)) $((nothing / 5))'`);
  const [codes = "", ...us] = found.split(" ");
  const [worstMs = 0, checkMs = 0, nothingMs = 0] = us.map((text) => Number(text) / 1_000);
  return { codes, worstMs, checkMs, nothingMs };
}

it("check never blocks, and nothing lands on the local disk, whatever becomes of the share", async () => {
  const mountPoint = box().mountPoint();
  const variables = {
    NFS_HOST: server,
    NFS_HOST_MOUNT: "/srv/exp",
    NFS_MOUNT_POINT: mountPoint,
    NFS_FSTAB: "none",
    NFS_WATCH: "remount",
    NFS_WATCH_INTERVAL: "500ms",
    NFS_WATCH_TIMEOUT: "1s",
  };
  const text = Object.entries(variables).map(([name, value]) => `${name}=${value}`);
  const command = `trap 'exit 5' TERM; while :; do echo leaked 2>/dev/null >${mountPoint}/leak || echo refused; sleep 0.1; done`;
  await lab().sh("srv_down");
  const job = lab().start(
    `${text.join(" ")} container c1 --name box -- bash -c ${quote(`nfs-init -- sh -c ${quote(command)}; echo "ended $?"; ls -A ${mountPoint}`)}`,
  );
  const measured: Record<string, Awaited<ReturnType<typeof measureCheck>>> = {};
  const measure = async (state: string) => {
    measured[state] = await measureCheck();
  };
  await logged(job, "waiting for the server");
  await measure("waiting");
  await lab().sh("srv_up");
  await logged(job, "starting the process");
  await measure("healthy");
  // Every process that touches the mount hangs now.
  await lab().sh("link srv down");
  await logged(job, "the server of the share does not answer, waiting for it");
  await measure("hanging");
  await lab().sh("link srv up");
  await logged(job, "the share answers again");
  await lab().sh("srv_unexport /srv/exp");
  await logged(job, "a share is lost");
  await eventually("the guard", () => job.stdout().includes("refused"));
  await measure("lost");
  await lab().sh("srv_export /srv/exp 100");
  await logged(job, "the share was mounted afresh, files that were open on it stay stale");
  await lab().sh("container_exec box sh -c 'kill -TERM $(pgrep -x nfs-init | head -1)'");
  const { stdout } = await job.done;
  expect(stdout.replaceAll("refused\n", "")).toBe("ended 5\nbefore\n");
  const codes = Object.fromEntries(Object.entries(measured).map(([state, one]) => [state, one.codes]));
  // While it is mounted afresh the share is waited for.
  const well = "0".repeat(5);
  expect(codes).toEqual({ waiting: well, healthy: well, hanging: well, lost: well });
  for (const [state, { worstMs, checkMs, nothingMs }] of Object.entries(measured)) {
    console.info(`check, ${state}: ${(checkMs / nothingMs).toFixed(1)} times a program that does nothing`);
    expect({ state, isQuick: worstMs < 2_000 }).toEqual({ state, isQuick: true });
  }
});
