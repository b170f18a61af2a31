// The driver of volumes under a real Docker, with a real server: what users do with volumes, and what becomes of them when something is killed.
import { afterEach, beforeAll, expect, it } from "vitest";
import { server } from "../support/box.ts";
import { dockerMachine } from "./machine.ts";

const { lab, sh, start, says } = dockerMachine();

const create = (name: string, share = "/srv/exp") =>
  `docker volume create -d nfs-init -o share=${server}:${share} ${name}`;
/** A container's work: a line each half second, into a file of the volume that is called as it is told. */
const writing = (file: string) => `while :; do echo line >>/data/${file}; sleep 0.5; done`;
const linesOf = async (file: string) => Number(await lab().sh(`in_ srv sh -c 'cat /srv/exp/${file} | wc -l'`));
const growing = async (file: string) => {
  const before = await linesOf(file);
  await expect.poll(() => linesOf(file), { timeout: 60_000, interval: 500 }).toBeGreaterThan(before);
};

beforeAll(() => sh("plugin_up NFS_WAIT_TIMEOUT=20s"));
afterEach(async () => {
  await sh("docker ps -aq | xargs -r docker rm -f; docker volume ls -q | xargs -r docker volume rm");
  expect(await sh("mounts")).toBe("0");
});

it("is written to by two containers, copied from, listed, described, refused to be removed while it is used, and removed", async () => {
  expect(await sh(create("data"))).toBe("data");
  await sh(`run_ one data '${writing("one")}'; run_ two data '${writing("two")}'`);
  await growing("one");
  await growing("two");
  expect(await sh("docker cp one:/data/hello /tmp/copied; cat /tmp/copied")).toBe("hello");
  expect(await sh("docker volume ls -q")).toBe("data");
  expect(await sh("state_of data; references data; mounts")).toBe("mounted\n2\n1");
  await expect(sh("docker volume rm data")).rejects.toThrow(/volume is in use/);
  await sh("docker rm -f one");
  expect(await sh("references data; mounts")).toBe("1\n1");
  await growing("two");
  await sh("docker rm -f two");
  expect(await sh("state_of data; references data; mounts")).toBe("unused\n0\n0");
  await sh("docker volume rm data");
  expect(await sh("docker volume ls -q")).toBe("");
  expect(await lab().sh("in_ srv cat /srv/exp/hello")).toBe("hello");
});

it("without a server is waited for and refused with the reason, holds up nobody who looks, and works when the server is back", async () => {
  await sh(create("data"));
  await lab().sh("srv_down");
  const running = start("docker run --rm --network none -v data:/data lab /bin/cat /data/hello");
  await says("grep -q 'waiting for the server' /tmp/plugin.log && echo waiting || :", "waiting");
  let isOver = false;
  void running.done.then(() => (isOver = true));
  expect(await sh("docker volume ls -q; docker volume inspect -f '{{.Name}}' data")).toBe("data\ndata");
  expect(isOver).toBe(false);
  const { exitCode, stderr } = await running.done;
  expect(exitCode).toBe(125);
  expect(stderr).toMatch(/not mounted within 20 s/);
  await lab().sh("srv_up");
  expect(await sh("docker run --rm --network none -v data:/data lab /bin/cat /data/hello")).toBe("hello");
});

it("outlives a daemon that is killed: none is forgotten, and what its containers had is given back", async () => {
  await sh(create("data"));
  await sh(create("other", "/srv/exp2"));
  await sh(`run_ stays data '${writing("stays")}' --restart always; run_ ends other 'sleep 100000'`);
  expect(await sh("mounts")).toBe("2");
  await sh("ended dockerd KILL; dockerd_up");
  expect(await sh("docker volume ls -q")).toBe("data\nother");
  await says("docker inspect -f '{{.State.Running}}' stays", "true");
  await says("state_of other; references other", "unused\n0");
  expect(await sh("state_of data; references data; mounts")).toBe("mounted\n1\n1");
  await growing("stays");
});

it("stays with its containers when driver and daemon are killed, with live-restore", async () => {
  await sh("ended dockerd TERM; dockerd_up --live-restore");
  await sh(create("data"));
  await sh(`run_ one data '${writing("live")}'`);
  await sh("ended nfs-init KILL");
  await growing("live");
  await sh("plugin_up; ended dockerd KILL");
  await growing("live");
  await sh("dockerd_up --live-restore");
  expect(await sh("docker inspect -f '{{.State.Running}}' one; docker volume ls -q")).toBe("true\ndata");
  await says("state_of data; references data; mounts", "mounted\n1\n1");
  await growing("live");
  await sh("docker rm -f one");
  expect(await sh("state_of data; references data; mounts")).toBe("unused\n0\n0");
});
