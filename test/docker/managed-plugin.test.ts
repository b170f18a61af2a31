// The driver as a plugin that Docker manages: dist/plugin under a real Docker, its daemon killed, the plugin upgraded from a registry and removed.
import { beforeAll, expect, it } from "vitest";
import { unpackPackages } from "../../scripts/debian/unpack.ts";
import { server } from "../support/box.ts";
import { prepareSamba } from "../support/lab/samba.ts";
import { dockerMachine, writing } from "./machine.ts";

const { lab, sh, says, growing, cleared } = dockerMachine();

const registry = "127.0.0.1:5000";
/** Where it tells its state: it has the network of the machine. */
const status = "127.0.0.1:9049";
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
docker plugin set nfs-init NFS_WATCH_INTERVAL=500ms NFS_PLUGIN_STORE=${server}:/srv/exp NFS_LISTEN=${status}
docker plugin enable nfs-init`);
});

it("has volumes that containers write to, and that outlive a kill of the daemon", async () => {
  await sh(`docker volume create -d nfs-init data; run_ one data '${writing("lines")}' --restart always`);
  await growing("data/lines");
  expect(await sh("state_of data; references data; mounts")).toBe("mounted\n1\n1");
  expect(await sh("docker volume ls --format '{{.Driver}}'")).toBe("nfs-init:latest");
  expect(JSON.parse(await sh(`curl -sS http://${status}/volumes`))).toMatchObject([
    { name: "data", state: "mounted", references: 1 },
  ]);
  expect(await sh(`curl -sS http://${status}/metrics`)).toMatch(/^nfs_init_volume_references\{volume="data"\} 1$/m);
  expect(await sh("grep -c 'level=error.*answering Docker' /tmp/dockerd.log")).toBe("1");
  await sh("ended dockerd KILL; dockerd_up");
  await says("docker inspect -f '{{.State.Running}}' one", "true");
  await growing("data/lines");
  expect(await sh("docker volume ls -q; references data; mounts")).toBe("data\n1\n1");
  await sh("docker rm -f one");
  expect(await sh("state_of data; references data; mounts")).toBe("unused\n0\n0");
  await cleared();
});

it("mounts a share of CIFS with user and password from a file in its own directory", async () => {
  await prepareSamba();
  await lab().sh("modprobe cifs; printf 's3cret,1' >/lab/state/smb.password; . /lab/guest/samba.sh; smb_up; smb_wait");
  await sh(`set -e
id=$(docker plugin inspect -f '{{.Id}}' nfs-init)
printf 'username=app\\npassword=s3cret,1\\n' >/var/lib/docker/plugins/$id/propagated-mount/nas.credentials
chmod 600 /var/lib/docker/plugins/$id/propagated-mount/nas.credentials
docker volume create -d nfs-init -o share=//${server}/media -o credentials=/mnt/nfs-init/nas.credentials media`);
  expect(
    await sh("docker run --rm --network none -v media:/data lab /bin/sh -c 'echo new >/data/new; cat /data/hello'"),
  ).toBe("hello");
  expect(await lab().sh("in_ srv cat /srv/exp/smb/new")).toBe("new");
  await cleared();
  await lab().sh("pkill -KILL -x smbd; in_ srv rm -r /srv/exp/smb /srv/exp/smb-open");
});

it("is known to Swarm at once", async () => {
  await sh(`set -e
docker swarm init --advertise-addr 10.77.0.11
docker service create --detach --quiet --name writer --env SLOT={{.Task.Slot}} --stop-signal KILL \\
  --mount type=volume,source=data,target=/data,volume-driver=nfs-init lab /bin/sh -c '${writing("slot-$SLOT")}'`);
  await says("docker service ls --format '{{.Replicas}}'", "1/1");
  await growing("data/slot-1");
  await sh("docker service rm writer");
  await says("docker ps -q", "");
  await cleared();
  await sh("docker swarm leave --force");
});

it("is upgraded without forgetting a volume", async () => {
  await sh(`docker volume create -d nfs-init data
docker run --rm --network none -v data:/data lab /bin/sh -c 'echo kept >/data/file'`);
  // Docker calls it in use while it has volumes.
  await expect(sh("docker plugin disable nfs-init")).rejects.toThrow(/in use/);
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
