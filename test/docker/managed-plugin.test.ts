// The driver as a plugin that Docker manages: dist/plugin under a real Docker, its daemon killed, the plugin upgraded from a registry and removed.
import { beforeAll, expect, it } from "vitest";
import { unpackPackages } from "../../scripts/debian/unpack.ts";
import { server } from "../support/box.ts";
import { dockerMachine, writing } from "./machine.ts";

const { lab, sh, says, growing, cleared } = dockerMachine();

const registry = "127.0.0.1:5000";
beforeAll(async () => {
  const folder = await unpackPackages("docker-registry", [{ names: ["docker-registry"] }]);
  const settings = {
    version: 0.1,
    storage: { filesystem: { rootdirectory: "/tmp/registry" } },
    http: { addr: registry },
  };
  await sh(`echo '${JSON.stringify(settings)}' >/tmp/registry.yml
setsid /lab/project/${folder.slice(folder.indexOf("node_modules"))}/usr/bin/docker-registry serve /tmp/registry.yml >/tmp/registry.log 2>&1 </dev/null &
until curl -s http://${registry}/v2/ >/dev/null; do sleep 0.1; done
set -e
docker plugin create ${registry}/nfs-init:next /lab/project/dist/plugin
docker plugin push ${registry}/nfs-init:next
docker plugin rm ${registry}/nfs-init:next
docker plugin create nfs-init /lab/project/dist/plugin
docker plugin set nfs-init NFS_WATCH_INTERVAL=500ms NFS_PLUGIN_STORE=${server}:/srv/exp
docker plugin enable nfs-init`);
});

it("has volumes that containers write to, and that outlive a kill of the daemon", async () => {
  await sh(`docker volume create -d nfs-init data; run_ one data '${writing("lines")}' --restart always`);
  await growing("data/lines");
  expect(await sh("state_of data; references data; mounts")).toBe("mounted\n1\n1");
  await sh("ended dockerd KILL; dockerd_up");
  await says("docker inspect -f '{{.State.Running}}' one", "true");
  await growing("data/lines");
  expect(await sh("docker volume ls -q; references data; mounts")).toBe("data\n1\n1");
  await sh("docker rm -f one");
  expect(await sh("state_of data; references data; mounts")).toBe("unused\n0\n0");
  await cleared();
});

it("is upgraded without forgetting a volume", async () => {
  await sh(`docker volume create -d nfs-init data
docker run --rm --network none -v data:/data lab /bin/sh -c 'echo kept >/data/file'`);
  await sh(`set -e
docker plugin disable -f nfs-init
docker plugin upgrade --grant-all-permissions --skip-remote-check nfs-init ${registry}/nfs-init:next
docker plugin enable nfs-init`);
  expect(await sh("docker plugin inspect -f '{{.Enabled}} {{.PluginReference}}' nfs-init")).toBe(
    `true ${registry}/nfs-init:next`,
  );
  expect(await sh("docker volume ls -q")).toBe("data");
  expect(await sh("docker run --rm --network none -v data:/data lab /bin/cat /data/file")).toBe("kept");
  await cleared();
});

it("takes no file of a share with it when it is removed by force under a container that runs", async () => {
  await sh(`docker volume create -d nfs-init data; run_ one data '${writing("lines")}'`);
  await growing("data/lines");
  await sh("docker plugin disable -f nfs-init");
  await growing("data/lines");
  await sh("docker plugin rm -f nfs-init");
  expect(await sh("ls /var/lib/docker/plugins; mounts")).toBe("storage\ntmp\n0");
  await growing("data/lines");
  expect(await lab().sh("in_ srv cat /srv/exp/hello")).toBe("hello");
});
