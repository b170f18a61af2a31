// The driver of volumes under a Swarm of two nodes, of which only one has it at first.
import { afterAll, beforeAll, expect, it } from "vitest";
import { server } from "../support/box.ts";
import { onDockerMachine, startDocker } from "./docker-lab.ts";
import { dockerMachine, writing } from "./machine.ts";

const { lab, sh, says, growing, cleared } = dockerMachine();

/** The same on the other node, which is called c2. */
const there = (script: string) => lab().sh(onDockerMachine(script, "c2"), { timeoutMs: 180_000 });

/** The nodes that have running tasks of a service, once for each. */
const nodes = (name: string) =>
  `docker service ps --filter desired-state=running --format '{{.Node}} {{.CurrentState}}' ${name} | sed -n 's/ Running.*//p' | sort`;
const service = (name: string, replicas: number, ...options: readonly string[]) =>
  `docker service create --detach --quiet --name ${name} --replicas ${replicas} --env NODE={{.Node.Hostname}} --stop-signal KILL \\
--restart-delay 1s --mount type=volume,source=data,target=/data,volume-driver=nfs-init,volume-opt=share=${server}:/srv/exp \\
${options.join(" ")} lab /bin/sh -c '${writing(`${name}-$NODE`)}'`;

/** Waits until no container runs. */
const unused = 'until [ -z "$(docker ps -q)" ]; do sleep 0.5; done';

beforeAll(async () => {
  await startDocker(lab(), "c2");
  await sh("plugin_up; docker swarm init --advertise-addr 10.77.0.11; docker volume ls");
  const token = await sh("docker swarm join-token -q worker");
  await there(`docker swarm join --token ${token} --advertise-addr 10.77.0.12 10.77.0.11:2377`);
  await says("docker node ls --format '{{.Hostname}} {{.Status}}' | sort", "c1 Ready\nc2 Ready");
});
afterAll(async () => {
  await sh("docker service ls -q | xargs -r docker service rm");
  await says("docker ps -q", "");
  await there(`${unused}; docker ps -aq | xargs -r docker rm -f; docker volume ls -q | xargs -r docker volume rm`);
  await cleared();
});

it("has tasks on nodes that have the driver, and on another one once that has it and its daemon was asked for volumes", async () => {
  await sh(service("spread", 2));
  await says(nodes("spread"), "c1\nc1");
  await there("plugin_up; docker volume ls");
  // A second later it would have to be told again that the driver is there: half a minute is what Swarm takes to ask.
  await says(
    "docker node inspect c2 -f '{{range .Description.Engine.Plugins}}{{.Name}} {{end}}' | grep -o nfs-init || :",
    "nfs-init",
  );
  await sh("docker service scale --detach spread=4");
  await says(nodes("spread"), "c1\nc1\nc2\nc2");
  await growing("spread-c1");
  await growing("spread-c2");
  for (const on of [sh, there]) expect(await on("docker volume ls -q; references data; mounts")).toBe("data\n2\n1");
});

it("has tasks where a label says that the server is reached", async () => {
  await sh("docker node update --label-add nas=yes c2");
  await sh(service("labelled", 2, "--constraint node.labels.nas==yes"));
  await says(nodes("labelled"), "c2\nc2");
  await growing("labelled-c2");
  // Volumes stay on each node when their services are gone.
  await sh("docker service rm labelled spread");
  for (const on of [sh, there])
    expect(await on(`${unused}; docker volume ls -q; references data; mounts`)).toBe("data\n0\n0");
});
