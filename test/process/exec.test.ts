// NFS_EXEC: nfs-init becomes COMMAND, which finds everything as it would have found it as a child, and nothing left of nfs-init.
import { readlinkSync, realpathSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { eventually } from "../support/eventually.ts";
import { logLines } from "../support/process-log.ts";
import { withAllSignals } from "../support/process-preludes.ts";
import { childrenOf, descriptorsOf, exeOf, procBytes, procText, statOf, statusOf } from "../support/process-table.ts";
import {
  binary,
  describePlaces,
  nofailShare,
  ordinary,
  run,
  settled,
  start,
  temporaryDirectory,
  type Launch,
  type Place,
  type Running,
} from "../support/process.ts";

const exec = { NFS_EXEC: "on" };
const waits = ["--", "cat"];

/** The process that nfs-init was, once it is `file`. */
async function becomes(running: Running, place: Place, file: string): Promise<number> {
  const found = await eventually(
    `nfs-init is ${file}`,
    () => {
      if (running.hasEnded()) throw new Error(`it has ended: ${running.stderr()}`);
      const pid = place.isPid1 ? childrenOf(running.child.pid ?? 0)[0] : running.child.pid;
      return pid !== undefined && exeOf(pid) === realpathSync(file) ? pid : undefined;
    },
    { intervalMs: 2 },
  );
  return settled(found);
}

async function execed(launch: Omit<Launch, "args"> & { readonly place: Place }): Promise<number> {
  const running = start({ ...launch, env: { ...exec, ...launch.env }, args: waits });
  return becomes(running, launch.place, "/bin/cat");
}

/** COMMAND as a child of nfs-init, with as many variables. */
async function supervised(launch: Omit<Launch, "args">): Promise<number> {
  const running = start({ ...launch, env: { NFS_EXEC: "no", ...launch.env }, args: waits });
  return settled(await running.commandPid());
}

describePlaces((place) => {
  it("makes nfs-init itself COMMAND, with its pid", async () => {
    const running = start({ args: ["--", "sh", "-c", "echo $$; cat; exit 6"], place, env: exec });
    await running.says("\n");
    const pid = await becomes(running, place, "/bin/sh");
    expect(running.stdout()).toBe(`${place.isPid1 ? 1 : pid}\n`);
    if (!place.isPid1) expect(pid).toBe(running.child.pid);
    running.stdin.end();
    expect((await running.ended).exitCode).toBe(6);
  });

  it("gives it arguments and environment byte for byte", async () => {
    const variables = String.raw`export BYTES="$(printf '\377\376x')" EMPTY= LINES="$(printf 'a\nb')"`;
    const prelude = String.raw`${variables}
      set -- "$@" "$(printf '\377\376x')" '' "$(printf 'a\nb')" -- -x "$(head -c 100000 /dev/zero | tr '\0' y)" ''`;
    const running = start({ args: ["--", "sh", "-c", "echo ready; cat"], place, env: exec, prelude });
    await running.says("ready\n");
    const pid = await becomes(running, place, "/bin/sh");
    const words = ["sh", "-c", "echo ready; cat", "\xff\xfex", "", "a\nb", "--", "-x", "y".repeat(100_000), ""];
    expect(procBytes(pid, "cmdline").toString("latin1")).toBe(words.map((word) => `${word}\0`).join(""));
    const plain = start({ args: [], program: "/bin/cat", env: exec, prelude: variables, place: ordinary });
    const expected = procBytes(await settled(await plain.initPid()), "environ").toString("latin1");
    expect(procBytes(pid, "environ").toString("latin1")).toBe(expected);
  });

  it("gives it the working directory, umask, limits and niceness of a child", async () => {
    const launch: Omit<Launch, "args"> & { readonly place: Place } = {
      place,
      cwd: temporaryDirectory(),
      prelude: 'umask 0037; ulimit -c 0; ulimit -s 4096; ulimit -n 5000; exec nice -n 5 "$@"',
    };
    const facts = (pid: number) => ({
      cwd: readlinkSync(`/proc/${pid}/cwd`),
      umask: statusOf(pid, "Umask"),
      limits: procText(pid, "limits"),
      nice: procText(pid, "stat").split(") ")[1]?.split(" ")[16],
      capabilities: procText(pid, "status").match(/^Cap.*$/gm),
      noNewPrivileges: statusOf(pid, "NoNewPrivs"),
    });
    const found = facts(await execed(launch));
    expect(found).toEqual(facts(await supervised(launch)));
    expect(found).toMatchObject({ cwd: launch.cwd, umask: "0037" });
    expect(found.limits).toMatch(/Max open files +5000 +5000/);
  });

  it("gives it every signal at its default and none blocked, whatever nfs-init was given", async () => {
    const expected = { blocked: "0".repeat(16), ignored: "0".repeat(16), caught: "0".repeat(16) };
    for (const prelude of ["true", withAllSignals("blocked"), withAllSignals("ignored")]) {
      const pid = await execed({ place, prelude });
      expect({
        blocked: statusOf(pid, "SigBlk"),
        ignored: statusOf(pid, "SigIgn"),
        caught: statusOf(pid, "SigCgt"),
      }).toEqual(expected);
    }
  });

  it("lets SIGPIPE and SIGXFSZ end it", async () => {
    for (const [name, number] of [
      ["PIPE", 13],
      ["XFSZ", 25],
    ] as const) {
      // What is ignored stays so in a program that is executed; PID 1 itself is not ended by a default.
      const script = `sh -c 'ulimit -c 0; kill -${name} $$'; exit $?`;
      expect((await run({ args: ["--", "sh", "-c", script], place, env: exec })).exitCode).toBe(128 + number);
    }
  });

  it.each([
    { title: "the descriptors 3 to 9", numbers: [3, 4, 5, 6, 7, 8, 9] },
    { title: "no descriptor where there is none", numbers: [] },
  ])("hands over $title, and none of its own", async ({ numbers }) => {
    const directory = temporaryDirectory();
    for (const fd of numbers) writeFileSync(join(directory, `${fd}`), "");
    const prelude = numbers.map((fd) => `exec ${fd}<>${directory}/${fd}`).join("; ");
    const found = descriptorsOf(await execed({ place, prelude }));
    const plain = start({ args: [], program: "/bin/cat", prelude, place: ordinary });
    const expected = descriptorsOf(await settled(await plain.initPid()));
    expect([...found.keys()]).toEqual([...expected.keys()]);
    for (const fd of numbers) expect(found.get(fd)).toBe(`${directory}/${fd}`);
  });

  it("leaves it no child and one thread", async () => {
    const pid = await execed({ place });
    expect(childrenOf(pid)).toEqual([]);
    expect(statusOf(pid, "Threads")).toBe("1");
  });

  it("stays in the process group that nfs-init was in", async () => {
    const running = start({ args: waits, place, env: exec, prelude: 'exec setsid "$@"' });
    const found = await eventually("COMMAND", () => {
      const pid = place.isPid1 ? childrenOf(running.child.pid ?? 0)[0] : running.child.pid;
      return pid !== undefined && exeOf(pid) === realpathSync("/bin/cat") ? pid : undefined;
    });
    expect(statOf(found)).toMatchObject({ group: statOf(found).session });
  });

  it.each([
    { title: "127 for a path that is not there", command: "/no/such/program", exitCode: 127, says: "not found" },
    { title: "127 for a name that is not in PATH", command: "no-such-program", exitCode: 127, says: "not found" },
    { title: "126 for a directory", command: "/etc", exitCode: 126, says: "permission denied" },
  ])("ends with $title", async ({ command, exitCode, says }) => {
    const env = { ...exec, PATH: "/usr/local/bin:/usr/bin:/bin" };
    const end = await run({ args: ["--", command], place, env });
    expect({ exitCode: end.exitCode, stdout: end.stdout }).toEqual({ exitCode, stdout: "" });
    expect(logLines(end.stderr)).toMatchObject([
      { level: "fatal", stage: "init", reason: `cannot start ${command}: ${says}` },
    ]);
  });

  it("runs a script without a first line that names its interpreter", async () => {
    const script = join(temporaryDirectory(), "script");
    writeFileSync(script, 'echo "$0 $1"; exit 5\n', { mode: 0o755 });
    expect(await run({ args: ["--", script, "a b"], place, env: exec })).toEqual({
      exitCode: 5,
      stdout: `${script} a b\n`,
      stderr: "",
    });
  });
});

describePlaces((place) => {
  it("hands over NFS_USER, NFS_UMASK and NFS_DROP_CAPS too", async () => {
    const env = { NFS_USER: "1234:2345", NFS_UMASK: "027" };
    const pid = await execed({ place, env });
    const child = await supervised({ place, env });
    const facts = (one: number) => procText(one, "status").match(/^(?:Uid|Gid|Groups|Umask|Cap\w+):.*$/gm);
    expect(facts(pid)).toEqual(facts(child));
    expect(statusOf(pid, "Uid").split(/\s+/)).toEqual(["1234", "1234", "1234", "1234"]);
  });

  describe("beside a share that is not there and may come later", () => {
    const launch = () => ({ place, env: nofailShare(temporaryDirectory()), ownMounts: true });

    it("leaves COMMAND no process and no descriptor of nfs-init's", async () => {
      const pid = await execed(launch());
      expect(childrenOf(pid)).toEqual([]);
      const plain = start({ args: [], program: "/bin/cat", place: ordinary });
      const expected = descriptorsOf(await settled(await plain.initPid()));
      expect([...descriptorsOf(pid).keys()]).toEqual([...expected.keys()]);
    });

    it("says that nobody is left to mount it", async () => {
      const { exitCode, stderr } = await run({ ...launch(), env: { ...launch().env, ...exec }, args: ["--", "true"] });
      expect(exitCode).toBe(0);
      expect(logLines(stderr)).toContainEqual(
        expect.objectContaining({
          level: "warn",
          msg: "the process starts without a share",
          reason: expect.stringContaining("NFS_EXEC"),
        }),
      );
    });

    it("gives it the working directory nfs-init was started in", async () => {
      const cwd = temporaryDirectory();
      expect(readlinkSync(`/proc/${await execed({ ...launch(), cwd })}/cwd`)).toBe(cwd);
    });

    it("ends with 127 for a program that is not there", async () => {
      const { exitCode, stderr } = await run({
        ...launch(),
        env: { ...launch().env, ...exec },
        args: ["--", "/no/such/program"],
      });
      expect(exitCode).toBe(127);
      expect(logLines(stderr).at(-1)).toMatchObject({ level: "fatal", exitCode: 127 });
    });
  });
}, "mounting");

describe("with NFS_WATCH", () => {
  it.each(["exit", "log", "Exit"])("ends with 78 for %s, which nobody is left to do", async (watch) => {
    const end = await run({ args: ["--", "echo", "started"], place: ordinary, env: { ...exec, NFS_WATCH: watch } });
    expect(end).toMatchObject({ exitCode: 78, stdout: "" });
    expect(logLines(end.stderr)).toMatchObject([
      { level: "fatal", stage: "config", reason: expect.stringMatching(/^NFS_WATCH=.*NFS_EXEC.*accepted: off/) },
    ]);
  });

  it("starts COMMAND with off", async () => {
    const end = await run({ args: ["--", "echo", "started"], place: ordinary, env: { ...exec, NFS_WATCH: "off" } });
    expect(end).toEqual({ exitCode: 0, stdout: "started\n", stderr: "" });
  });
});

describe("NFS_EXEC=off", () => {
  it("keeps nfs-init in front of COMMAND", async () => {
    const running = start({ args: waits, place: ordinary, env: { NFS_EXEC: "off" } });
    await running.commandPid();
    expect(exeOf(running.child.pid ?? 0)).toBe(binary);
  });
});
