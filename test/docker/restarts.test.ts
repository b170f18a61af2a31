// What becomes of volumes and of who uses them when the daemon, the driver or both are killed and come back.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { server } from "../support/box.ts";
import { dockerMachine, writing } from "./machine.ts";

const { sh, says, growing, cleared } = dockerMachine();

/** What is killed, and how it comes back. */
const deaths = {
  "the daemon": { script: (options: string) => `ended dockerd KILL; dockerd_up ${options}`, endsDaemon: true },
  "the driver": { script: () => "ended nfs-init KILL; plugin_up", endsDaemon: false },
  both: {
    script: (options: string) => `ended dockerd KILL; ended nfs-init KILL; plugin_up; dockerd_up ${options}`,
    endsDaemon: true,
  },
};

/** When a container was started last, and whether it runs. */
const life = (name: string) => sh(`docker inspect -f '{{.State.Running}} {{.State.StartedAt}}' ${name}`);

beforeAll(() => sh("plugin_up"));

describe.each([
  { way: "without live-restore", option: "" },
  { way: "with live-restore", option: "--live-restore" },
])("$way", ({ option }) => {
  // The containers go from one death to the next: each takes six seconds to start.
  beforeAll(() =>
    sh(`ended dockerd TERM; dockerd_up ${option}
for share in data=exp other=exp2 idle=exp; do
  docker volume create -d nfs-init -o share=${server}:/srv/\${share#*=} \${share%=*}
done
run_ stays data '${writing("stays")}' --restart always
run_ ends other '${writing("ends")}'`),
  );
  afterAll(async () => {
    await sh("docker rm -f stays ends");
    expect(await sh("for volume in data other idle; do state_of $volume; references $volume; done; mounts")).toBe(
      "unused\n0\nunused\n0\nunused\n0\n0",
    );
    await cleared();
  });

  it.runIf(option !== "")("Swarm does not go with it", async () => {
    await expect(sh("docker swarm init --advertise-addr 10.77.0.11")).rejects.toThrow(/incompatible with swarm/);
  });

  it.each(Object.entries(deaths))(
    "no volume is forgotten, none is left over and none is taken from a container, when this is killed: %s",
    async (_, { script, endsDaemon }) => {
      const goesOn = option !== "" || !endsDaemon;
      await sh("docker start ends");
      await growing("ends", "/srv/exp2");
      const before = await life("ends");
      await sh(script(option));
      expect(await sh("docker volume ls -q")).toBe("data\nidle\nother");
      if (goesOn) {
        expect(await life("ends")).toBe(before);
        await growing("ends", "/srv/exp2");
      } else {
        await says("docker inspect -f '{{.State.Running}}' ends stays", "false\ntrue");
      }
      await growing("stays");
      await says("state_of data; references data", "mounted\n1");
      await says("state_of other; references other; mounts", goesOn ? "mounted\n1\n2" : "unused\n0\n1");
    },
  );
});

it("a daemon that starts long before its driver forgets no volume, and leaves containers that need it down until they are started", async () => {
  await sh(`docker volume create -d nfs-init -o share=${server}:/srv/exp data
run_ stays data '${writing("late")}' --restart always`);
  await growing("late");
  await sh("ended dockerd KILL; ended nfs-init KILL; dockerd_up; plugin_up");
  expect(await sh("docker volume ls -q; docker inspect -f '{{.State.Running}}' stays")).toBe("data\nfalse");
  await sh("docker start stays");
  await growing("late");
  await says("references data; mounts", "1\n1");
  await sh("docker rm -f stays");
  await cleared();
});
