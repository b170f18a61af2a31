// What check, status and the metrics tell of a share whose server goes, comes back, or forgets it; none of them blocks.
import { afterEach, expect, it } from "vitest";
import { eventually } from "../support/eventually.ts";
import { versionsOr } from "../support/every-combination.ts";
import { kernelSuite } from "../support/kernel-suite.ts";
import { undoFaults } from "../support/losses.ts";
import { startWatched, type Watched } from "../support/watched.ts";

const { lab, box } = kernelSuite();

afterEach(async () => {
  await lab().sh(`${undoFaults}; link srv up`);
});

/** Asks everybody once a second: exit codes of check and check --ready, the state by status, then the metrics. */
const command = `trap 'exit 5' TERM; echo ready
while :; do
  nfs-init check; healthy=$?; nfs-init check --ready; ready=$?
  state=$(nfs-init status --json | sed -n 's/.*"state": "\\(.*\\)",/\\1/p')
  up=$(busybox wget -q -O - http://127.0.0.1:9100/metrics | sed -n 's/^nfs_init_share_up{.*} //p')
  echo "check $healthy ready $ready state $state up $up"
  sleep 1
done`;

/** Waits until COMMAND says this after what it has said before. */
async function says(watched: Watched, line: string): Promise<void> {
  const before = watched.job.stdout().length;
  await eventually(line, () => watched.job.stdout().slice(before).includes(line), { timeoutMs: 40_000 });
}

it.each(versionsOr(["3", "4.2"]))("follows a server that goes and comes back, version %s", async (version) => {
  const watched = startWatched(lab(), {
    mountPoint: box().mountPoint(),
    command,
    env: { NFS_VERSION: version, NFS_LISTEN: ":9100", NFS_WATCH_TIMEOUT: "1s" },
  });
  await watched.started();
  await says(watched, "check 0 ready 0 state healthy up 1");
  await lab().sh("link srv down");
  await says(watched, "check 0 ready 1 state server-gone up 0");
  await lab().sh("link srv up");
  await says(watched, "check 0 ready 0 state healthy up 1");
});

it("tells of a lost share", async () => {
  const env = { NFS_WATCH: "log", NFS_LISTEN: ":9100" };
  const watched = startWatched(lab(), { mountPoint: box().mountPoint(), command, env });
  await watched.started();
  await says(watched, "check 0 ready 0 state healthy up 1");
  await lab().sh("srv_stale /srv/exp 101");
  await says(watched, "check 1 ready 1 state stale up 0");
  expect(watched.job.stdout()).not.toContain("check 78");
});
