// A server of ours among many: a hundred clients that mount at once, and callers that send what no client sends.
import { expect, it } from "vitest";
import { logLines, quote, server } from "../support/box.ts";
import { eventually } from "../support/eventually.ts";
import { everyCombination } from "../support/every-combination.ts";
import { kernelSuite } from "../support/kernel-suite.ts";
import { disk, mount, serverBox } from "../support/server-box.ts";
import { calls } from "../fuzz/calls.ts";
import { distort } from "../fuzz/messages.ts";
import { random } from "../unit/fakes/random.ts";
import { fragment } from "../unit/fakes/server.ts";

const { lab } = kernelSuite();

const { onServer, serving, stop, client } = serverBox(lab);

/** What one of many clients does, each with a network and a host name of its own; it goes on when somebody opens the gate. */
const oneOfMany = `hostname k$1
ip addr add 10.77.0.$((100 + $1))/24 dev eth0; ip link set eth0 up
echo ready $1
: </lab/state/gate
mount -t tmpfs -o mode=755 mnt /mnt; mkdir /mnt/m
mount -i -t nfs4 -o vers=4.2,addr=${server},clientaddr=10.77.0.$((100 + $1)) ${server}:/data /mnt/m && cat /mnt/m/hello &&
  echo $1 >/mnt/m/client-$1 && umount /mnt/m && echo done $1`;

it.runIf(everyCombination)(
  "a hundred clients mount at once, and each reads, writes and unmounts",
  { timeout: 240_000 },
  async () => {
    const many = 100;
    const job = await serving();
    // Through a pipe: of what a hundred write to one file of the host some is lost.
    const crowd = lab().start(`set -e
mkfifo /lab/state/gate
for ((n = 1; n <= ${many}; n++)); do
  echo "netns add k$n"; echo "link add vk$n type veth peer name eth0 netns k$n"; echo "link set vk$n master br0 up"
done | ip -batch -
for ((n = 1; n <= ${many}; n++)); do
  busybox nsenter --net=/run/netns/k$n /usr/bin/unshare -m -u --propagation private busybox sh -c ${quote(oneOfMany)} k $n &
done | cat
for ((n = 1; n <= ${many}; n++)); do echo "netns del k$n"; done | ip -batch -`);
    const said = (word: string) => crowd.stdout().split(word).length - 1;
    await eventually("the crowd", () => said("ready") === many, { timeoutMs: 100_000 });
    const opened = lab().start("exec sleep 200 >/lab/state/gate");
    await eventually("all", () => said("done") === many, { timeoutMs: 100_000 });
    await opened.signal("SIGKILL");
    expect((await crowd.done).stderr).toBe("");
    expect(said("hello")).toBe(many);
    expect(await onServer(`cat ${disk}/data/client-* | sort -n | tr '\\n' ' '`)).toBe(
      Array.from({ length: many }, (_, index) => index + 1).join(" "),
    );
    expect(logLines(job.stderr()).filter(({ level }) => level !== "info")).toEqual([]);
    expect((await stop(job)).exitCode).toBe(0);
  },
);

it("garbage at every port ends nothing, fills nothing and disturbs no client", { timeout: 240_000 }, async () => {
  const messageBytes = 128;
  const count = 4_096;
  const source = random(7);
  const messages = Array.from({ length: count }, () => distort(calls, source).subarray(0, messageBytes));
  const datagrams = Buffer.alloc(count * messageBytes);
  messages.forEach((message, index) => datagrams.set(message, index * messageBytes));
  const records = Buffer.concat(messages.map((message) => fragment(message)));
  // The record marks lie, too: the connection ends with the first that does.
  const streams = calls.map((one) => fragment(one));
  const lies = Buffer.concat(Array.from({ length: 16 }, () => distort(streams, source)));
  const file = (name: string, bytes: Buffer) =>
    `base64 -d >/lab/state/${name} <<'END'\n${bytes.toString("base64")}\nEND\n`;
  const job = await serving();
  await lab().sh(file("datagrams", datagrams) + file("records", records) + file("lies", lies));
  await lab().sh("rm -f /lab/state/enough");
  const writing = lab().start(
    `in_ c2 bash -c ${quote(`m=$(mktemp -d); ${mount("4.2")}; while [ ! -e /lab/state/enough ]; do echo again >>$m/log || break; echo written; pause() { local REPLY; read -r -t 0.1 <>/lab/state/never; }; pause; done; echo done`)}`,
  );
  const attack = `for port in 111 20048 32765; do dd if=/lab/state/datagrams bs=${messageBytes} status=none >/dev/udp/${server}/$port; done
for port in 111 20048 32765 2049; do for what in records lies; do timeout 60 nc ${server} $port </lab/state/$what >/dev/null; done; done
true`;
  const resident = async () =>
    Number(await lab().sh("awk '/VmRSS/ { print $2 }' /proc/$(container_pid server)/status"));
  await lab().sh(`in_ c1 bash -c ${quote(attack)}`, { timeoutMs: 100_000 });
  const beforeKib = await resident();
  for (let round = 0; round < (everyCombination ? 30 : 2); round++) {
    await lab().sh(`in_ c1 bash -c ${quote(attack)}`, { timeoutMs: 100_000 });
  }
  const grownKib = (await resident()) - beforeKib;
  expect(grownKib).toBeLessThan(1_024);
  const written = () => writing.stdout().split("written").length;
  const before = written();
  await eventually("the writer", () => written() > before + 2);
  await lab().sh("echo yes >/lab/state/enough");
  await eventually("the writer's end", () => writing.stdout().endsWith("done\n"));
  for (const version of ["3", "4.2"]) {
    expect((await client(`${mount(version)} && cat $m/hello && umount $m`)).stdout).toBe("hello\n");
  }
  expect(job.stderr().split("\n").length).toBeLessThan(50);
  expect((await stop(job)).exitCode).toBe(0);
});
