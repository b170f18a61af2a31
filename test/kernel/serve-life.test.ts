// What a server of ours lives through: killed and started, moved to another host, stopped, with clients on it all the time.
import { describe, expect, it } from "vitest";
import { logged, logLines, quote, server } from "../support/box.ts";
import { eventually } from "../support/eventually.ts";
import { everyCombination } from "../support/every-combination.ts";
import { kernelSuite } from "../support/kernel-suite.ts";
import { disk, mount, serverBox } from "../support/server-box.ts";

const { lab } = kernelSuite(undefined, { diskBytes: 64 * 2 ** 20 });

const { onServer, start, serving, stop, client } = serverBox(lab);

/** Appends numbered records with a lock held, each synced by the descriptor that is open, and says each with the time. */
const writer = (address?: string) => `m=$(mktemp -d); ${mount("4.2", "/data", address)}; exec 9>>$m/log; flock 9; n=0
while [ ! -e /lab/state/enough ]; do
  n=$((n + 1)); echo $n | dd conv=fsync status=none >&9 || break; read -r up idle </proc/uptime; echo $n $up
done; flock -n $m/log true && echo unlocked; echo done`;

interface Writing {
  /** Waits until further records were written. */
  readonly goesOn: () => Promise<void>;
  /** Ends it. Gives the numbers of the records, and the longest time from one to the next. Fails where the lock was lost. */
  readonly end: () => Promise<{ readonly numbers: readonly number[]; readonly longestPauseMs: number }>;
}

async function startWriting(address?: string): Promise<Writing> {
  await lab().sh("rm -f /lab/state/enough");
  const written = lab().start(`in_ c1 bash -c ${quote(writer(address))}`);
  const count = () => written.stdout().split("\n").length;
  return {
    goesOn: async () => {
      const before = count();
      await eventually("records", () => count() > before + 3, { timeoutMs: 60_000 });
    },
    end: async () => {
      await lab().sh("echo yes >/lab/state/enough");
      await eventually("the end", () => written.stdout().endsWith("done\n"), { timeoutMs: 60_000 });
      const lines = written.stdout().trim().split("\n");
      expect(lines.at(-2)).not.toBe("unlocked");
      const recordLines = lines.filter((line) => /^\d/.test(line)).map((line) => line.split(" ").map(Number));
      const times = recordLines.map(([, seconds = 0]) => seconds * 1_000);
      const pauses = times.slice(1).map((ms, index) => ms - (times[index] ?? 0));
      return { numbers: recordLines.map(([number = 0]) => number), longestPauseMs: Math.max(...pauses) };
    },
  };
}

/** What a container takes to come and go in a lab that has the machine for itself. */
const idleContainerMs = 500;

/** The lab's factor: how much slower it is at the moment than where it has the machine for itself; 1 at least. */
async function labFactor(): Promise<number> {
  const took = await lab().sh(
    "began=${EPOCHREALTIME/./}; container srv --name idle -- true; echo $((${EPOCHREALTIME/./} - began))",
  );
  return Math.max(1, Number(took) / 1_000 / idleContainerMs);
}

describe("after SIGKILL and a start, ten times in a row, a client that appends with a lock goes on and nothing is lost", () => {
  it.each(
    [
      // Of a network of its own: the kernel's threads end with the container, and the client is refused until the next one serves. It comes
      // again every three seconds.
      ["where the kernel's server ends with it", "umount -l /proc/fs/nfsd"],
      // Of the host's network, where somebody else has the file system mounted: the threads stay.
      ["where the kernel's server outlives it", "mountpoint -q /proc/fs/nfsd"],
    ].slice(0, everyCombination ? 2 : 1),
  )("%s", { timeout: 400_000 }, async (_, before) => {
    await onServer(before);
    let job = await serving({ name: "server-0" });
    const writing = await startWriting();
    const factors: number[] = [];
    for (let round = 0; round < 10; round++) {
      await writing.goesOn();
      factors.push(await labFactor());
      await lab().sh(`container_signal server-${round} KILL`);
      await job.done;
      // One that is made anew has another host name.
      job = await serving({ name: `server-${round + 1}` });
      await logged(job, "clients may open and lock anew, the grace period is over");
    }
    const { numbers, longestPauseMs } = await writing.end();
    expect(await onServer(`cat ${disk}/data/log`)).toBe(numbers.join("\n"));
    factors.push(await labFactor());
    expect(longestPauseMs).toBeLessThan(5_000 * Math.max(...factors));
    await lab().sh("container_signal server-10 TERM");
    await job.done;
  });
});

