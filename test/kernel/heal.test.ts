// A share that is lost is mounted afresh: under the process (remount), or with the process started again (restart).
import { afterEach, expect, it } from "vitest";
import { eventually } from "../support/eventually.ts";
import { everyCombination, versionsOr } from "../support/every-combination.ts";
import { kernelSuite } from "../support/kernel-suite.ts";
import { losses, moveServer, undoFaults } from "../support/losses.ts";
import { nothingLeft, startWatched, type Watched } from "../support/watched.ts";

const { lab, box } = kernelSuite();

afterEach(async () => {
  await lab().sh(undoFaults);
});

/** Says each time that it can read the share again. */
const user = (mountPoint: string) =>
  `trap 'echo got TERM; exit 5' TERM; trap 'echo got HUP' HUP; echo ready; was=
while :; do
  if [ "$(stat -f -c %T ${mountPoint} 2>/dev/null)" = nfs ] && ls ${mountPoint} >/dev/null 2>&1; then now=works; else now=fails; fi
  [ "$now" = "$was" ] || echo "$now"; was=$now; sleep 0.1
done`;

/**
 * Another machine serves the share from now on, at another address behind the same name. The same machine would not do: the
 * kernel knows a server of version 4 by its owner, not by its address, and goes on with the connection it has.
 */
const takeOver = `srv_down; in_ srv hostname other; srv_up; srv_end_grace || :
${moveServer}`;

/** What makes a share that was lost serve again, where its server does not already. */
const repairs: Readonly<Record<string, string>> = {
  "its export is withdrawn": "srv_export /srv/exp 100",
  "its server is gone for longer than NFS_SERVER_GONE_AFTER": "link srv up",
  "it does not answer although its server does, for longer than NFS_UNRESPONSIVE_AFTER":
    "in_ srv iptables-legacy -F INPUT",
};

/** A hard mount goes on by itself when what was in its way is gone, before anything is mounted afresh. */
const recovers: ReadonlySet<string> = new Set(["server-gone", "unresponsive"]);

/** What is lost after a while is lost after a second: how long it takes is not what is looked at here. */
const quickly = (env: Readonly<Record<string, string>>) =>
  Object.fromEntries(
    Object.keys(env)
      .filter((name) => name.endsWith("_AFTER"))
      .map((name) => [name, "1s"]),
  );

/** Whether the process could read the share when it last said so. */
const lastFinding = ({ job }: Watched) =>
  job
    .stdout()
    .split("\n")
    .findLast((line) => line === "works" || line === "fails");

async function stop(watched: Watched) {
  await lab().sh("container_exec box sh -c 'kill -TERM $(pgrep -x nfs-init | head -1)'");
  return watched.ended();
}

/** Every way of healing and every version in turn, or all of them together. */
const healings = losses
  .filter(({ fault }) => fault !== moveServer)
  .flatMap((loss, index) => {
    const versions = ["3", "4.2"];
    const ways = ["restart", "remount"].map((watch, way) => ({
      ...loss,
      watch,
      few: [versions[(index + way) % 2] ?? ""],
    }));
    return ways.flatMap(({ few, ...way }) => versionsOr(few).map((version) => ({ ...way, version })));
  });

