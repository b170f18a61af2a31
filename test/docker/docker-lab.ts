// Docker on the machine c1 of a lab: Debian's docker.io, unpacked and not installed, without a network of its own.
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
mkdir -p /sys/fs/cgroup /var/lib/docker /tmp/root/bin
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mount -t tmpfs -o mode=711 docker /var/lib/docker
dockerd_up
cp /usr/bin/busybox /tmp/root/bin/
for applet in sh cat ls sleep wc; do ln -s busybox /tmp/root/bin/$applet; done
tar -C /tmp/root -c . | docker import - lab`;

/** A bash script for that machine, with what dockerd.sh offers, as the lab takes it. */
export function onDockerMachine(script: string): string {
  return `in_ c1 bash -c ${quote(`. /lab/project/test/docker/dockerd.sh\n${script}`)}`;
}

/** Starts Docker in a lab that has 2 GB of memory. */
export async function prepareDocker(lab: Lab): Promise<void> {
  await unpackPackages("docker", [{ names: debs }]);
  await lab.sh("reset");
  await lab.sh(onDockerMachine(prepare), { timeoutMs: 180_000 });
}
