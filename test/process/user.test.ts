// Who COMMAND runs as, what it may do, and that nothing else of it changes on the way.
import { chmodSync, chownSync, mkdirSync, readlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { logLines } from "../support/process-log.ts";
import { descriptorsOf, procBytes, procText, statOf, statusOf } from "../support/process-table.ts";
import {
  describePlaces,
  needRoot,
  ordinary,
  run,
  settled,
  start,
  temporaryDirectory,
  type Launch,
  type Place,
} from "../support/process.ts";

const passwd = `root:x:0:0:root:/root:/bin/sh
web:x:1234:2345:Web server:/srv/web:/bin/sh
bare:x:1300:1300:::
1500:x:1777:1777:a name of digits:/srv/digits:/bin/sh
`;
const group = `root:x:0:
web:x:2345:
media:x:3001:someone,web,bare
backup:x:3002:web
others:x:3003:someone
`;

/** Makes this the container's passwd and group, for whatever runs in the mount namespace of the test. */
function accounts(files: { readonly passwd: string; readonly group: string } = { passwd, group }): string {
  const directory = temporaryDirectory();
  for (const [name, text] of Object.entries(files)) writeFileSync(join(directory, name), text);
  return `set -e; for file in passwd group; do mount --bind '${directory}'/$file /etc/$file; done; set +e`;
}

/** COMMAND that waits for the end of its stdin, and its pid. */
async function commandOf(launch: Partial<Launch> & { readonly place: Place }): Promise<number> {
  const running = start({ args: ["--", "cat"], ownMounts: true, prelude: accounts(), ...launch });
  return settled(await running.commandPid());
}

/** User, group and supplementary groups; the first two as the kernel has them: real, effective, saved, of the file system. */
function idsOf(pid: number) {
  const numbers = (field: string) => statusOf(pid, field).trim().split(/\s+/);
  return { uid: numbers("Uid"), gid: numbers("Gid"), groups: numbers("Groups").filter((id) => id !== "") };
}

const four = (id: number) => Array.from({ length: 4 }, () => `${id}`);

function environmentOf(pid: number): readonly string[] {
  return procBytes(pid, "environ").toString("latin1").split("\0").slice(0, -1);
}

const capabilitySets = ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"] as const;

function capabilitiesOf(pid: number) {
  const sets = capabilitySets.map((name) => [name, BigInt(`0x${statusOf(pid, name)}`)] as const);
  return Object.fromEntries(sets) as Readonly<Record<(typeof capabilitySets)[number], bigint>>;
}

/** SYS_MODULE and SYS_ADMIN. */
const mounting = (1n << 16n) | (1n << 21n);

describePlaces((place) => {
  it.each([
    { user: "web", uid: 1234, gid: 2345, groups: [2345, 3001, 3002], home: "/srv/web" },
    { user: "1234", uid: 1234, gid: 2345, groups: [2345, 3001, 3002], home: "/srv/web" },
    { user: "web:media", uid: 1234, gid: 3001, groups: [3001], home: "/srv/web" },
    { user: "web:4000", uid: 1234, gid: 4000, groups: [4000], home: "/srv/web" },
    { user: "1234:3002", uid: 1234, gid: 3002, groups: [3002], home: "/srv/web" },
    { user: "bare", uid: 1300, gid: 1300, groups: [1300, 3001], home: "/" },
    { user: "54321", uid: 54_321, gid: 0, groups: [0], home: "/" },
    { user: "54321:12345", uid: 54_321, gid: 12_345, groups: [12_345], home: "/" },
    // A name comes before a number.
    { user: "1500", uid: 1777, gid: 1777, groups: [1777], home: "/srv/digits" },
    { user: "root", uid: 0, gid: 0, groups: [0], home: "/root" },
    { user: "0:web", uid: 0, gid: 2345, groups: [2345], home: "/root" },
  ])("makes COMMAND what NFS_USER=$user says", async ({ user, uid, gid, groups, home }) => {
    const command = await commandOf({ place, env: { NFS_USER: user, HOME: "/earlier", KEPT: "1" } });
    const found = idsOf(command);
    expect({ ...found, groups: found.groups.map(Number).toSorted((one, other) => one - other) }).toEqual({
      uid: four(uid),
      gid: four(gid),
      groups,
    });
    const environment = environmentOf(command);
    expect(environment.filter((entry) => entry.startsWith("HOME="))).toEqual([`HOME=${home}`]);
    expect(environment).toContain("KEPT=1");
    expect(environment).toContain(`NFS_USER=${user}`);
  });

  it("runs COMMAND as a number where the container has neither passwd nor group", async () => {
    const prelude = accounts({ passwd: "", group: "" });
    expect(idsOf(await commandOf({ place, env: { NFS_USER: "7:8" }, prelude }))).toEqual({
      uid: four(7),
      gid: four(8),
      groups: ["8"],
    });
  });

  it("leaves nfs-init itself as it was", async () => {
    const running = start({ args: ["--", "cat"], place, env: { NFS_USER: "1234", NFS_UMASK: "027" } });
    const before = start({ args: ["--", "cat"], place });
    await Promise.all([running.commandPid(), before.commandPid()]);
    const [init, other] = [await running.initPid(), await before.initPid()];
    expect(idsOf(init)).toEqual(idsOf(other));
    expect(capabilitiesOf(init)).toEqual(capabilitiesOf(other));
    expect(statusOf(init, "Umask")).toBe(statusOf(other, "Umask"));
  });

  it.each(["000", "0022", "27", "077"])("gives COMMAND the umask of NFS_UMASK=%s", async (mask) => {
    const expected = mask.padStart(4, "0").slice(-4);
    expect(statusOf(await commandOf({ place, env: { NFS_UMASK: mask } }), "Umask")).toBe(expected);
    expect(statusOf(await commandOf({ place, env: { NFS_UMASK: mask, NFS_USER: "web" } }), "Umask")).toBe(expected);
  });

  it.each([
    { user: "nobody-knows", says: '/etc/passwd has no user "nobody-knows"' },
    { user: "web:nobody-knows", says: '/etc/group has no group "nobody-knows"' },
    { user: "4294967295", says: "4294967295" },
    { user: "-1", says: "-1" },
    { user: "a:b:c", says: "uid[:gid] or name[:group]" },
    { user: "web:", says: "uid[:gid] or name[:group]" },
  ])("ends with 78 for NFS_USER=$user", async ({ user, says }) => {
    const env = { NFS_USER: user };
    const launch = { args: ["--", "echo", "started"], place, env, prelude: accounts(), ownMounts: true };
    const { exitCode, stdout, stderr } = await run(launch);
    expect({ exitCode, stdout }).toEqual({ exitCode: 78, stdout: "" });
    const [line, ...more] = logLines(stderr);
    expect(more).toEqual([]);
    expect(line).toMatchObject({ level: "fatal", stage: "config", msg: "wrong configuration" });
    expect(line?.reason).toContain(`NFS_USER="${user}"`);
    expect(line?.reason).toContain(says);
  });

  describe("capabilities", () => {
    it("are none of a user's that is not root, and SYS_ADMIN and SYS_MODULE cannot come back", async () => {
      const [found, before] = [await commandOf({ place, env: { NFS_USER: "web" } }), await commandOf({ place })];
      expect(capabilitiesOf(found)).toEqual({
        CapInh: 0n,
        CapPrm: 0n,
        CapEff: 0n,
        CapAmb: 0n,
        CapBnd: capabilitiesOf(before).CapBnd & ~mounting,
      });
    });

    it("stay in the bounding set of a user's with NFS_DROP_CAPS=off", async () => {
      const env = { NFS_USER: "web", NFS_DROP_CAPS: "off" };
      const [found, before] = [await commandOf({ place, env }), await commandOf({ place })];
      expect(capabilitiesOf(found)).toMatchObject({ CapPrm: 0n, CapEff: 0n, CapBnd: capabilitiesOf(before).CapBnd });
    });

    it.each([{ NFS_DROP_CAPS: "on" }, { NFS_USER: "root" }])(
      "are all of root's but those that only mounting needs, in every set, with %o",
      async (env) => {
        // Some that are inheritable and ambient too, as engines hand them to a user that is not root.
        const raise = 'exec setpriv --inh-caps +sys_admin,+chown --ambient-caps +sys_admin,+chown "$@"';
        const prelude = `${accounts()}; ${raise}`;
        const before = capabilitiesOf(await commandOf({ place, prelude }));
        expect(before.CapAmb & mounting).toBe(1n << 21n);
        const found = capabilitiesOf(await commandOf({ place, env, prelude }));
        expect(found).toEqual(Object.fromEntries(capabilitySets.map((name) => [name, before[name] & ~mounting])));
        expect(found.CapEff).not.toBe(0n);
      },
    );

    it("do not come back to a program of root's that COMMAND starts", async () => {
      const args = ["--", "sh", "-c", "grep Cap /proc/self/status; setpriv --inh-caps +sys_admin true; echo $?"];
      const { stdout } = await run({ args, place, env: { NFS_DROP_CAPS: "on" } });
      for (const [, digits] of stdout.matchAll(/^Cap\w+:\s*([0-9a-f]+)$/gm)) {
        expect(BigInt(`0x${digits}`) & mounting).toBe(0n);
      }
      expect(stdout).toMatch(/^Cap.*\n[^0]\d*\n$/s);
    });
  });

  describe("behind the process that changes itself", () => {
    const env = { NFS_USER: "web", NFS_UMASK: "027" };

    it("keeps arguments and environment byte for byte", async () => {
      const bytes = String.raw`export BYTES="$(printf '\377\376x')" EMPTY= LINES="$(printf 'a\nb')"`;
      const prelude = String.raw`${accounts()}; ${bytes}
        set -- "$@" "$(printf '\377\376x')" '' ' ' "$(printf 'a\nb')" -- -x '*' "$(head -c 100000 /dev/zero | tr '\0' y)" ''`;
      const running = start({ args: ["--", "sh", "-c", "echo ready; cat"], place, env, prelude, ownMounts: true });
      await running.says("ready\n");
      const command = await settled(await running.commandPid());
      const words = [
        "sh",
        "-c",
        "echo ready; cat",
        "\xff\xfex",
        "",
        " ",
        "a\nb",
        "--",
        "-x",
        "*",
        "y".repeat(100_000),
        "",
      ];
      expect(procBytes(command, "cmdline").toString("latin1")).toBe(words.map((word) => `${word}\0`).join(""));
      const environment = environmentOf(command);
      for (const entry of ["BYTES=\xff\xfex", "EMPTY=", "LINES=a\nb", "HOME=/srv/web"])
        expect(environment).toContain(entry);
    });

    it("keeps descriptors from 3 up, and hands over none of its own", async () => {
      const directory = temporaryDirectory();
      const prelude = `${accounts()}; exec 3<>${directory}/three 7<>${directory}/seven`;
      const found = descriptorsOf(await commandOf({ place, env, prelude }));
      const expected = descriptorsOf(await commandOf({ place, prelude }));
      expect([...found.keys()]).toEqual([...expected.keys()]);
      expect([found.get(3), found.get(7)]).toEqual([`${directory}/three`, `${directory}/seven`]);
    });

    it("keeps the working directory, also one that COMMAND's user may not enter", async () => {
      const cwd = temporaryDirectory();
      mkdirSync(join(cwd, "closed"), { mode: 0o700 });
      for (const one of [cwd, join(cwd, "closed")]) {
        expect(readlinkSync(`/proc/${await commandOf({ place, env, cwd: one })}/cwd`)).toBe(one);
      }
    });

    it("keeps a working directory that COMMAND's user may enter and root may not", async () => {
      const cwd = temporaryDirectory();
      chownSync(cwd, 1234, 2345);
      chmodSync(cwd, 0o700);
      // As on a share whose server takes root for nobody.
      const prelude = `${accounts()}; exec setpriv --bounding-set=-dac_override,-dac_read_search -- "$@"`;
      for (const exec of ["off", "on"]) {
        const launch = { args: ["--", "pwd"], place, cwd, prelude, ownMounts: true };
        const end = await run({ ...launch, env: { NFS_USER: "web", NFS_EXEC: exec } });
        expect(end).toEqual({ exitCode: 0, stdout: `${cwd}\n`, stderr: "" });
      }
    });

    it("keeps niceness and limits, and gives a process group of its own and clean signals", async () => {
      const prelude = `${accounts()}; ulimit -c 0; ulimit -s 4096; ulimit -n 5000; trap '' HUP PIPE USR1; exec nice -n 5 "$@"`;
      const running = start({ args: ["--", "cat"], place, env, prelude, ownMounts: true });
      const command = await settled(await running.commandPid());
      const expected = await commandOf({ place, prelude });
      expect(procText(command, "limits")).toBe(procText(expected, "limits"));
      expect(procText(command, "limits")).toMatch(/Max open files +5000 +5000/);
      const nice = (pid: number) => procText(pid, "stat").split(") ")[1]?.split(" ")[16];
      expect(nice(command)).toBe(nice(expected));
      expect([statusOf(command, "SigBlk"), statusOf(command, "SigIgn")]).toEqual(["0".repeat(16), "0".repeat(16)]);
      expect(statOf(command).group).toBe(command);
      expect(statOf(command).session).toBe(statOf(await running.initPid()).session);
    });

    it("has the limit of open files that NFS_NOFILE says", async () => {
      const prelude = `${accounts()}; ulimit -n 5000`;
      const command = await commandOf({ place, env: { ...env, NFS_NOFILE: "2000" }, prelude });
      expect(procText(command, "limits")).toMatch(/Max open files +2000 +5000/);
    });

    it("forwards signals, and reports COMMAND's status", async () => {
      const running = start({
        args: ["--", "sh", "-c", 'trap "echo got" USR1; echo ready; while read -r line; do :; done; exit 9'],
        place,
        env,
        prelude: accounts(),
        ownMounts: true,
      });
      await running.says("ready\n");
      await running.send("SIGUSR1");
      await running.says("got\n");
      running.stdin.end();
      expect((await running.ended).exitCode).toBe(9);
    });

    it("loses no SIGTERM while it starts", async () => {
      for (let round = 0; round < 5; round++) {
        const running = start({ args: ["--", "sleep", "300"], place, env: { NFS_USER: "1234" } });
        running.sendOnceCaught("SIGTERM");
        expect((await running.ended).exitCode).toBe(143);
      }
    });

    it.each([
      { title: "127 for a program that is not there", command: "/no/such/program", exitCode: 127, says: "not found" },
      { title: "127 for a name that is not in PATH", command: "no-such-program", exitCode: 127, says: "not found" },
      { title: "126 for a directory", command: "/etc", exitCode: 126, says: "permission denied" },
    ])("ends with $title", async ({ command, exitCode, says }) => {
      // A directory of PATH that the user may not enter would make it "permission denied" (execvp(3)).
      const path = "/usr/local/bin:/usr/bin:/bin";
      const end = await run({ args: ["--", command], place, env: { NFS_USER: "1234", PATH: path } });
      expect(end).toMatchObject({ exitCode, stdout: "" });
      expect(end.stderr).toContain(`cannot start ${command}: ${says}`);
    });

    it("ends with 126 for a program that only another user may execute", async () => {
      const file = join(temporaryDirectory(), "program");
      writeFileSync(file, "#!/bin/sh\n", { mode: 0o700 });
      expect((await run({ args: ["--", file], place })).exitCode).toBe(0);
      expect((await run({ args: ["--", file], place, env: { NFS_USER: "1234" } })).exitCode).toBe(126);
    });
  });
}, "becoming another user");

describe("without the capability it takes", () => {
  needRoot("changing the user");

  const asNobody = 'exec setpriv --reuid 65534 --regid 65534 --clear-groups "$@"';

  it.each([
    { title: "another user", env: { NFS_USER: "0" }, prelude: asNobody, says: "CAP_SETUID" },
    {
      title: "another user, as root without it",
      env: { NFS_USER: "1234" },
      prelude: 'exec setpriv --bounding-set -setuid --inh-caps -setuid "$@"',
      says: "CAP_SETUID",
    },
    {
      title: "another group, as root without it",
      env: { NFS_USER: "1234" },
      prelude: 'exec setpriv --bounding-set -setgid --inh-caps -setgid "$@"',
      says: "CAP_SETGID",
    },
    { title: "fewer capabilities", env: { NFS_DROP_CAPS: "on" }, prelude: asNobody, says: "CAP_SETPCAP" },
    {
      title: "fewer capabilities, as root without it",
      env: { NFS_DROP_CAPS: "on" },
      prelude: 'exec setpriv --bounding-set -setpcap --inh-caps -setpcap "$@"',
      says: "CAP_SETPCAP",
    },
  ])("ends with 78 and names it: $title", async ({ env, prelude, says }) => {
    const end = await run({ args: ["--", "echo", "started"], place: ordinary, env, prelude });
    expect(end).toMatchObject({ exitCode: 78, stdout: "" });
    const line = logLines(end.stderr).at(-1);
    expect(line).toMatchObject({ level: "fatal", stage: "config", msg: "wrong configuration" });
    expect(line?.reason).toMatch(new RegExp(`^${Object.keys(env)[0]}: .*lacks ${says}$`));
    expect(line?.hint).toContain(says);
  });

  it.each([
    { title: "the user it already is", env: { NFS_USER: "65534:65534", NFS_DROP_CAPS: "off" } },
    { title: "a umask", env: { NFS_UMASK: "077" } },
  ])("starts COMMAND with $title", async ({ env }) => {
    const end = await run({ args: ["--", "id", "-u"], place: ordinary, env, prelude: asNobody });
    expect(end).toEqual({ exitCode: 0, stdout: "65534\n", stderr: "" });
  });

  it("starts COMMAND with capabilities to drop that are not there to begin with", async () => {
    const none = 'exec setpriv --bounding-set -sys_admin,-sys_module,-setpcap --inh-caps -sys_admin,-sys_module "$@"';
    const end = await run({ args: ["--", "id", "-u"], place: ordinary, env: { NFS_DROP_CAPS: "on" }, prelude: none });
    expect(end).toEqual({ exitCode: 0, stdout: "0\n", stderr: "" });
  });
});
