// The fstab file: our block is written, everything else in it stays as it was.
import { execFileSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { foreignText } from "../../src/shares/fstab.ts";
import { recoverText } from "../../src/shares/rewrite.ts";
import { eventually } from "../support/eventually.ts";
import { logLines } from "../support/process-log.ts";
import {
  describePid1,
  describePlaces,
  isSanitized,
  needRoot,
  ordinary,
  run,
  start,
  temporaryDirectory,
  unreachableShare,
  type Launch,
} from "../support/process.ts";

/** Bytes that are nobody's to change: no UTF-8, CR, odd blanks, a marker without its partner, no newline at the end. */
const foreign = Buffer.from(
  "# kept \xff\xfe\n\nUUID=ab-cd\t/boot  ext4 defaults 0 2\r\n# nfs-init end\n\0\x80 last line",
  "latin1",
);

function blockOf(env: Readonly<Record<string, string>>): string {
  const { NFS_MOUNT_POINT: target = "" } = env;
  return `# nfs-init begin\n127.0.0.1:${target} ${target} nfs hard,port=1,vers=4.2 0 0\n# nfs-init end\n`;
}

/** Runs nfs-init until it waits for the server, fstab written or not, and stops it. Gives its log. */
async function editBy(launch: Omit<Launch, "args" | "ownMounts">) {
  const running = start({ ...launch, args: ["--", "true"], ownMounts: true });
  await eventually("nfs-init waits", () => running.stderr().includes("waiting for the server"));
  await running.send("SIGTERM");
  const { exitCode, stderr } = await running.ended;
  expect(exitCode).toBe(143);
  return logLines(stderr);
}

const messages = (lines: readonly { readonly level: string; readonly msg: string }[]) =>
  lines.filter(({ level }) => level === "warn").map(({ msg }) => msg);

describePlaces((place) => {
  it("gets our block, and keeps its foreign bytes, mode and owner", async () => {
    const directory = temporaryDirectory();
    const env = unreachableShare(directory);
    const { NFS_FSTAB: fstab = "" } = env;
    writeFileSync(fstab, foreign);
    chownSync(fstab, 7, 8);
    chmodSync(fstab, 0o4640);
    expect(messages(await editBy({ place, env }))).toEqual([]);
    expect(readFileSync(fstab).equals(Buffer.concat([foreign, Buffer.from(`\n${blockOf(env)}`)]))).toBe(true);
    const { mode, uid, gid } = statSync(fstab);
    expect({ mode: mode & 0o7777, uid, gid }).toEqual({ mode: 0o4640, uid: 7, gid: 8 });
    expect(readdirSync(directory).filter((name) => name.includes("fstab"))).toEqual(["fstab"]);
  });

  it("is left as it is where it says the same already", async () => {
    const directory = temporaryDirectory();
    const env = unreachableShare(directory);
    const { NFS_FSTAB: fstab = "" } = env;
    writeFileSync(fstab, `# before\n${blockOf(env)}# after\n`);
    const before = statSync(fstab, { bigint: true });
    await editBy({ place, env });
    const after = statSync(fstab, { bigint: true });
    expect({ ino: after.ino, mtimeNs: after.mtimeNs }).toEqual({ ino: before.ino, mtimeNs: before.mtimeNs });
  });

  it("has our old block replaced in its place", async () => {
    const env = unreachableShare(temporaryDirectory());
    const { NFS_FSTAB: fstab = "" } = env;
    writeFileSync(fstab, "# before\n# nfs-init begin\nold:/x /y nfs hard 0 0\n# nfs-init end\n# after\n");
    await editBy({ place, env });
    expect(readFileSync(fstab, "utf8")).toBe(`# before\n${blockOf(env)}# after\n`);
  });

  it("is made where there is none", async () => {
    const env = unreachableShare(temporaryDirectory());
    const { NFS_FSTAB: fstab = "" } = env;
    await editBy({ place, env });
    expect(readFileSync(fstab, "utf8")).toBe(blockOf(env));
    expect(statSync(fstab).mode & 0o777).toBe(0o644);
  });

  it("is followed through symbolic links, which stay", async () => {
    const directory = temporaryDirectory();
    const env = unreachableShare(directory);
    const { NFS_FSTAB: fstab = "" } = env;
    mkdirSync(join(directory, "other"));
    writeFileSync(join(directory, "other", "real"), foreign);
    symlinkSync("other/real", join(directory, "link"));
    symlinkSync(join(directory, "link"), fstab);
    await editBy({ place, env });
    expect(lstatSync(fstab).isSymbolicLink()).toBe(true);
    expect(readlinkSync(join(directory, "link"))).toBe("other/real");
    const expected = Buffer.concat([foreign, Buffer.from(`\n${blockOf(env)}`)]);
    expect(readFileSync(join(directory, "other", "real")).equals(expected)).toBe(true);
  });

  it("is made at the end of a symbolic link that leads nowhere yet", async () => {
    const directory = temporaryDirectory();
    const env = unreachableShare(directory);
    const { NFS_FSTAB: fstab = "" } = env;
    symlinkSync("later", fstab);
    await editBy({ place, env });
    expect(readlinkSync(fstab)).toBe("later");
    expect(readFileSync(join(directory, "later"), "utf8")).toBe(blockOf(env));
  });

  it.each([
    { title: "longer", text: "# mine\n" },
    { title: "shorter", text: `# mine\n# nfs-init begin\n${"# a long line that goes\n".repeat(50)}# nfs-init end\n` },
  ])("is rewritten in place where it is a bind mount and gets $title", async ({ text }) => {
    const directory = temporaryDirectory();
    const env = unreachableShare(directory);
    const { NFS_FSTAB: fstab = "" } = env;
    writeFileSync(join(directory, "source"), text);
    writeFileSync(fstab, "");
    const inode = statSync(join(directory, "source")).ino;
    const prelude = `mount --bind ${directory}/source ${fstab}`;
    expect(messages(await editBy({ place, env, prelude }))).toEqual([]);
    expect(readFileSync(join(directory, "source"), "utf8")).toBe(`# mine\n${blockOf(env)}`);
    expect(statSync(join(directory, "source")).ino).toBe(inode);
    expect(readdirSync(directory).filter((name) => name.startsWith("."))).toEqual([]);
  });

  it("is rewritten in place where its directory is read-only", async () => {
    const directory = temporaryDirectory();
    mkdirSync(join(directory, "etc"));
    const env = { ...unreachableShare(directory), NFS_FSTAB: join(directory, "etc", "fstab") };
    writeFileSync(env.NFS_FSTAB, "# mine\n");
    // The file is a writable mount in a read-only directory, as with a read-only root file system.
    const prelude = `set -e; cd ${directory}; cp etc/fstab source; mount --bind source etc/fstab
      mount --rbind etc etc; mount -o remount,bind,ro etc; cd /`;
    expect(messages(await editBy({ place, env, prelude }))).toEqual([]);
    expect(readFileSync(join(directory, "source"), "utf8")).toBe(`# mine\n${blockOf(env)}`);
  });

  it("is warned of where it cannot be written, and mounting goes on", async () => {
    const directory = temporaryDirectory();
    mkdirSync(join(directory, "etc"));
    const env = { ...unreachableShare(directory), NFS_FSTAB: join(directory, "etc", "fstab") };
    writeFileSync(env.NFS_FSTAB, "# mine\n");
    const prelude = `set -e; mount --bind ${directory}/etc ${directory}/etc; mount -o remount,bind,ro ${directory}/etc`;
    const lines = await editBy({ place, env, prelude });
    expect(messages(lines)).toEqual(["fstab cannot be written, mounting goes on without it"]);
    expect(lines.find(({ stage }) => stage === "fstab")).toMatchObject({ level: "warn", path: env.NFS_FSTAB });
    expect(readFileSync(env.NFS_FSTAB, "utf8")).toBe("# mine\n");
  });

  it("is warned of where its directory does not exist", async () => {
    const env = { ...unreachableShare(temporaryDirectory()), NFS_FSTAB: "/no/such/directory/fstab" };
    expect(messages(await editBy({ place, env }))).toEqual(["fstab cannot be written, mounting goes on without it"]);
  });

  it("is warned of where it is a directory", async () => {
    const directory = temporaryDirectory();
    const env = { ...unreachableShare(directory), NFS_FSTAB: directory };
    expect(messages(await editBy({ place, env }))).toEqual(["fstab cannot be written, mounting goes on without it"]);
  });

  it("is not touched with NFS_FSTAB=none", async () => {
    const directory = temporaryDirectory();
    const env = { ...unreachableShare(directory), NFS_FSTAB: "none" };
    const prelude = `set -e; echo '# mine' >${directory}/etc-fstab; mount --bind ${directory}/etc-fstab /etc/fstab`;
    expect(messages(await editBy({ place, env, prelude }))).toEqual([]);
    expect(readFileSync(join(directory, "etc-fstab"), "utf8")).toBe("# mine\n");
  });

  it("is /etc/fstab by default", async () => {
    const directory = temporaryDirectory();
    const env = { ...unreachableShare(directory), NFS_FSTAB: "" };
    const prelude = `set -e; echo '# mine' >${directory}/etc-fstab; mount --bind ${directory}/etc-fstab /etc/fstab`;
    expect(messages(await editBy({ place, env, prelude }))).toEqual([]);
    expect(readFileSync(join(directory, "etc-fstab"), "utf8")).toBe(`# mine\n${blockOf(env)}`);
  });

  it("is warned of where a foreign line names the same mount point, without the password in that line", async () => {
    const env = unreachableShare(temporaryDirectory());
    const { NFS_FSTAB: fstab = "", NFS_MOUNT_POINT: target = "" } = env;
    writeFileSync(fstab, `//user:hunter2@other/export ${target} cifs defaults 0 0\n`);
    const lines = await editBy({ place, env });
    expect(messages(lines)).toEqual(["another fstab line names the same mount point"]);
    expect(JSON.stringify(lines)).not.toContain("hunter2");
  });

  it("is warned of where a foreign line names the same mount point", async () => {
    const env = unreachableShare(temporaryDirectory());
    const { NFS_FSTAB: fstab = "", NFS_MOUNT_POINT: target = "" } = env;
    writeFileSync(fstab, `other:/export ${target} nfs defaults 0 0\n`);
    const lines = await editBy({ place, env });
    expect(messages(lines)).toEqual(["another fstab line names the same mount point"]);
    expect(lines.find(({ stage }) => stage === "fstab")?.reason).toContain("other:/export");
  });

  it("takes no harm from a full disk", async () => {
    const directory = temporaryDirectory();
    mkdirSync(join(directory, "full"));
    const env = { ...unreachableShare(directory), NFS_FSTAB: join(directory, "full", "fstab") };
    // A copy is left outside: what is in the namespace's tmpfs cannot be read from here.
    const prelude = `set -e; cd ${directory}; mount -t tmpfs -o size=16k none full
      printf '# mine\\n%4000s\\n' x >full/fstab; cp full/fstab before
      head -c 100k /dev/zero >full/filler 2>/dev/null || true; cd /`;
    const running = start({ args: ["--", "true"], place, env, ownMounts: true, prelude });
    await eventually("nfs-init waits", () => running.stderr().includes("waiting for the server"));
    const root = `/proc/${await running.initPid()}/root`;
    const found = readFileSync(`${root}${env.NFS_FSTAB}`);
    const left = readdirSync(`${root}${directory}/full`);
    await running.send("SIGTERM");
    const lines = logLines((await running.ended).stderr);
    expect(found.equals(readFileSync(join(directory, "before")))).toBe(true);
    expect(left.toSorted()).toEqual(["filler", "fstab"]);
    expect(messages(lines)).toEqual(["fstab cannot be written, mounting goes on without it"]);
  });
}, "mounting");

describePid1((place) => {
  it("is written although an earlier run was killed while it wrote", async () => {
    const directory = temporaryDirectory();
    const env = unreachableShare(directory);
    const { NFS_FSTAB: fstab = "" } = env;
    writeFileSync(fstab, "# mine\n");
    writeFileSync(join(directory, ".fstab.nfs-init"), "half a fi");
    expect(messages(await editBy({ place, env }))).toEqual([]);
    expect(readFileSync(fstab, "utf8")).toBe(`# mine\n${blockOf(env)}`);
    expect(readdirSync(directory).filter((name) => name.startsWith("."))).toEqual([]);
  });
});

describe("several at once", () => {
  needRoot("mounting");

  /** Ten instances of as many shares, once all of them wait for their servers. */
  async function startTen(directory: string, prelude?: string) {
    const shares = Array.from({ length: 10 }, (_, number) => ({
      ...unreachableShare(directory),
      NFS_MOUNT_POINT: join(directory, `share-${number}`),
    }));
    const instances = shares.map((env) =>
      start({ args: ["--", "true"], env, ownMounts: true, ...(prelude === undefined ? {} : { prelude }) }),
    );
    for (const { stderr } of instances) {
      await eventually("it waits", () => stderr().includes("waiting for the server"), { timeoutMs: 25_000 });
    }
    const lines = shares.map(blockOf).map((text) => text.split("\n")[1] ?? "");
    const stop = async (some: typeof instances) => {
      for (const { send } of some) await send("SIGTERM");
      for (const { ended } of some) {
        // All of them share a state directory, where only one publishes.
        const said = logLines((await ended).stderr).filter(({ stage }) => stage === "fstab");
        expect(said).toEqual([]);
      }
    };
    return { shares, instances, lines, stop };
  }

  /** Our lines in a file whose foreign bytes are those of the tests. */
  function ownLines(path: string): readonly string[] {
    const text = readFileSync(path, "latin1");
    expect(foreignText(text)).toBe(`${foreign.toString("latin1")}\n`);
    expect(text.match(/^# nfs-init begin$/gm)).toHaveLength(1);
    return text.slice(foreign.length).match(/^127.*$/gm) ?? [];
  }

  it.each([
    { title: "replaced", isBound: false },
    { title: "rewritten in place", isBound: true },
  ])("have each its line in a file that is $title, as long as it runs", async ({ isBound }) => {
    const directory = temporaryDirectory();
    const path = join(directory, isBound ? "source" : "fstab");
    writeFileSync(path, foreign);
    if (isBound) writeFileSync(join(directory, "fstab"), "");
    const { instances, lines, shares, stop } = await startTen(
      directory,
      isBound ? `mount --bind ${directory}/source ${directory}/fstab` : undefined,
    );
    expect(ownLines(path).toSorted()).toEqual(lines.toSorted());
    // Who starts later drops the lines of those that have ended, and no others.
    await stop(instances.slice(3));
    const [first = {}] = shares;
    const prelude = isBound ? { prelude: `mount --bind ${directory}/source ${directory}/fstab` } : {};
    const env = { ...first, NFS_MOUNT_POINT: join(directory, "later") };
    await editBy({ place: ordinary, env, ...prelude });
    expect(ownLines(path).toSorted()).toEqual([...lines.slice(0, 3), blockOf(env).split("\n")[1] ?? ""].toSorted());
    await stop(instances.slice(0, 3));
    expect(readdirSync(directory).filter((name) => name.startsWith("."))).toEqual([]);
  });

  it("keep each other's lines where one of them is unmounted", async () => {
    const directory = temporaryDirectory();
    writeFileSync(join(directory, "fstab"), foreign);
    const { instances, lines, shares, stop } = await startTen(directory);
    await stop(instances.slice(0, 1));
    const { exitCode } = await run({ args: ["unmount"], env: shares[0] ?? {}, ownMounts: true });
    expect(exitCode).toBe(0);
    expect(ownLines(join(directory, "fstab")).toSorted()).toEqual(lines.slice(1).toSorted());
    await stop(instances.slice(1));
  });

  it("wait for each other, and lose nothing that is written meanwhile", async () => {
    const env = unreachableShare(temporaryDirectory());
    const { NFS_FSTAB: fstab = "" } = env;
    writeFileSync(fstab, "");
    const prelude = `exec 8>>${fstab}; flock 8; (sleep 0.3; echo '# by another' >&8) & exec 8>&-`;
    expect(messages(await editBy({ place: ordinary, env, prelude }))).toEqual([]);
    expect(readFileSync(fstab, "utf8")).toBe(`# by another\n${blockOf(env)}`);
  });
});

describe("a kill while it is rewritten in place", () => {
  needRoot("mounting");

  it("at any moment leaves a file that the next run makes whole", async () => {
    const directory = temporaryDirectory();
    const source = join(directory, "source");
    // The sanitizers take ten times as long.
    const mine = `${"# mine\n".repeat(isSanitized ? 12_000 : 120_000)}# the last`;
    writeFileSync(source, mine);
    writeFileSync(join(directory, "fstab"), "");
    const prelude = `mount --bind ${source} ${directory}/fstab`;
    // Each another, so that each has something to change; the block gets longer and shorter.
    const shares = Array.from({ length: 16 }, (_, round) => ({
      ...unreachableShare(directory),
      NFS_MOUNT_POINT: join(directory, `${round}${"-longer".repeat(round % 3)}`),
    }));
    const whole = new Set([mine, ...shares.map((env) => `${mine}\n${blockOf(env)}`)]);
    for (const [round, env] of shares.entries()) {
      const before = statSync(source, { bigint: true });
      const running = start({ args: ["--", "true"], env, ownMounts: true, prelude });
      // Without a pause: the file is changed within a millisecond or two.
      const untilMs = performance.now() + 60_000;
      for (let now = before; now.mtimeNs === before.mtimeNs; now = statSync(source, { bigint: true })) {
        if (performance.now() > untilMs) throw new Error("the file is not changed");
      }
      const killMs = performance.now() + (round % 8) * 0.15;
      while (performance.now() < killMs);
      running.child.kill("SIGKILL");
      await running.ended;
      const left = readFileSync(source, "latin1");
      expect(whole).toContain(recoverText(left));
    }
    const [last = {}] = shares;
    expect(messages(await editBy({ place: ordinary, env: last, prelude }))).toEqual([]);
    expect(readFileSync(source, "latin1")).toBe(`${mine}\n${blockOf(last)}`);
    expect((await run({ args: ["unmount"], env: last, ownMounts: true, prelude })).exitCode).toBe(0);
    expect(readFileSync(source, "latin1")).toBe(`${mine}\n`);
  }, 300_000);
});

describe("what is no fstab", () => {
  needRoot("mounting");

  const oddities = [
    {
      title: "a device that never ends",
      make: (path: string) => symlinkSync("/dev/zero", path),
      reason: "regular file",
    },
    {
      title: "a pipe that nobody writes to",
      make: (path: string) => execFileSync("mkfifo", [path]),
      reason: "regular file",
    },
    {
      title: "a file of 600 MB",
      make: (path: string) => {
        writeFileSync(path, "# mine\n");
        truncateSync(path, 600_000_000);
      },
      reason: "longer than 4096 KiB",
    },
  ];

  it.each(oddities)("is left alone by run, which goes on and hears signals: $title", async ({ make, reason }) => {
    const env = unreachableShare(temporaryDirectory());
    make(env["NFS_FSTAB"] ?? "");
    const lines = await editBy({ place: ordinary, env });
    expect(messages(lines)).toEqual(["fstab cannot be written, mounting goes on without it"]);
    expect(lines.find(({ stage }) => stage === "fstab")?.reason).toContain(reason);
  });

  it.each(oddities)("is left alone by unmount, which ends: $title", async ({ make, reason }) => {
    const env = unreachableShare(temporaryDirectory());
    make(env["NFS_FSTAB"] ?? "");
    const { exitCode, stderr } = await run({ args: ["unmount"], env, ownMounts: true });
    expect(exitCode).toBe(0);
    expect(logLines(stderr)).toMatchObject([
      { level: "warn", msg: "fstab cannot be read, it is left as it is", path: env["NFS_FSTAB"] },
    ]);
    expect(logLines(stderr)[0]?.reason).toContain(reason);
  });
});
