// nfs-init serves: the kernel's NFS server driven by it alone, with the real kernel client against it.
import { describe, expect, it } from "vitest";
import { logged, logLines, quote, server } from "../support/box.ts";
import { eventually } from "../support/eventually.ts";
import { everyCombination, versionsOr } from "../support/every-combination.ts";
import type { ServerDocument } from "../../src/report/document.ts";
import { kernelSuite } from "../support/kernel-suite.ts";
import { bind, disk, mount, records, serverBox, type Serve } from "../support/server-box.ts";

const { lab } = kernelSuite();

const { onServer, start, serving, stop, client } = serverBox(lab);

describe("a client", () => {
  it.each(versionsOr(["3", "4.2"]))(
    "mounts, writes, reads, locks, renames and unmounts with version %s",
    async (version) => {
      const job = await serving();
      const script = `${mount(version)} && cat $m/hello && echo new >$m/a && flock $m/a true && mv $m/a $m/b && cat $m/b && umount $m && echo gone`;
      expect((await client(script)).stdout).toBe("hello\nnew\ngone\n");
      expect(await onServer(`cat ${disk}/data/b`)).toBe("new");
      await stop(job);
    },
  );

  it("sees what another one writes", async () => {
    const job = await serving();
    expect((await client(`${mount("4.2")} && echo one >$m/shared`)).exitCode).toBe(0);
    expect((await client(`${mount("4.2")} && cat $m/shared`, "c2")).stdout).toBe("one\n");
    await stop(job);
  });

  it("is refused where its network is not named, and that is said once", async () => {
    const job = await serving({ env: { NFS_EXPORT_CLIENTS: "10.77.0.12" } });
    expect((await client(mount("4.2"))).exitCode).toBe(32);
    expect((await client(`${mount("4.2")} && echo in`, "c2")).stdout).toBe("in\n");
    const refusals = logLines(job.stderr()).filter(({ msg }) => msg === "a client was refused");
    expect(refusals).toMatchObject([{ client: "10.77.0.11" }]);
    await stop(job);
  });

  it("is let in from an attached network without further ado", async () => {
    const job = await serving({ env: { NFS_EXPORT_CLIENTS: "" } });
    expect((await client(`${mount("4.2")} && echo in`)).stdout).toBe("in\n");
    await stop(job);
  });

  it("is root where that is allowed, and nobody else where not", async () => {
    await onServer(`chmod 755 ${disk}/data`);
    const squashing = await serving();
    expect((await client(`${mount("4.2")} && touch $m/x`)).exitCode).not.toBe(0);
    await stop(squashing);
    const trusting = await serving({ env: { NFS_EXPORT_OPTIONS: "rw,no_root_squash" } });
    expect((await client(`${mount("4.2")} && touch $m/x && stat -c %u $m/x`)).stdout).toBe("0\n");
    await stop(trusting);
  });

  it("finds several exports under their paths, and nothing beside them", async () => {
    await onServer(`mkdir ${disk}/other; echo other >${disk}/other/hello`);
    const setup = `${bind}; mkdir -p /deep/down; mount --bind ${disk}/other /deep/down; echo secret >/deep/secret`;
    const job = await serving({ setup, env: { NFS_2_EXPORT: "/deep/down", NFS_2_EXPORT_OPTIONS: "ro" } });
    const script = `${mount("4.2", "/")} && ls $m $m/deep && cat $m/data/hello $m/deep/down/hello; touch $m/deep/down/x 2>&1 | grep -o "Read-only.*"`;
    expect((await client(script)).stdout).toMatch(
      /^\S+\/?:?\ndata\ndeep\n\n.*deep:\ndown\nhello\nother\nRead-only file system\n$/s,
    );
    await stop(job);
  });

  it("finds an export with fsid=0 at the root, and one below it from there", async () => {
    await onServer(`mkdir ${disk}/other ${disk}/data/deep; chmod 777 ${disk}/other; echo other >${disk}/other/hello`);
    const job = await serving({
      setup: `${bind}; mount --bind ${disk}/other /data/deep`,
      env: { NFS_EXPORT_OPTIONS: "rw,fsid=0,all_squash", NFS_2_EXPORT: "/data/deep", NFS_2_EXPORT_OPTIONS: "rw" },
    });
    const script = `${mount("4.2", "/")} && cat $m/hello $m/deep/hello; umount -a -t nfs4; ${mount("4.2", "/deep")} && cat $m/hello`;
    expect((await client(script)).stdout).toBe("hello\nother\nother\n");
    await stop(job);
  });
});

