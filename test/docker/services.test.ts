// The driver of volumes under those who start containers for others: Compose, with the example's file, and a Swarm of one node.
import { existsSync } from "node:fs";
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import { execa } from "execa";
import { fetchPinned } from "../../scripts/debian/pinned.ts";
import { server } from "../support/box.ts";
import { dockerMachine, writing } from "./machine.ts";

const { lab, sh, says, growing, cleared } = dockerMachine();

/** Compose as Debian trixie has it; it needs nothing but a C library. */
const compose = {
  path: "pool/main/d/docker-compose/docker-compose_2.26.1-4_amd64.deb",
  sha256: "47681197cb2b1ab88206b42a1a92fc75f50d9530a6322d03494a473eed0408ea",
};
const cache = "node_modules/.cache/nfs-init";

beforeAll(() => sh("plugin_up NFS_WAIT_TIMEOUT=10s"));
afterEach(cleared);

describe("Compose", () => {
  const files = "-f /lab/project/examples/docker-volumes/compose.yaml -f /tmp/here.yaml";
  const run = `/lab/project/${cache}/docker-compose/usr/libexec/docker/cli-plugins/docker-compose ${files}`;
  /** Of the example only what is not here: its images, a network, its server. */
  const here = {
    services: Object.fromEntries(
      ["writer", "reader"].map((name) => [name, { image: "lab", network_mode: "none", stop_signal: "KILL" }]),
    ),
    volumes: Object.fromEntries(
      ["data", "own"].map((name) => [name, { driver_opts: { share: `${server}:/srv/exp` } }]),
    ),
  };

  beforeAll(async () => {
    if (!existsSync(`${cache}/docker-compose`))
      await execa("dpkg-deb", ["-x", await fetchPinned(compose, `${cache}/fetched`), `${cache}/docker-compose`]);
    await sh(`echo '${JSON.stringify(here)}' >/tmp/here.yaml`);
  });

  it("makes the volumes of a file, has its services write to them, and keeps them until it is told otherwise", async () => {
    await sh(`${run} up -d`);
    const volumes = "nfs-init-volumes-example_data\nnfs-init-volumes-example_own";
    expect(await sh("docker volume ls -q")).toBe(volumes);
    expect(await sh("references nfs-init-volumes-example_data; mounts")).toBe("3\n2");
    const writers = (await sh("docker ps -q --filter name=writer")).split("\n");
    expect(writers).toHaveLength(2);
    for (const writer of writers) await growing(`${writer}.log`);
    await growing("example/own/all");
    expect(await lab().sh("in_ srv stat -c %u:%g /srv/exp/example/own /srv/exp/example/own/all")).toBe(
      "1000:1000\n1000:1000",
    );
    await sh(`${run} down`);
    expect(await sh("docker volume ls -q; mounts")).toBe(`${volumes}\n0`);
    await sh(`${run} down -v`);
    expect(await sh("docker volume ls -q")).toBe("");
    await lab().sh("in_ srv cat /srv/exp/example/own/all");
  });
});

describe("Swarm", () => {
  /** Each replica writes to a file of its own, called after its slot. */
  const service = (replicas: number) =>
    `docker service create --detach --quiet --name writers --replicas ${replicas} --env SLOT={{.Task.Slot}} --stop-signal KILL \\
  --restart-delay 1s --mount type=volume,source=data,target=/data,volume-driver=nfs-init,volume-opt=share=${server}:/srv/exp \\
  lab /bin/sh -c '${writing("slot-$SLOT")}'`;
  const replicas = "docker service ls --format '{{.Replicas}}'";

  beforeAll(() => sh("docker swarm init --advertise-addr 10.77.0.11"));
  afterEach(async () => {
    await sh("docker service ls -q | xargs -r docker service rm");
    await says("docker ps -q", "");
  });

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
});
