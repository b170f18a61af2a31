// How soon a container reads from a Docker volume on a share, and what a hundred volumes cost, beside Docker's own driver.

import { onDockerMachine, prepareDocker } from "../../test/docker/docker-lab.ts";
import type { Lab } from "../../test/support/lab/lab.ts";
import { openLabRig } from "../lab-rig.ts";
import type { Competitor, Measurement, Trial } from "../measurement.ts";

const volumeCount = 100;
const trialLimitMs = 180_000;

export const dockerVolumes: Measurement = {
  name: "docker-volumes",
  title: "Docker volumes",
  question:
    "A container is started on a volume that is a share. How soon has it read from it, and what do a hundred volumes cost?",
  method: [
    "A real Docker (Debian's, 20.10) runs in the lab, `nfs-init plugin` beside it with its defaults. The first read is from just",
    "before `docker volume create` until the first line of a file on the share has come out of `docker run --rm -v data:/data`, for",
    "a volume of the driver nfs-init and for one of Docker's local driver with `type=nfs`, which mounts by mount(2) and asks no",
    `server whether it is ready. ${volumeCount} volumes of each driver are there all the time, none of them mounted; \`docker volume ls\``,
    "lists those of one driver. Memory is that of the plugin: what Docker's own driver takes is part of the daemon. On this kernel",
    "a container takes seconds to start: the figures are upper bounds, to be read beside each other.",
  ].join(" "),
  unit: "ms",
  where: "lab",
  warmUpRounds: 1,
  rounds: 10,
  cases: [
    { name: "first-read", title: "from `docker volume create` to the container's first read" },
    { name: "list", title: `\`docker volume ls\` with ${volumeCount} volumes` },
    { name: "resident", title: `resident memory with ${volumeCount} volumes`, unit: "MB", competitors: ["nfs-init"] },
    {
      name: "private",
      title: `private dirty memory with ${volumeCount} volumes`,
      unit: "MB",
      competitors: ["nfs-init"],
    },
  ],
  targets: [
    { case: "first-read", beside: { competitor: "local", by: "ratio" }, median: 1.25 },
    { case: "list", beside: { competitor: "local", by: "ratio" }, median: 1.5 },
    { case: "private", median: 5 },
  ],
  plots: [{ kind: "strip", title: "first read", cases: ["first-read"] }],
  open: (rounds) =>
    openLabRig({
      competitors,
      memory: "2G",
      lifetimeMs: (rounds + 2) * 4 * trialLimitMs,
      prepare,
      run,
    }),
};

const competitors: readonly Competitor[] = [
  { name: "nfs-init", title: "nfs-init plugin", role: "ours" },
  { name: "local", title: "Docker's local driver, type=nfs", role: "floor" },
];

const options: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "nfs-init": { share: "10.77.0.1:/srv/exp", o: "vers=4.2" },
  local: { type: "nfs", device: ":/srv/exp", o: "addr=10.77.0.1,vers=4.2" },
};

async function prepare(lab: Lab): Promise<void> {
  await prepareDocker(lab);
  const creations = Object.entries(options).map(([driver, DriverOpts]) => {
    const body = JSON.stringify({ Name: "NAME", Driver: driver, DriverOpts });
    return `for i in $(seq ${volumeCount}); do
      body='${body}'
      curl -sSf -o /dev/null --unix-socket /run/docker.sock -H 'Content-Type: application/json' \\
        -d "\${body/NAME/${driver}-$i}" http://docker/volumes/create
    done`;
  });
  await lab.sh(onDockerMachine(["set -e", "plugin_up NFS_WATCH_INTERVAL=5s", ...creations].join("\n")), {
    timeoutMs: trialLimitMs,
  });
}

async function run(lab: Lab, trial: Trial): Promise<number> {
  const said = await lab.sh(onDockerMachine(scriptOf(trial)), { timeoutMs: trialLimitMs });
  const [from = Number.NaN, to = Number.NaN, count] = said.split(" ").map(Number);
  switch (trial.case) {
    case "first-read":
      if (!said.endsWith(" hello")) throw new Error(`${trial.competitor} has not read the file: ${said}`);
      return (to - from) * 1000;
    case "list":
      if (count !== volumeCount) throw new Error(`${trial.competitor} has not listed its volumes: ${said}`);
      return (to - from) * 1000;
    default: {
      // Ticks, resident and private memory in KiB; see cost.sh.
      const kib = trial.case === "resident" ? to : (count ?? Number.NaN);
      if (Number.isNaN(kib)) throw new Error(`the memory of the plugin is not known: ${said}`);
      return (kib * 1024) / 1e6;
    }
  }
}

function scriptOf({ case: wanted, competitor }: Trial): string {
  switch (wanted) {
    case "first-read": {
      const words = Object.entries(options[competitor] ?? {}).map(([name, value]) => `-o ${name}=${value}`);
      return `from=$EPOCHREALTIME
        docker volume create -d ${competitor} ${words.join(" ")} data >/dev/null
        docker run --rm --network none -v data:/data lab /bin/cat /data/hello | {
          read -r line
          echo "$from $EPOCHREALTIME $line"
          cat >/dev/null
        }
        docker volume rm data >/dev/null`;
    }
    case "list":
      return `from=$EPOCHREALTIME
        listed=$(docker volume ls -q --filter driver=${competitor})
        echo "$from $EPOCHREALTIME $(grep -c '^${competitor}-' <<<"$listed")"`;
    default:
      return `. /lab/project/bench/guest/cost.sh
        cost $(pgrep -x -o nfs-init)`;
  }
}