describe("COMMAND", () => {
  it("starts when every export is served, and its exit code is the container's", async () => {
    const check = `mkdir /m && mount -t nfs -o vers=4.2 127.0.0.1:/data /m && cat /m/hello && umount /m; exit 7`;
    const { exitCode, stdout } = await start({ args: `-- sh -c ${quote(check)}` }).done;
    expect([exitCode, stdout]).toEqual([7, "hello\n"]);
  });

  it("gets the stop, and the server goes after it with nothing left behind", async () => {
    const mounted = `mkdir /m && mount -t nfs -o vers=4.2 127.0.0.1:/data /m && echo ready`;
    const script = `trap 'cat /m/hello; umount /m; exit 3' TERM; ${mounted}; while :; do sleep 0.1; done`;
    const job = await serving({ args: `-- bash -c ${quote(script)}` });
    await eventually("COMMAND", () => job.stdout().includes("ready"));
    const { exitCode, stdout } = await stop(job);
    expect([exitCode, stdout]).toEqual([3, "ready\nhello\n"]);
    expect(await onServer(`cat /proc/fs/nfsd/threads; umount ${disk} && echo free`)).toBe("0\nfree");
  });
});

describe("without COMMAND", () => {
  it("it serves until TERM, and ends with 0; the disk can be unmounted at once although a client is there", async () => {
    const job = await serving();
    const holding = lab().start(
      `in_ c1 bash -c ${quote(`m=$(mktemp -d); ${mount("4.2")} && exec 9>>$m/held && echo held && sleep 30`)}`,
    );
    await eventually("the client", () => holding.stdout().includes("held"));
    expect((await stop(job)).exitCode).toBe(0);
    expect(await onServer(`cat /proc/fs/nfsd/threads; umount ${disk} && echo free`)).toBe("0\nfree");
    await holding.signal("SIGKILL");
  });
});

