// The driver of volumes under a real Docker, with a real server: what users do with volumes.
import { afterEach, beforeAll, expect, it } from "vitest";
import { quote, server } from "../support/box.ts";
import { dockerMachine, writing } from "./machine.ts";

const { lab, sh, start, says, growing, cleared } = dockerMachine();

const create = (name: string, share = "/srv/exp") =>
  `docker volume create -d nfs-init -o share=${server}:${share} ${name}`;
beforeAll(() => sh("plugin_up NFS_WAIT_TIMEOUT=30s"));
afterEach(cleared);

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
  // The quickest of some: whoever waits for a mount is slow each time.
  expect(
    Number(
      await sh(
        `for i in 1 2 3 4 5; do curl -s -o /dev/null -w '%{time_total}\\n' --unix-socket /run/docker.sock http://docker/volumes; done | sort -n | head -n 1`,
      ),
    ),
  ).toBeLessThan(1);
  await sh(`${create("other")}; docker create --network none -v other:/data lab /bin/cat /data/hello`);
  expect(isOver).toBe(false);
  const { exitCode, stderr } = await running.done;
  expect(exitCode).toBe(125);
  expect(stderr).toMatch(/not mounted within 30 s.*nothing listens on port 2049.*start the NFS server there/);
  await lab().sh("srv_up");
  expect(await sh("docker run --rm --network none -v data:/data lab /bin/cat /data/hello")).toBe("hello");
});

it("whose directory would leave its share is refused, by its name and by a link that somebody has made there", async () => {
  const inside = (subdir: string, name: string) => `${create(name)} -o subdir=${subdir}`;
  await expect(sh(inside("../other", "up"))).rejects.toThrow(/subdir="\.\.\/other" is refused/);
  await lab().sh("in_ srv ln -s /srv/exp2 /srv/exp/link");
  await sh(inside("link/inner", "linked"));
  await expect(sh("docker run --rm --network none -v linked:/data lab /bin/ls /data")).rejects.toThrow(/symbolic link/);
  expect(await sh("docker volume ls -q; mounts")).toBe("linked\n0");
  expect(await lab().sh("in_ srv sh -c 'rm /srv/exp/link; ls /srv/exp2'")).toBe("hello");
});

it("keeps its files when it is removed, but for one that gives them to the trash", async () => {
  await sh(`${create("kept")} -o subdir=kept; ${create("gone")} -o subdir=gone -o on-remove=delete
for volume in kept gone; do docker run --rm --network none -v $volume:/data lab /bin/sh -c 'echo it >/data/file'; done`);
  expect(await sh("docker volume prune -f >/dev/null; docker volume ls -q")).toBe("gone\nkept");
  await sh("docker volume rm kept gone");
  const files =
    "cat kept/file; ls -d gone 2>&1 | grep -c 'No such'; cat .nfs-init-trash/gone-*/file; rm -r kept .nfs-init-trash";
  expect(await lab().sh(`in_ srv sh -c ${quote(`cd /srv/exp; ${files}`)}`)).toBe("it\n1\nit");
});

it.each([
  ["as Docker's local driver has it", `-o type=nfs -o device=:/srv/exp -o o=addr=${server},vers=4.2`, "data"],
  ["as trajano's nfs-volume-plugin has it", `-o device=${server}:/srv/exp -o nfsopts=vers=4.2`, "data"],
  ["as docker-volume-netshare has it", `-o share=${server}:/srv/exp -o nfsopts=vers=4.2 -o create=true`, "data"],
  ["by its name alone, without a creation", undefined, `${server}/srv/exp`],
])("is described %s", async (_, options, name) => {
  if (options !== undefined) await sh(`docker volume create -d nfs-init ${options} ${name}`);
  const run = `docker run --rm --network none --volume-driver nfs-init -v ${name}:/data lab /bin/cat /data/hello`;
  expect(await sh(run)).toBe("hello");
});
