// The driver of volumes under a Swarm of one node.
import { afterEach, beforeAll, expect, it } from "vitest";
import { server } from "../support/box.ts";
import { dockerMachine, writing } from "./machine.ts";

const { lab, sh, says, growing, cleared } = dockerMachine();
/** Each replica writes to a file of its own, called after its slot. */
const service = (replicas: number) =>
  `docker service create --detach --quiet --name writers --replicas ${replicas} --env SLOT={{.Task.Slot}} --stop-signal KILL \\
--restart-delay 1s --mount type=volume,source=data,target=/data,volume-driver=nfs-init,volume-opt=share=${server}:/srv/exp \\
lab /bin/sh -c '${writing("slot-$SLOT")}'`;
const replicas = "docker service ls --format '{{.Replicas}}'";

beforeAll(() => sh("plugin_up NFS_WAIT_TIMEOUT=10s; docker swarm init --advertise-addr 10.77.0.11"));
afterEach(async () => {
  await sh("docker service ls -q | xargs -r docker service rm");
  await says("docker ps -q", "");
  await cleared();
});

// First, while the daemon has not been asked yet.
it("knows no driver of this machine before something there has asked it for volumes", async () => {
  await sh(service(1));
  await says(
    "docker service ps --no-trunc --format '{{.Error}}' writers",
    '"no suitable node (missing plugin on 1 node)"',
  );
  await sh("docker volume ls");
  await says(replicas, "1/1");
});

it("makes the volume of a service, which both replicas write to, through a kill of the daemon, until the service is removed", async () => {
  await sh(service(2));
  await says(replicas, "2/2");
  expect(await sh("docker volume ls -q; docker volume inspect -f '{{.Scope}}' data; references data; mounts")).toBe(
    "data\nlocal\n2\n1",
  );
  await growing("slot-1");
  await growing("slot-2");
  await sh("ended dockerd KILL; dockerd_up");
  await says(replicas, "2/2");
  await growing("slot-1");
  await growing("slot-2");
  await says("state_of data; references data; mounts", "mounted\n2\n1");
  await sh("docker service rm writers");
  await says("docker ps -q; state_of data; references data; mounts", "unused\n0\n0");
  expect(await lab().sh("in_ srv ls /srv/exp")).toMatch(/slot-1\nslot-2/);
});

it("is told why a task does not start while the server is away, and starts it when that is back", async () => {
  await lab().sh("srv_down");
  await sh(service(1));
  await says(
    "docker service ps --no-trunc --format '{{.Error}}' writers | grep -om 1 'nothing listens on port 2049' || :",
    "nothing listens on port 2049",
  );
  await lab().sh("srv_up");
  await says(replicas, "1/1");
  await growing("slot-1");
});