describe("version 3", () => {
  const lockingMount = `mount -t nfs -o vers=3,lock ${server}:/data`;
  /** A client that holds a lock on a file, as `/lab/state/holder`. */
  const hold = `in_ c1 sh -c 'exec 9>>/mnt/locked; echo $$ >/lab/state/holder; flock -x 9; echo locked; exec sleep 1000'`;
  const letGo = "kill -KILL $(cat /lab/state/holder)";
  const tryLock = async () => lab().sh("in_ c2 flock -n /mnt/locked true && echo free || echo held");

  /** Two clients have mounted with locks, and the first one holds one. */
  async function locked(work: () => Promise<void>, mounting = lockingMount): Promise<void> {
    await lab().sh(`statd c1 c2; for host in c1 c2; do in_ $host ${mounting} /mnt; done`);
    try {
      const holder = lab().start(hold);
      await eventually("the lock", () => holder.stdout().includes("locked"), { timeoutMs: 40_000 });
      await work();
    } finally {
      // Before their status monitors end: the kernel would wait for those for ever.
      await lab().run(`${letGo}; in_ c1 umount /mnt; in_ c2 umount /mnt`);
    }
  }

  it("keeps another client out of a file that is locked, until its owner lets go", async () => {
    const job = await serving();
    await locked(async () => {
      expect(await tryLock()).toBe("held");
      await lab().sh(letGo);
      await eventually("the lock is free", async () => (await tryLock()) === "free", { timeoutMs: 20_000 });
    });
    await stop(job);
  });

  it.each(
    [
      ["by a name", "nas"],
      ["by the server's address", server],
      ["by another address of the server", "10.77.0.98"],
    ].slice(0, everyCombination ? 3 : 1),
  )(
    "has clients that have mounted %s take their locks back after SIGKILL and a start under another host name",
    { timeout: 180_000 },
    async (_, source) => {
      await lab().sh(`name set nas ${server}; in_ srv ip addr add 10.77.0.98/24 dev eth0`);
      const settings = { env: { NFS_SERVER_GRACE: "15s" } };
      const first = await serving(settings);
      await locked(
        async () => {
          await lab().sh("container_signal server KILL");
          await first.done;
          const second = await serving({ ...settings, name: "second" });
          const told = await logged(second, "a client was told to take its locks back");
          expect(told).toMatchObject({ client: "10.77.0.11" });
          expect(await tryLock()).toBe("held");
          await lab().sh(letGo);
          await eventually("the lock is free", async () => (await tryLock()) === "free", { timeoutMs: 60_000 });
        },
        lockingMount.replace(server, source),
      );
      await lab().sh("container_signal second TERM; in_ srv ip addr del 10.77.0.98/24 dev eth0");
    },
  );

  it("answers showmount and rpcinfo, and a mount over UDP, with no daemon of nfs-utils on the server", async () => {
    await onServer(`mkdir -m 777 ${disk}/data/sub`);
    const job = await serving();
    const said = await lab().sh(`in_ c1 sh -c '
      m=$(mktemp -d); mount -t nfs -o vers=3,nolock,mountproto=udp ${server}:/data $m && echo new >$m/sub/file && mv $m/sub/file $m/moved
      cat $m/moved; ls $m | sort | tr "\\n" " "; umount $m
      showmount -e ${server}; showmount -a ${server}; rpcinfo -p ${server} | awk "{ print \\$1, \\$2, \\$3, \\$4 }" | sort'`);
    expect(said).toMatch(/^new\nhello moved sub Export list for .*:\n\/data /);
    // Nothing is left of the mount, for umount says so to the MOUNT service.
    expect(said).toMatch(/All mount points on .*:\n\d/);
    for (const line of ["100000 2 tcp 111", "100003 3 tcp 2049", "100005 3 udp 20048", "100024 1 udp 32765"])
      expect(said.split("\n")).toContain(line);
    expect(said).toMatch(/^100021 4 tcp 32768$/m);
    await stop(job);
  });

  it("is refused a client whose network is not named, and what is not exported", async () => {
    const job = await serving({ env: { NFS_EXPORT_CLIENTS: "10.77.0.12" } });
    const { stderr } = await client(mount("3"));
    expect(stderr).toMatch(/access denied/);
    expect((await client(mount("3", "/nothing"), "c2")).stderr).toMatch(/access denied/);
    expect((await client(`${mount("3")} && echo in`, "c2")).stdout).toBe("in\n");
    await stop(job);
  });

  it.runIf(everyCombination)("is served below an export too, and squashes root as asked", async () => {
    await onServer(`mkdir -m 755 ${disk}/data/sub; echo below >${disk}/data/sub/hello`);
    const job = await serving();
    expect((await client(`${mount("3", "/data/sub")} && cat $m/hello; touch $m/x`)).stdout).toBe("below\n");
    expect(await onServer(`ls ${disk}/data/sub`)).toBe("hello");
    await stop(job);
  });

  it("is registered with a portmapper that is there already, and gone from it at the end", async () => {
    await lab().sh("in_ srv rpcbind -w");
    const job = await serving();
    expect((await client(`${mount("3")} && cat $m/hello`)).stdout).toBe("hello\n");
    const programs = async () => await lab().sh(`in_ srv rpcinfo -p | awk '{ print $1 }' | sort -u | tr '\\n' ' '`);
    expect(await programs()).toMatch(/100003 100005 100021 100024/);
    await stop(job);
    expect(await programs()).not.toMatch(/100003|100005|100024/);
    await lab().sh("in_ srv pkill rpcbind");
  });

  it("is left out where one of its ports is taken, and refused with 32 where it was asked for", async () => {
    const other = lab().start("in_ srv nc -l -p 20048");
    await eventually(
      "the port",
      async () => (await lab().run("in_ srv grep -q ':4E50 .* 0A ' /proc/net/tcp /proc/net/tcp6")).exitCode === 0,
    );
    const job = await serving();
    expect(logLines(job.stderr())).toContainEqual(expect.objectContaining({ msg: "version 3 is not served" }));
    expect((await client(`${mount("4.2")} && cat $m/hello`)).stdout).toBe("hello\n");
    await stop(job);
    const ended = await start({ env: { NFS_SERVER_VERSIONS: "3,4" } }).done;
    expect(ended.exitCode).toBe(32);
    expect(logLines(ended.stderr).at(-1)?.reason).toMatch(/cannot serve version 3: port 20048 \(MOUNT service\)/);
    await other.signal("SIGKILL");
  });

  it.runIf(everyCombination)("is all that is served with NFS_SERVER_VERSIONS=3", async () => {
    const job = await serving({ env: { NFS_SERVER_VERSIONS: "3" } });
    expect((await client(`${mount("3")} && cat $m/hello`)).stdout).toBe("hello\n");
    expect((await client(mount("4.2"))).exitCode).toBe(32);
    await stop(job);
  });
});