it.each(healings)(
  "heals a share by $watch, version $version, when $name",
  async ({ name, fault, env = {}, before = "true", state, watch, version }) => {
    const mountPoint = box().mountPoint();
    await lab().sh(before);
    const watched = startWatched(lab(), {
      mountPoint,
      env: {
        NFS_VERSION: version,
        NFS_WATCH: watch,
        NFS_WATCH_TIMEOUT: "1s",
        NFS_STOP_GRACE: "1s",
        NFS_SIGNAL_ON_REMOUNT: "HUP",
        ...env,
        ...quickly(env),
      },
      command: user(mountPoint),
    });
    await watched.started();
    const says = (text: string, times: number) =>
      eventually(`${times} times ${text}`, () => watched.job.stdout().split(text).length > times, {
        timeoutMs: 40_000,
      });
    await says("works", 1);
    await lab().sh(fault.replaceAll("MOUNT_POINT", mountPoint));
    await watched.logged("a share is lost");
    await lab().sh(repairs[name] ?? "true");
    if (watch === "restart") await says("ready", 2);
    else if (recovers.has(state)) await watched.logged("the share answers again");
    else await says("got HUP", 1);
    // The process works on the fresh mount: it has said so last.
    await eventually("the process at work", () => lastFinding(watched) === "works", { timeoutMs: 40_000 });
    const end = await stop(watched);
    const starts = end.stdout.filter((line) => line === "ready").length;
    // What somebody else has mounted over it is not ours to take away.
    const mounts = state === "replaced" ? 2 : 0;
    expect({ exitCode: end.exitCode, starts, left: end.left }).toEqual({
      exitCode: 5,
      starts: watch === "restart" ? 2 : 1,
      left: { ...nothingLeft, mounts },
    });
  },
);

const followings = everyCombination
  ? ["restart", "remount"].flatMap((watch) => versionsOr([]).map((version) => ({ watch, version })))
  : [
      { watch: "restart", version: "4.2" },
      { watch: "remount", version: "3" },
    ];

it.each(followings)("follows its server to another machine by $watch, version $version", async ({ watch, version }) => {
  const mountPoint = box().mountPoint();
  await lab().sh("name set nas.lab $SRV");
  const watched = startWatched(lab(), {
    mountPoint,
    env: { NFS_VERSION: version, NFS_WATCH: watch, NFS_HOST: "nas.lab" },
    command: user(mountPoint),
  });
  await watched.started();
  await lab().sh(takeOver);
  await watched.logged("a share is lost");
  const times = watch === "restart" ? 2 : 1;
  await eventually("the fresh mount", () => watched.lines("mounted").length > 1, { timeoutMs: 60_000 });
  await eventually(`start ${times}`, () => watched.job.stdout().split("ready").length > times, { timeoutMs: 40_000 });
  expect(await lab().sh(`container_exec box cat ${mountPoint}/hello`)).toBe("hello");
  // Who was reading when the old machine went away is blocked on it until it is killed.
  await lab().sh("container_exec box pkill -KILL -x 'ls|stat' || :");
  const end = await stop(watched);
  expect({ exitCode: end.exitCode, left: end.left }).toEqual({ exitCode: 5, left: nothingLeft });
});

it("ends with 75 when it was started again five times in ten minutes", async () => {
  const mountPoint = box().mountPoint();
  const watched = startWatched(lab(), { mountPoint, env: { NFS_WATCH: "restart" } });
  for (let start = 1; start <= 6; start++) {
    await eventually(`start ${start}`, () => watched.job.stdout().split("ready").length > start, { timeoutMs: 40_000 });
    await lab().sh(`container_exec box umount -l ${mountPoint}`);
  }
  const end = await watched.ended();
  expect({ exitCode: end.exitCode, left: end.left }).toEqual({ exitCode: 75, left: nothingLeft });
  expect(end.stdout.filter((line) => line === "ready")).toHaveLength(6);
  expect(end.lines.at(-1)).toMatchObject({ level: "fatal", hint: expect.stringContaining("5 times") as string });
});

it("does not start the process again when it was asked to stop while it ended", async () => {
  const watched = startWatched(lab(), {
    mountPoint: box().mountPoint(),
    env: { NFS_WATCH: "restart", NFS_STOP_GRACE: "20s" },
    command: `trap 'echo got TERM; sleep 3; exit 5' TERM; echo ready; while :; do sleep 0.2; done`,
  });
  await watched.started();
  await lab().sh("srv_stale /srv/exp 101");
  await eventually("the end", () => watched.job.stdout().includes("got TERM"), { timeoutMs: 20_000 });
  const end = await stop(watched);
  expect({ exitCode: end.exitCode, starts: end.stdout.filter((line) => line === "ready").length }).toEqual({
    exitCode: 75,
    starts: 1,
  });
});
