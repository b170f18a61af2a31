// Docker on machines of a lab: Debian's docker.io, unpacked and not installed, without a network of its own.
import { unpackPackages } from "../../scripts/debian/unpack.ts";
import type { Lab } from "../support/lab/lab.ts";
import { quote } from "../support/quote.ts";

const debs = ["docker.io", "containerd", "runc", "libseccomp2", "libatomic1", "libstdc++6", "libgcc-s1"];

/** The image "lab" holds BusyBox, and no NFS. */
const prepare = `set -eu
cp -a $docker/usr/lib/x86_64-linux-gnu/*.so* /usr/lib/x86_64-linux-gnu/
cp -a $docker/lib/x86_64-linux-gnu/*.so* /usr/lib/x86_64-linux-gnu/ 2>/dev/null || :
rm -rf /var/run
ln -s /run /var/run
mkdir -p /sys/fs/cgroup /var/lib/docker /var/lib/nfs-init /tmp/root/bin
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mount -t tmpfs -o mode=711 docker /var/lib/docker
mount -t tmpfs -o mode=755 nfs-init /var/lib/nfs-init
dockerd_up
cp /usr/bin/busybox /tmp/root/bin/
for applet in sh cat ls sleep wc; do ln -s busybox /tmp/root/bin/$applet; done
tar -C /tmp/root -c . | docker import - lab`;

export type DockerHost = "c1" | "c2";

/** A bash script for such a machine, with what dockerd.sh offers, as the lab takes it. */
export function onDockerMachine(script: string, host: DockerHost = "c1"): string {
  return `in_ ${host} bash -c ${quote(`. /lab/project/test/docker/dockerd.sh\n${script}`)}`;
}

/** Starts Docker in a lab that has 2 GB of memory. */
export async function prepareDocker(lab: Lab): Promise<void> {
  await unpackPackages("docker", [{ names: debs }]);
  await lab.sh("reset");
  await startDocker(lab, "c1");
}

/** Starts it on one machine. */
export async function startDocker(lab: Lab, host: DockerHost): Promise<void> {
  await lab.sh(onDockerMachine(prepare, host), { timeoutMs: 180_000 });
}