describe("it is refused", () => {
  it.each<readonly [string, Serve, number, RegExp]>([
    ["a directory on the overlay", { setup: "mkdir /data" }, 78, /lies on overlay.*volume.*NFS_EXPORT_SCRATCH/],
    ["a missing directory", { setup: "true" }, 78, /no such directory/],
    [
      "a missing mount",
      { setup: "mkdir /data", env: { NFS_EXPORT_REQUIRE_MOUNT: "on" } },
      78,
      /nothing is mounted on \/data/,
    ],
    ["no SYS_ADMIN", { options: "--drop sys_admin" }, 32, /not permitted.*CAP_SYS_ADMIN/],
    ["no SYS_CHROOT", { options: "--drop sys_chroot" }, 32, /a root of its own is not permitted.*CAP_SYS_CHROOT/],
    ["a user namespace", { options: "--userns" }, 32, /not permitted.*user namespace/],
    [
      "records that it may not write",
      { options: "--drop dac_override", setup: `${bind}; chown 1000 ${records}; chmod 700 ${records}` },
      78,
      /NFS_SERVER_STATE: \S+ cannot be written \(EACCES\); .*CAP_DAC_OVERRIDE/,
    ],
    ["wrong options", { env: { NFS_EXPORT_OPTIONS: "sec=krb5" } }, 78, /sec=krb5 is refused/],
  ])("%s", async (_, serve, exitCode, reason) => {
    const ended = await start(serve).done;
    expect(ended.exitCode).toBe(exitCode);
    const last = logLines(ended.stderr).at(-1);
    expect(`${last?.reason}; ${last?.hint}`).toMatch(reason);
  });

  it("a port that another server has", async () => {
    const other = lab().start("in_ srv nc -l -p 2049");
    const listens = async () =>
      (await lab().run("in_ srv grep -q ':0801 .* 0A ' /proc/net/tcp /proc/net/tcp6")).exitCode === 0;
    await eventually("the port", listens);
    const ended = await start().done;
    expect([ended.exitCode, logLines(ended.stderr).at(-1)?.reason]).toEqual([
      32,
      "cannot serve: port 2049 is taken by another program",
    ]);
    await other.signal("SIGKILL");
  });
});

