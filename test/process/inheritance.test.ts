// What COMMAND inherits: everything nfs-init was given, byte for byte, and nothing of nfs-init's own.
import { readlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { descriptorsOf, procBytes, procText, statOf, statusOf } from "../support/process-table.ts";
import {
  describePlaces,
  needRoot,
  nofailShare,
  ordinary,
  run,
  settled,
  start,
  temporaryDirectory,
  type Launch,
} from "../support/process.ts";
import { eventually } from "../support/eventually.ts";

/** COMMAND that waits for the end of its stdin. */
const waits = ["--", "cat"];

/** The pid of a program started as COMMAND would be, without nfs-init. */
async function withoutInit(launch: Omit<Launch, "args" | "place">): Promise<number> {
  return settled(await start({ ...launch, args: [], program: "/bin/cat", place: ordinary }).initPid());
}

async function commandOf(launch: Omit<Launch, "args">): Promise<number> {
  return settled(await start({ ...launch, args: waits }).commandPid());
}

describePlaces((place) => {
  it("keeps the working directory", async () => {
    const cwd = temporaryDirectory();
    expect(readlinkSync(`/proc/${await commandOf({ place, cwd })}/cwd`)).toBe(cwd);
  });

  it("keeps a working directory that is deleted", async () => {
    const cwd = temporaryDirectory();
    const prelude = `mkdir ${cwd}/gone; cd ${cwd}/gone; rmdir ${cwd}/gone`;
    expect(readlinkSync(`/proc/${await commandOf({ place, prelude })}/cwd`)).toBe(`${cwd}/gone (deleted)`);
  });

  it("leaves its own working directory at /", async () => {
    const running = start({ args: waits, place, cwd: temporaryDirectory() });
    await running.commandPid();
    const init = await running.initPid();
    await eventually("nfs-init is in /", () => readlinkSync(`/proc/${init}/cwd`) === "/");
  });

  it.each(["0000", "0022", "0077", "0027"])("keeps the umask %s", async (mask) => {
    expect(statusOf(await commandOf({ place, prelude: `umask ${mask}` }), "Umask")).toBe(mask);
  });

  it("keeps the environment byte for byte", async () => {
    // Not UTF-8, empty, with newlines, with '=', long, of odd names.
    const prelude = String.raw`
      export BYTES="$(printf '\377\376\200x')" EMPTY= LINES="$(printf 'a\nb')" EQUALS='a=b=c' UMLAUT="äöü€😀"
      export LONG="$(head -c 100000 /dev/zero | tr '\0' x)" TERM=xterm LANG=C.UTF-8 BLANK=' ' A= lower=1`;
    const env = { "WITH-DASH": "1", "with.dot": "2", "": "3" };
    const expected = procBytes(await withoutInit({ prelude, env }), "environ");
    const found = procBytes(await commandOf({ place, prelude, env }), "environ");
    expect(found.byteLength).toBeGreaterThan(100_000);
    expect(found.equals(expected)).toBe(true);
  });

  it("keeps an environment that is empty", async () => {
    const prelude = `exec env -i "$@"`;
    expect(procBytes(await commandOf({ place, prelude }), "environ").byteLength).toBe(0);
  });

  it("keeps the arguments byte for byte", async () => {
    const running = start({
      args: ["--", "sh", "-c", "echo ready; cat"],
      place,
      prelude: String.raw`set -- "$@" "$(printf '\377\376x')" '' ' ' "$(printf 'a\nb')" -- -x --host '*' "äöü😀" \
        "$(head -c 100000 /dev/zero | tr '\0' y)" ''`,
    });
    await running.says("ready\n");
    const words = [
      "sh",
      "-c",
      "echo ready; cat",
      Buffer.from([0xff, 0xfe, 0x78]),
      "",
      " ",
      "a\nb",
      "--",
      "-x",
      "--host",
      "*",
      "äöü😀",
      "y".repeat(100_000),
      "",
    ];
    const expected = Buffer.concat(words.flatMap((word) => [Buffer.from(word), Buffer.from([0])]));
    expect(procBytes(await settled(await running.commandPid()), "cmdline").equals(expected)).toBe(true);
  });

  it("keeps arguments that are not UTF-8 behind options of nfs-init too", async () => {
    const running = start({
      args: ["run", "--log-level", "error", "--", "sh", "-c", "echo ready; cat"],
      place,
      prelude: String.raw`set -- "$@" "$(printf '\377')" -- ''`,
    });
    await running.says("ready\n");
    const expected = Buffer.from("sh\0-c\0echo ready; cat\0\xff\0--\0\0", "latin1");
    expect(procBytes(await settled(await running.commandPid()), "cmdline").equals(expected)).toBe(true);
  });

  it.each([
    { title: "the descriptors 3 to 9", numbers: [3, 4, 5, 6, 7, 8, 9] },
    { title: "a descriptor behind a gap", numbers: [7] },
    { title: "no descriptor where there is none", numbers: [] },
  ])("hands over $title, and none of its own", async ({ numbers }) => {
    const directory = temporaryDirectory();
    for (const fd of numbers) writeFileSync(join(directory, `${fd}`), "");
    const prelude = numbers.map((fd) => `exec ${fd}<>${directory}/${fd}`).join("; ");
    // The test itself may have been given descriptors, which go through too.
    const expected = descriptorsOf(await withoutInit({ prelude }));
    const found = descriptorsOf(await commandOf({ place, prelude }));
    expect([...found.keys()]).toEqual([...expected.keys()]);
    for (const fd of numbers) expect(found.get(fd)).toBe(`${directory}/${fd}`);
  });

  it("gives COMMAND a process group of its own in the same session", async () => {
    const running = start({ args: waits, place });
    const command = await running.commandPid();
    const init = await running.initPid();
    expect(statOf(command).group).toBe(command);
    expect(statOf(init).group).not.toBe(command);
    expect(statOf(command).session).toBe(statOf(init).session);
  });

  it("gives COMMAND clean signals", async () => {
    const command = await commandOf({ place });
    expect(signalsOf(command)).toEqual({ blocked: "0".repeat(16), ignored: "0".repeat(16) });
  });

  it("gives COMMAND clean signals where nfs-init was started with some ignored", async () => {
    const command = await commandOf({ place, prelude: "trap '' HUP INT PIPE TERM USR1 TTOU CHLD" });
    expect(signalsOf(command)).toEqual({ blocked: "0".repeat(16), ignored: "0".repeat(16) });
  });

  it("gives COMMAND clean signals where nfs-init was started with some blocked", async () => {
    const command = await commandOf({ place, prelude: 'exec env --block-signal=HUP,PIPE,USR2,CHLD "$@"' });
    expect(signalsOf(command)).toEqual({ blocked: "0".repeat(16), ignored: "0".repeat(16) });
  });

  it("keeps every limit", async () => {
    const prelude = "ulimit -c 0; ulimit -s 4096; ulimit -n 5000";
    const expected = limitsOf(await withoutInit({ prelude }));
    const found = limitsOf(await commandOf({ place, prelude }));
    expect(expected["Max open files"]).toEqual({ soft: "5000", hard: "5000" });
    expect(found).toEqual(expected);
  });

  it.each([
    { title: "what it was", limits: "ulimit -n 4096", env: {}, soft: "4096", hard: "4096" },
    {
      title: "what it was where it is low",
      limits: "ulimit -n 4096; ulimit -Sn 256",
      env: {},
      soft: "256",
      hard: "4096",
    },
    { title: "what it was where the hard one is low", limits: "ulimit -n 512", env: {}, soft: "512", hard: "512" },
    { title: "NFS_NOFILE", limits: "ulimit -n 4096", env: { NFS_NOFILE: "2048" }, soft: "2048", hard: "4096" },
    {
      title: "the hard one where NFS_NOFILE is higher",
      limits: "ulimit -n 4096",
      env: { NFS_NOFILE: "9999" },
      soft: "4096",
      hard: "4096",
    },
  ])("makes the soft limit of open files $title", async ({ limits, env, soft, hard }) => {
    const command = await commandOf({ place, prelude: limits, env });
    expect(limitsOf(command)["Max open files"]).toEqual({ soft, hard });
  });

  for (const env of [{}, { NFS_USER: "1234" }, { NFS_EXEC: "on" }] as readonly Readonly<Record<string, string>>[]) {
    it(`keeps the soft limit of open files, with ${JSON.stringify(env)}`, async () => {
      for (const soft of ["4096", "512"]) {
        const prelude = `ulimit -n 5000; ulimit -Sn ${soft}`;
        const { stdout } = await run({ args: ["--", "sh", "-c", "ulimit -Sn"], place, prelude, env });
        expect(stdout).toBe(`${soft}\n`);
      }
    });
  }

  it("keeps niceness, capabilities and no_new_privs", async () => {
    const prelude = 'exec nice -n 5 "$@"';
    const facts = async (pid: number) => ({
      nice: procText(pid, "stat").split(") ")[1]?.split(" ")[16],
      capabilities: statusOf(pid, "CapEff"),
      bounding: statusOf(pid, "CapBnd"),
      noNewPrivileges: statusOf(pid, "NoNewPrivs"),
      dumpable: procText(pid, "coredump_filter"),
    });
    expect(await facts(await commandOf({ place, prelude }))).toEqual(await facts(await withoutInit({ prelude })));
  });

  describe("with a share that it goes on trying to mount", () => {
    needRoot("mounting");
    const launch = (): Omit<Launch, "args"> => ({ place, ownMounts: true, env: nofailShare(temporaryDirectory()) });

    it("hands over no descriptor of its own", async () => {
      const expected = descriptorsOf(await withoutInit({}));
      expect([...descriptorsOf(await commandOf(launch())).keys()]).toEqual([...expected.keys()]);
    });

    it("keeps the working directory", async () => {
      const cwd = temporaryDirectory();
      expect(readlinkSync(`/proc/${await commandOf({ ...launch(), cwd })}/cwd`)).toBe(cwd);
    });

    it("gives COMMAND clean signals and the limits of open files it is to have", async () => {
      const command = await commandOf({ ...launch(), prelude: "ulimit -n 4096" });
      expect(signalsOf(command)).toEqual({ blocked: "0".repeat(16), ignored: "0".repeat(16) });
      expect(limitsOf(command)["Max open files"]).toEqual({ soft: "4096", hard: "4096" });
    });

    it("keeps the environment, its own variables too", async () => {
      const { env, ...rest } = launch();
      const all = { ...env, MORE: "1" };
      const expected = procBytes(await withoutInit({ env: all }), "environ");
      expect(procBytes(await commandOf({ ...rest, env: all }), "environ").toString()).toBe(expected.toString());
    });

    it("reports its status and forwards to it", async () => {
      const running = start({ ...launch(), args: ["--", "sh", "-c", "echo ready; cat; exit 9"] });
      await running.says("ready\n");
      running.stdin.end();
      expect((await running.ended).exitCode).toBe(9);
    });
  });
});

function signalsOf(pid: number) {
  return { blocked: statusOf(pid, "SigBlk"), ignored: statusOf(pid, "SigIgn") };
}

/** Soft and hard limit by name, from /proc/PID/limits. */
function limitsOf(pid: number): Readonly<Record<string, { readonly soft: string; readonly hard: string }>> {
  const rows = procText(pid, "limits").split("\n").slice(1, -1);
  return Object.fromEntries(
    rows.map((row) => {
      const [name = "", soft = "", hard = ""] = row.split(/ {2,}/);
      return [name, { soft, hard }] as const;
    }),
  );
}
