// wait: a gate that mounts nothing and needs no privilege, and opens only when a mount would succeed.
import { describe, expect, it } from "vitest";
import { logged, logLines, quote, server, type LogLine } from "../support/box.ts";
import { everyCombination, versionsOr } from "../support/every-combination.ts";
import { kernelSuite } from "../support/kernel-suite.ts";
import type { Job } from "../support/lab/lab.ts";

const { lab, box } = kernelSuite();

const nobody = "setpriv --reuid 65534 --regid 65534 --clear-groups --bounding-set -all --inh-caps -all --no-new-privs";

/** `nfs-init wait` for /srv/exp as nobody, without a single capability, or as another user. */
function startWait(env: Readonly<Record<string, string>> = {}, user = nobody): Job {
  const variables = Object.entries({
    NFS_HOST: server,
    NFS_HOST_MOUNT: "/srv/exp",
    NFS_MOUNT_POINT: box().mountPoint(),
    ...env,
  });
  const text = variables.map(([name, value]) => `${name}=${quote(value)}`).join(" ");
  return lab().start(`${text} container c1 --name box -- ${user} nfs-init wait`);
}

const waiting = "waiting for the server to serve the share";
const messages = (stderr: string) => logLines(stderr).map(({ msg }) => msg);

interface Case {
  readonly name: string;
  readonly version: string;
  /** Shell text for the lab, before it waits. */
  readonly before: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Who asks; nobody, unless a low port is needed to tell a refusal from another. */
  readonly user?: string;
  readonly reason: RegExp;
  /** Shell text that lets the share be mounted. */
  readonly repair: string;
}

const notYet: readonly Omit<Case, "version">[] = [
  {
    name: "the path is exported late",
    before: "srv_unexport /srv/exp",
    reason: /not exported to this client/,
    repair: "srv_export /srv/exp 100",
  },
  {
    name: "the path is created late below an export",
    before: "true",
    env: { NFS_HOST_MOUNT: "/srv/exp/late/folder" },
    reason: /does not exist/,
    repair: "in_ srv mkdir -p /srv/exp/late/folder",
  },
  {
    name: "the export lets this client in late, asked from a low port",
    before: "srv_unexport /srv/exp; srv_export /srv/exp 100 10.77.0.99",
    user: "env",
    reason: /not exported to this client|refuses this client/,
    repair: "srv_export /srv/exp 100",
  },
];
const cases: readonly Case[] = notYet.flatMap((one, index) =>
  versionsOr([["3", "4.2"][index % 2] ?? "3"]).map((version) => ({ ...one, version })),
);

describe("without any privilege", () => {
  it.each(versionsOr(["3", "4.2"]))("it returns when the share could be mounted, version %s", async (version) => {
    await lab().sh("srv_down");
    const job = startWait({ NFS_VERSION: version });
    await logged(job, "waiting for the server");
    await lab().sh("srv_up");
    const { exitCode, stdout, stderr } = await job.done;
    expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: "" });
    expect(messages(stderr).at(-1)).toBe("every share could be mounted");
  });

  it.each(cases)(
    "it waits and says why when $name, version $version",
    async ({ before, env = {}, user, version, reason, repair }) => {
      await lab().sh(before);
      const job = startWait({ NFS_VERSION: version, ...env }, user);
      const line = await logged(job, waiting);
      expect(line).toMatchObject({ level: "warn", reason: expect.stringMatching(reason) as string } satisfies Partial<
        Record<keyof LogLine, unknown>
      >);
      await lab().sh("pause 1");
      expect(messages(job.stderr())).not.toContain("every share could be mounted");
      await lab().sh(repair);
      expect((await job.done).exitCode).toBe(0);
    },
  );

  it("it finds an export with fsid=0, which version 3 alone has by that path", async () => {
    await lab().sh("srv_unexport /srv/exp; srv_export /srv/exp 0");
    const { exitCode, stderr } = await startWait().done;
    expect({ exitCode, last: messages(stderr).at(-1) }).toEqual({ exitCode: 0, last: "every share could be mounted" });
  });

  it("it takes no refusal for an answer that a high port of its own brought about", async () => {
    await lab().sh("srv_unexport /srv/exp; srv_export /srv/exp 100 '*' secure");
    for (const version of ["3", "4.2"]) {
      const { exitCode } = await startWait({ NFS_VERSION: version, NFS_WAIT_TIMEOUT: "20s" }).done;
      expect({ version, exitCode }).toEqual({ version, exitCode: 0 });
    }
  });

  it("it ends with 124 when its time is over, and names the share and why", async () => {
    await lab().sh("srv_unexport /srv/exp");
    const { exitCode, stderr } = await startWait({ NFS_WAIT_TIMEOUT: "3s" }).done;
    expect(exitCode).toBe(124);
    expect(logLines(stderr).at(-1)).toMatchObject({
      level: "fatal",
      reason: expect.stringMatching(/not ready within 3 s: .*:\/srv\/exp on .*not exported to this client/) as string,
    });
  });

  it("it ends with 143 when it is stopped", async () => {
    await lab().sh("srv_down");
    const job = startWait();
    await logged(job, "waiting for the server");
    await lab().sh("container_signal box TERM");
    expect((await job.done).exitCode).toBe(143);
  });
});

const starts = everyCombination ? 50 : 20;

it(`opens only when a mount then succeeds at the first attempt, in ${starts} starts of the server`, async () => {
  // Each round the server comes up some moment after the question began; versions in turn. A mount that fails is counted.
  const script = `
export NFS_HOST=${server} NFS_HOST_MOUNT=/srv/exp NFS_MOUNT_POINT=/mnt/data NFS_LOG_LEVEL=fatal
mkdir -p /mnt/data
while read -r round; do
  case $((round % 3)) in
    0) version=3 options=vers=3,nolock ;;
    1) version=4.2 options=vers=4.2 ;;
    2) version=auto options=nolock ;;
  esac
  NFS_VERSION=$version nfs-init wait; code=$?
  mount -t nfs -o $options,retry=0 ${server}:/srv/exp /mnt/data 2>/run/why && umount /mnt/data; mounted=$?
  echo "round $round wait $code mount $mounted version $version $(cat /run/why)"
  echo $round >/lab/state/wait.done
done </lab/state/wait.round`;
  const job = lab()
    .start(`rm -f /lab/state/wait.round /lab/state/wait.done; mkfifo /lab/state/wait.round /lab/state/wait.done
container c1 --name box -- bash -c ${quote(script)}`);
  const pauses = Array.from({ length: starts }, () => Math.random().toFixed(2)).join(" ");
  await lab().sh(
    `until [ -p /lab/state/wait.done ]; do pause 0.1; done
exec 5<>/lab/state/wait.round 6<>/lab/state/wait.done
n=0
for p in ${pauses}; do
  n=$((n + 1)); srv_down; echo $n >&5; pause $p; srv_up; srv_end_grace 2>/dev/null
  read -r _ <&6
done
echo >/dev/null`,
    { timeoutMs: 400_000 },
  );
  await lab().sh("container_signal box KILL");
  const { stdout } = await job.done;
  const rounds = stdout.trim().split("\n");
  expect(rounds).toHaveLength(starts);
  expect(rounds.filter((line) => !/ wait 0 mount 0 /.test(line))).toEqual([]);
}, 420_000);