it("tells who uses it, what each has open, and how much room there is", async () => {
  const job = await serving({ env: { NFS_SERVER_CHECK_INTERVAL: "500ms" } });
  const holder = lab().start(
    `in_ c1 bash -c ${quote(`m=$(mktemp -d); ${mount("4.2")} && exec 9>>$m/held && flock 9 && echo held && sleep 60`)}`,
  );
  await eventually("the lock", () => holder.stdout().includes("held"), { timeoutMs: 30_000 });
  const status = async () =>
    JSON.parse((await lab().run("container_exec server nfs-init status --json")).stdout) as {
      server: Pick<ServerDocument, "operations" | "clients">;
      exports: { space: { availableBytes: number } | null }[];
    };
  await eventually("the client", async () =>
    (await status()).server.clients.some(
      ({ address, opens, locks }) => address === "10.77.0.11" && opens === 1 && locks === 1,
    ),
  );
  const { server: told, exports } = await status();
  const known = told.clients.find(({ address }) => address === "10.77.0.11");
  expect(known).toMatchObject({ version: "4.2", files: [expect.stringMatching(/(^|\/)held$/)] });
  expect(known?.knownForMs).toBeLessThan(120_000);
  expect(told.operations).toBeGreaterThan(0);
  expect(exports[0]?.space?.availableBytes).toBeGreaterThan(0);
  await holder.signal("SIGKILL");
  await stop(job);
});

it.runIf(everyCombination)(
  "serves and says so where its records cannot be written because their disk is full",
  async () => {
    const setup = `${bind}; mkdir /full; mount -t tmpfs -o size=8k full /full; dd if=/dev/zero of=/full/file bs=4k status=none 2>&1 | true`;
    const job = await serving({ setup, env: { NFS_SERVER_STATE: "/full" } });
    expect(logLines(job.stderr())).toContainEqual(
      expect.objectContaining({ level: "warn", reason: "they cannot be written: ENOSPC" }),
    );
    expect((await client(`${mount("4.2")} && cat $m/hello`)).stdout).toBe("hello\n");
    await stop(job);
  },
);

it("takes over what another server has left running when it was killed", async () => {
  await lab().sh("srv_up --v4; in_ srv pkill -KILL rpc.mountd");
  const job = await serving();
  expect(logLines(job.stderr()).map(({ msg }) => msg)).toContain("took over from a server that was left behind");
  expect((await client(`${mount("4.2")} && cat $m/hello`)).stdout).toBe("hello\n");
  await stop(job);
  await lab().sh("srv_down");
});

it("waits while another instance serves in its network, and serves when that ends", async () => {
  const first = await serving();
  const second = start({ name: "second" });
  await logged(second, "another nfs-init serves in this network, waiting until it ends");
  expect((await client(`${mount("4.2")} && cat $m/hello`)).stdout).toBe("hello\n");
  await stop(first);
  await logged(second, "serving");
  expect(logLines(second.stderr()).map(({ msg }) => msg)).not.toContain("took over from a server that was left behind");
  expect((await client(`${mount("4.2")} && cat $m/hello`)).stdout).toBe("hello\n");
  await lab().sh("container_signal second TERM");
  expect((await second.done).exitCode).toBe(0);
});

it("two servers serve in two network namespaces", async () => {
  const one = await serving();
  const setup = "mkdir /data; mount -t tmpfs data /data; echo hello >/data/hello";
  const two = await serving({ host: "c2", setup });
  expect((await client(`${mount("4.2")} && cat $m/hello`)).stdout).toBe("hello\n");
  const ofTwo = "mount -t nfs -o vers=4.2 10.77.0.12:/data $m && cat $m/hello";
  expect((await client(ofTwo)).stdout).toBe("hello\n");
  await lab().sh("container_signal server TERM");
  await two.done;
  expect((await client(`${mount("4.2")} && cat $m/hello`)).stdout).toBe("hello\n");
  await lab().sh("in_ srv pkill -TERM -x nfs-init");
  await one.done;
});

it("a scratch export lies in memory, with owner and mode as asked", async () => {
  const env = { NFS_EXPORT_SCRATCH: "tmpfs:8m", NFS_EXPORT_OWNER: "1000:1000", NFS_EXPORT_MODE: "0750" };
  const job = await serving({ setup: "true", env });
  expect((await client(`${mount("4.2")} && stat -c '%u:%g %a' $m`)).stdout).toBe("1000:1000 750\n");
  await stop(job);
});
