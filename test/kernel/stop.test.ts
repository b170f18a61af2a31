// A stop signal from outside to nfs-init as PID 1: passed on each time, never escalated while the shares answer, and nothing written is lost.
import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { logged, logLines, quote, server } from "../support/box.ts";
import { eventually } from "../support/eventually.ts";
import { everyCombination, versionsOr } from "../support/every-combination.ts";
import { kernelSuite } from "../support/kernel-suite.ts";
import type { Job } from "../support/lab/lab.ts";

const { lab, box } = kernelSuite();

const share = () => ({ NFS_HOST: server, NFS_HOST_MOUNT: "/srv/exp", NFS_MOUNT_POINT: box().mountPoint() });

/** What nfs-init says when it takes to force; none of it may be said while the shares answer. */
const forcibly = /kill|forc/;

const messagesOf = (stderr: string): readonly string[] => logLines(stderr).map(({ msg }) => msg);

describe.each(versionsOr(["4.2"]))("version %s", (version) => {
  it("passes a second stop signal on too, and never kills a process that takes its time on a healthy share", async () => {
    const job = box().start({
      env: { ...share(), NFS_VERSION: version, NFS_STOP_GRACE: "500ms", NFS_WATCH_INTERVAL: "500ms" },
      command: `n=0; trap 'n=$((n+1)); echo got TERM $n; [ $n -lt 2 ] || exit 5' TERM; echo ready; while :; do sleep 0.1; done`,
    });
    await said(job, "ready");
    await lab().sh("container_signal box TERM");
    await said(job, "got TERM 1");
    // Several times the grace and the time until it is looked again.
    await lab().sh("pause 4; container_signal box TERM");
    await said(job, "got TERM 2");
    const { exitCode, stdout, stderr } = await job.done;
    expect({ exitCode, stdout }).toEqual({ exitCode: 5, stdout: "ready\ngot TERM 1\ngot TERM 2\n" });
    expect(messagesOf(stderr).filter((msg) => forcibly.test(msg))).toEqual([]);
    expect(messagesOf(stderr).at(-1)).toBe("unmounted");
  });
});

it("leaves no process of its own without a SIGKILL behind when its server is dead, where no pid namespace ends with it", async () => {
  const stray = `for s in /proc/[0-9]*/status; do
    grep -qE '^Name:.(nfs-init|exe)$' $s && ! grep -q '^State:.Z' $s && ! grep -qE '^(SigPnd|ShdPnd):.*[13579bdf]..$' $s && echo stray; done 2>/dev/null`;
  const env = {
    ...share(),
    NFS_VERSION: "4.2",
    NFS_FSTAB: "none",
    NFS_WATCH_INTERVAL: "500ms",
    NFS_WATCH_TIMEOUT: "60s",
  };
  const variables = Object.entries(env)
    .map(([name, value]) => `${name}=${quote(value)}`)
    .join(" ");
  const command = "trap 'exit 5' TERM; echo ready; while :; do sleep 0.2; done";
  // A shell is PID 1.
  const script = `nfs-init -- sh -c ${quote(command)}; echo "code $?"; ${stray}; :`;
  const job = lab().start(`${variables} container c1 --name box -- sh -c ${quote(script)}`);
  await said(job, "ready");
  // A look is on its way by then, and hangs.
  await lab().sh("link srv down; pause 2; container_exec box sh -c 'kill -TERM $(pgrep -x nfs-init | head -1)'");
  const { stdout } = await job.done;
  expect(stdout.trim().split("\n")).toEqual(["ready", "code 5"]);
});

describe.each(versionsOr(["4.2"]))("version %s, with unwritten data on a slow link", (version) => {
  const blockBytes = 64 * 1024;
  const blocks = 960;
  const bytes = blocks * blockBytes;

  /** What COMMAND writes: each block is its own number, so that one that is missing or out of place is noticed. */
  const checksum = () => {
    const hash = createHash("sha256");
    for (let block = 0; block < blocks; block++) hash.update(String(block).padStart(blockBytes, "0"));
    return hash.digest("hex");
  };

  /**
   * Writes it all and then only waits, with the file open. It forks nothing and never touches descriptor 1 again: each close of
   * it, also by a child, would make the client flush.
   */
  const writer = () =>
    `trap 'exit 5' TERM; exec 1>${box().mountPoint()}/big
for ((i = 0; i < ${blocks}; i++)); do printf '%0${blockBytes}d' $i; done
: 5>/lab/state/written; while :; do read -r -t 0.1 <>/lab/state/never; done`;

  const bytesOnServer = async () => Number(await lab().sh("in_ srv stat -c %s /srv/exp/big"));

  /** Starts the writer behind a link of `rate`, and stops it as soon as it has written, when next to nothing is on the server. */
  const stopWithUnwritten = async (rate: string): Promise<Job> => {
    await lab().sh(`rm -f /lab/state/written; slow c1 ${rate}`);
    const job = box().start({
      env: { ...share(), NFS_VERSION: version, NFS_STOP_GRACE: "2s" },
      command: `exec bash -c ${quote(writer())}`,
    });
    await logged(job, "starting the process");
    await lab().sh("until [ -e /lab/state/written ]; do pause 0.1; done");
    expect(await bytesOnServer()).toBeLessThan(bytes / 2);
    await lab().sh("container_signal box TERM");
    return job;
  };

  const expectAllOnServer = async () => {
    await eventually("all bytes on the server", async () => (await bytesOnServer()) === bytes, {
      timeoutMs: 60_000,
      intervalMs: 200,
    });
    expect(await lab().sh("in_ srv sha256sum /srv/exp/big")).toBe(`${checksum()}  /srv/exp/big`);
  };

  it("loses nothing when it is stopped, and forces nothing", async () => {
    const job = await stopWithUnwritten("60mbit");
    const { exitCode, stderr } = await job.done;
    expect(exitCode).toBe(5);
    expect(messagesOf(stderr).filter((msg) => forcibly.test(msg))).toEqual([]);
    await expectAllOnServer();
  });

  it.runIf(everyCombination)("loses nothing when the engine kills it 10 s after the stop signal", async () => {
    const job = await stopWithUnwritten("16mbit");
    await lab().sh("pause 10");
    expect(await bytesOnServer()).toBeLessThan(bytes);
    await lab().sh("container_signal box KILL");
    const { stderr } = await job.done;
    expect(messagesOf(stderr).filter((msg) => forcibly.test(msg))).toEqual([]);
    await expectAllOnServer();
  });
});

async function said(job: Job, line: string): Promise<void> {
  await eventually(`"${line}"`, () => job.stdout().split("\n").includes(line), { timeoutMs: 20_000 });
}