describe("a disk", () => {
  const uuid = "0b2f3c1e-5d6a-4b7c-8d9e-0f1a2b3c4d5e";
  const format = `mkfs.ext4 -q -F -L data -U ${uuid} /dev/ubdb`;
  const wipe = "dd if=/dev/zero of=/dev/ubdb bs=64k count=2 status=none";
  const onDisk = {
    NFS_EXPORT_DEVICE: "LABEL=data",
    // The next server is to know the clients of this one.
    NFS_SERVER_STATE: "/data/.nfs-init",
    NFS_EXPORT_MODE: "0777",
  };

  it.each(everyCombination ? ["LABEL=data", `UUID=${uuid}`, "/dev/ubdb"] : ["LABEL=data"])(
    "is found by %s, and unmounted at the end",
    async (device) => {
      await lab().sh(format);
      const job = await serving({ setup: "true", env: { ...onDisk, NFS_EXPORT_DEVICE: device } });
      expect((await client(`${mount("4.2")} && echo kept >$m/a && stat -f -c %T $m && umount $m`)).stdout).toBe(
        "nfs\n",
      );
      const { stderr } = await stop(job);
      expect(logLines(stderr)).toContainEqual(expect.objectContaining({ msg: "unmounted", source: "/dev/ubdb" }));
      expect(await onServer(`mount /dev/ubdb /mnt && cat /mnt/a; umount /mnt`)).toBe("kept");
    },
  );

  it("is waited for while it is not there, and what lies under its directory is not served", async () => {
    await lab().sh(wipe);
    const job = start({ setup: "mkdir /data; echo wrong >/data/hello", env: onDisk });
    expect(await logged(job, "waiting for the disk")).toMatchObject({ source: "LABEL=data", target: "/data" });
    expect((await client(`showmount -e ${server}; timeout 5 ${mount("4.2")}`)).exitCode).not.toBe(0);
    await lab().sh(format);
    await logged(job, "serving");
    expect((await client(`${mount("4.2")} && ls $m`)).stdout).toBe("lost+found\n");
    await stop(job);
  });

  const address = "10.77.0.99";
  const second = { host: "c2", name: "second" } as const;
  const moving = { setup: "true", env: { ...onDisk, NFS_SERVER_VIP: `${address}/24` } };

  /** Lets the client hear what the server acknowledges, but no answer, until it waits for one. */
  const untilAnswerIsLost = async (): Promise<void> => {
    await lab().sh("in_ c1 iptables-legacy -I INPUT -p tcp --sport 2049 --tcp-flags PSH PSH -j DROP");
    // What each side has sent that the other has not acknowledged, of the connection to the address in the kernel's numbers.
    const sent = (host: string, column: "2" | "3") =>
      `in_ ${host} awk '$${column} == "63004D0A:0801" && $4 == "01" { split($5, queue, ":"); print queue[1] }' /proc/net/tcp`;
    await eventually("an answer that does not arrive", async () => {
      const [answers, questions] = [await lab().sh(sent("srv", "2")), await lab().sh(sent("c1", "3"))];
      return /[1-9A-F]/.test(answers) && questions === "00000000";
    });
  };

  /** First the host before is not heard any more, so that its end is not either. */
  const vanish = `in_ srv iptables-legacy -I OUTPUT -o eth0 -p tcp -j DROP; container_signal server KILL; link srv down
in_ c1 iptables-legacy -F INPUT`;

  it.each(
    [
      ["is stopped", "container_signal server TERM"],
      ["is killed, and its host leaves the network", "container_signal server KILL; link srv down"],
      ["vanishes with the question of the client that it has taken", vanish],
    ].slice(everyCombination ? 0 : 2),
  )(
    "and the address move to a second server when the first one %s: a client that appends with a lock goes on",
    { timeout: 240_000 },
    async (_, end) => {
      await lab().sh(format);
      // Both hosts have one kernel here: what is to die with the first one must not live on in it, with its locks on the disk's files.
      await onServer("umount -l /proc/fs/nfsd");
      const first = await serving(moving);
      const standby = start({ ...moving, ...second });
      await logged(standby, "waiting for the virtual address");
      const writing = await startWriting(address);
      await writing.goesOn();
      const factor = await labFactor();
      if (end === vanish) {
        const kept = "cat /proc/[0-9]*/root/data/.nfs-init/connections.? 2>/dev/null";
        await eventually("the connection in the records", async () => {
          return (await lab().sh(`${kept}; true`)).includes(`${address} 2049 10.77.0.11 `);
        });
        await untilAnswerIsLost();
      }
      await lab().sh(end);
      await logged(standby, "serving");
      if (end === vanish) await logged(standby, "clients of the server before were told to connect anew");
      await writing.goesOn();
      const { numbers, longestPauseMs } = await writing.end();
      expect((await client(`${mount("4.2", "/data", address)} && cat $m/log`)).stdout.trim()).toBe(numbers.join("\n"));
      expect(longestPauseMs).toBeLessThan(10_000 * Math.max(factor, await labFactor()));
      await lab().sh("container_signal second TERM");
      await standby.done;
      await first.done;
    },
  );

  it("is free at the end, and nothing of the server is left: COMMAND goes first, then the address, the server and the disk", async () => {
    await lab().sh(format);
    const left = () =>
      onServer(`cat /proc/fs/nfsd/threads /proc/fs/nfsd/portlist; ip -o addr | cut -d ' ' -f 1-7; sort /proc/self/mountinfo
cat /proc/net/unix | grep -c nfs-init; ls /run/rpc_pipefs; ss -Hlntu 2>/dev/null || cat /proc/net/tcp /proc/net/udp | awk '$4 == "0A"'; true`);
    const before = await left();
    const has = `ip -o addr | grep -c ${address}; mount -t nfs -o vers=4.2 ${address}:/data /m && echo served; umount /m`;
    const command = `mkdir /m; trap ${quote(`${has}; exit 3`)} TERM; echo ready; while :; do sleep 0.1; done`;
    const job = await serving({ ...moving, args: `-- bash -c ${quote(command)}` });
    await eventually("COMMAND", () => job.stdout().includes("ready"));
    const { exitCode, stdout, stderr } = await stop(job);
    expect([exitCode, stdout]).toEqual([3, "ready\n1\nserved\n"]);
    const ends = ["the process has ended", "the virtual address is given back", "unmounted"];
    expect(logLines(stderr).flatMap(({ msg }) => (ends.includes(msg) ? [msg] : []))).toEqual(ends);
    expect(await left()).toBe(before);
  });
});
