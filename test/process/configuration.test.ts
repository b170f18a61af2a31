// Configuration by environment: every problem at once, warnings, what is skipped, and secrets that are shown nowhere.
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { logLines } from "../support/process-log.ts";
import { procBytes } from "../support/process-table.ts";
import {
  binary,
  describePlaces,
  needRoot,
  ordinary,
  run,
  settled,
  start,
  temporaryDirectory,
} from "../support/process.ts";

describePlaces((place) => {
  it("ends with 78 and names every problem at once, a JSON line each", async () => {
    const env = {
      NFS_HOST: "server",
      NFS_MOUNT_POINT: "relative/path",
      NFS_WAIT_TIMEOUT: "soon",
      NFS_VERSION: "5",
      NFS_2_HOST: "other",
      NFS_NOFILE: "many",
      NFS_LOG_FORMAT: "xml",
      NFS_MOUNTS: "server:/only-a-source",
    };
    const { exitCode, stdout, stderr } = await run({ args: ["--", "echo", "started"], place, env });
    expect({ exitCode, stdout }).toEqual({ exitCode: 78, stdout: "" });
    const lines = logLines(stderr);
    for (const line of lines) {
      expect(line).toMatchObject({ level: "fatal", msg: "wrong configuration", stage: "config" });
      expect(line.reason).toMatch(/accepted|set it to/);
    }
    const reasons = lines.map(({ reason }) => reason);
    for (const [name, value] of Object.entries(env)) {
      if (name === "NFS_HOST" || name === "NFS_2_HOST") continue;
      expect(reasons).toContainEqual(expect.stringMatching(new RegExp(`^${name}[^=]*="${value}": `)));
    }
    expect(reasons).toContainEqual(expect.stringContaining("NFS_2_MOUNT_POINT is not set"));
  });

  it("names a refused mount point beside values that are not understood", async () => {
    const env = { NFS_HOST: "server", NFS_MOUNT_POINT: "/etc", NFS_WAIT_TIMEOUT: "soon" };
    const { exitCode, stderr } = await run({ args: ["--", "true"], place, env });
    expect(exitCode).toBe(78);
    expect(logLines(stderr).map(({ reason }) => reason)).toEqual([
      expect.stringMatching(/^NFS_WAIT_TIMEOUT="soon"/),
      expect.stringContaining("/etc cannot be a mount point"),
    ]);
  });

  it.each([
    [
      "a mount point",
      String.raw`export NFS_MOUNT_POINT="$(printf '/mnt/caf\351')"`,
      String.raw`NFS_MOUNT_POINT="/mnt/caf\xe9"`,
    ],
    ["a path in an address", "export NFS_MOUNTS='nfs://h/data%00/x /m'", "%00"],
    [
      "a state directory",
      String.raw`export NFS_STATE_DIR="$(printf '/run/\377')"`,
      String.raw`NFS_STATE_DIR="/run/\xff"`,
    ],
    [
      "a flag",
      String.raw`set -- "$1" --mount "$(printf 'h:/a /caf\351')" -- true`,
      String.raw`--mount="h:/a /caf\xe9"`,
    ],
  ])("ends with 78 for %s that no file can be called, and shows its bytes", async (_, change, shown) => {
    const env = { NFS_HOST: "server", NFS_MOUNT_POINT: "/data" };
    const prelude = `${change}\nexec "$@"`;
    const { exitCode, stdout, stderr } = await run({ args: ["--", "echo", "started"], place, env, prelude });
    expect({ exitCode, stdout }).toEqual({ exitCode: 78, stdout: "" });
    const reasons = logLines(stderr).map(({ reason }) => String(reason));
    expect(reasons).toEqual([expect.stringMatching(/not valid UTF-8|NUL/)]);
    expect(reasons[0]).toContain(shown);
  });

  it("starts COMMAND with bytes of its own that are no UTF-8", async () => {
    const prelude = String.raw`export OTHER="$(printf 'caf\351')" NFS_LOG_LEVEL=error; set -- "$@" "$(printf '\377')"; exec "$@"`;
    const script = 'printf "%s %s" "$OTHER" "$1" | od -An -tx1';
    const { exitCode, stdout } = await run({ args: ["--", "sh", "-c", script, "sh"], place, prelude });
    expect({ exitCode, stdout: stdout.trim() }).toEqual({ exitCode: 0, stdout: "63 61 66 e9 20 ff" });
  });

  it.each(["/", "/etc", "/usr", "/proc", "/run"])("ends with 78 for the mount point %s", async (target) => {
    const env = { NFS_HOST: "server", NFS_MOUNT_POINT: target };
    const { exitCode, stdout, stderr } = await run({ args: ["--", "echo", "started"], place, env });
    expect({ exitCode, stdout }).toEqual({ exitCode: 78, stdout: "" });
    expect(logLines(stderr).at(-1)?.reason).toContain(`${target} cannot be a mount point`);
  });

  it("warns of a misspelt variable that leaves the configuration incomplete", async () => {
    const env = { NFS_HOST: "server", NFS_MOUTN_POINT: "/data" };
    const { exitCode, stderr } = await run({ args: ["--", "echo", "started"], place, env });
    expect(exitCode).toBe(78);
    expect(logLines(stderr)).toMatchObject([
      { level: "warn", reason: expect.stringContaining("the nearest one is NFS_MOUNT_POINT") as string },
      { level: "fatal", reason: expect.stringContaining("NFS_MOUNT_POINT is not set") as string },
    ]);
  });

  it("warns of a misspelt variable, names the nearest and starts COMMAND", async () => {
    const env = { NFS_MOUTN_POINT: "/data" };
    const { exitCode, stdout, stderr } = await run({ args: ["--", "echo", "started"], place, env });
    expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: "started\n" });
    expect(logLines(stderr)).toMatchObject([
      {
        level: "warn",
        stage: "config",
        reason: "NFS_MOUTN_POINT is not a variable of nfs-init and is ignored; the nearest one is NFS_MOUNT_POINT",
      },
    ]);
  });

  it("says nothing of variables that are empty or that Kubernetes sets", async () => {
    const env = {
      NFS_HOST: "",
      NFS_MOUNT_POINT: "",
      NFS_NONSENSE: "",
      NFS_SERVICE_HOST: "10.0.0.1",
      NFS_SERVICE_PORT: "2049",
      NFS_PORT: "tcp://10.0.0.1:2049",
      NFS_PORT_2049_TCP: "tcp://10.0.0.1:2049",
      NFS_PORT_2049_TCP_ADDR: "10.0.0.1",
      NFS_1_SERVICE_HOST: "10.0.0.2",
      NFS_1_PORT_2049_TCP_ADDR: "10.0.0.2",
    };
    expect(await run({ args: ["--", "echo", "started"], place, env })).toEqual({
      exitCode: 0,
      stdout: "started\n",
      stderr: "",
    });
  });

  it.each([
    { NFS_MOUNT_SKIP: "on" },
    { NFS_MOUNT_SKIP: "yes" },
    { NFS_MOUNT_SKIP: "anything" },
    { TEST: "1" },
    { TEST: "true", NFS_MOUNT_SKIP: "" },
  ])("mounts nothing with %o, starts COMMAND, and says so as an error", async (skip) => {
    const directory = temporaryDirectory();
    const env = { ...share(directory), ...skip };
    const { exitCode, stdout, stderr } = await run({ args: ["--", "echo", "started"], place, env });
    expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: "started\n" });
    expect(logLines(stderr)).toMatchObject([
      { level: "error", stage: "config", msg: "NFS_MOUNT_SKIP or TEST is set, nothing is mounted" },
    ]);
    expect(readdirSync(directory)).toEqual([]);
  });

  it("starts COMMAND with NFS_MOUNT_SKIP although the shares are wrong, and warns", async () => {
    const env = { NFS_MOUNT_SKIP: "on", NFS_HOST: "server", NFS_MOUNT_POINT: "relative" };
    const { exitCode, stderr } = await run({ args: ["--", "true"], place, env });
    expect(exitCode).toBe(0);
    expect(logLines(stderr).map(({ level }) => level)).toEqual(["warn", "error"]);
  });

  it.each(["off", "0", "no", "false"])("is not skipped by TEST=%s", async (word) => {
    const env = { TEST: word, NFS_HOST: "server", NFS_MOUNT_POINT: "relative" };
    expect((await run({ args: ["--", "true"], place, env })).exitCode).toBe(78);
  });
});

describe("a secret", () => {
  const secret = "hunter2";
  const places = [
    { title: "in the options", env: { NFS_HOST: "h", NFS_MOUNT_POINT: "/m", NFS_OPTIONS: `hard,password=${secret}` } },
    { title: "in a line's options", env: { NFS_MOUNTS: `h:/a /m nfs hard,pass=${secret},ro` } },
    { title: "in an address", env: { NFS_MOUNTS: `//user:${secret}@h/share /m` } },
    { title: "in the query of an address", env: { NFS_MOUNTS: `nfs://h/share?password=${secret} /m` } },
    {
      title: "in a numbered share",
      env: { NFS_3_HOST: "h", NFS_3_MOUNT_POINT: "/m", NFS_3_OPTIONS: `passwd=${secret}` },
    },
    { title: "in a misspelt variable", env: { NFS_OPTION: `password=${secret}` } },
    { title: "behind what parts two lines", env: { NFS_MOUNTS: `h:/a /m nfs password=abc;${secret} x` } },
    {
      title: "behind a user's name",
      env: { NFS_HOST: "h", NFS_MOUNT_POINT: "/m", NFS_OPTIONS: `username=x%${secret}` },
    },
    { title: "in credentials", env: { NFS_HOST: "h", NFS_MOUNT_POINT: "/m", NFS_OPTIONS: `cred=${secret}` } },
    { title: "called pw", env: { NFS_HOST: "h", NFS_MOUNT_POINT: "/m", NFS_OPTIONS: `pw=${secret}` } },
    { title: "called token", env: { NFS_MOUNTS: `nfs://h/a?token=${secret} /m` } },
  ];

  it.each(places)("$title is shown nowhere", async ({ env }) => {
    for (const format of ["json", "text"]) {
      for (const args of [["--", "true"], ["fstab"], ["--log-level", "trace", "--", "true"]]) {
        const { stdout, stderr } = await run({ args, place: ordinary, env: { ...env, NFS_LOG_FORMAT: format } });
        expect(stdout + stderr).not.toContain(secret);
      }
    }
  });

  it.each(places)("$title does not reach COMMAND", async ({ env }) => {
    const running = start({
      args: ["--", "cat"],
      place: ordinary,
      env: { ...env, NFS_MOUNT_SKIP: "on", KEPT: "password=1" },
    });
    const command = await settled(await running.commandPid());
    const environment = procBytes(command, "environ").toString();
    expect(environment).not.toContain(secret);
    expect(environment).toContain("KEPT=password=1");
    expect(environment).toContain("NFS_MOUNT_SKIP=on");
    expect(procBytes(command, "cmdline").toString()).not.toContain(secret);
    expect(running.stderr() + running.stdout()).not.toContain(secret);
  });

  it("given as an option is shown nowhere", async () => {
    const args = ["--host", "h", "--mount-point", "/m", "--options", `password=${secret}`, "--", "true"];
    const { exitCode, stdout, stderr } = await run({ args, place: ordinary });
    expect(exitCode).toBe(78);
    expect(stdout + stderr).not.toContain(secret);
  });
});

it.each([
  ["an unknown option", ["--foo=password= hunter2", "--", "true"]],
  ["an unknown option with an account", ["--foo=user:hunter2@x", "--", "true"]],
  ["a role's argument", ["wait", "password= hunter2"]],
  ["the state directory of run", ["--state-dir", "user:hunter2@x", "--", "true"]],
  ["an argument of check", ["check", "--token= hunter2"]],
  ["the state directory of check", ["check", "--state-dir", "user:hunter2@x"]],
  ["the state directory of status", ["status", "--state-dir=password= hunter2"]],
])("a secret in %s is shown nowhere", async (_, args) => {
  const { exitCode, stdout, stderr } = await run({ args });
  expect([64, 78]).toContain(exitCode);
  expect(stdout + stderr).not.toContain("hunter2");
  expect(stderr).toContain("seems to hold a password");
});

it("a secret in the state directory is not shown by check and status", async () => {
  for (const role of ["check", "status"]) {
    const { exitCode, stdout, stderr } = await run({ args: [role], env: { NFS_STATE_DIR: "user:hunter2@x" } });
    expect({ exitCode, stdout }).toEqual({ exitCode: 78, stdout: "" });
    expect(stderr).toMatch(/^nfs-init: NFS_STATE_DIR="\*\*\*": it seems to hold a password/);
  }
});

describe("a value that is as long as the kernel lets it be", () => {
  // What takes the square of its length, or worse, runs into the test's time limit.
  it.each(["//:", ":", "=", "pass =", "user=x", String.raw`\057`, "%2f", "//a:1/", "//["])(
    "is refused when it is nothing but %s, or passed over in a variable that is not known",
    async (part) => {
      const value = part.repeat(Math.floor(120_000 / part.length));
      const wrong = { NFS_HOST: "h", NFS_MOUNT_POINT: "/m", NFS_OPTIONS: value, NFS_MOUNTS: value };
      expect((await run({ args: ["--", "true"], env: wrong })).exitCode).toBe(78);
      const skipped = { NFS_MOUNT_SKIP: "on", NFS_UNKNOWN_THING: value, NFS_2_OPTIONS: value };
      expect((await run({ args: ["--", "true"], env: skipped })).exitCode).toBe(0);
    },
  );

  it("leaves room for what is accepted", async () => {
    const env = { NFS_HOST: "h", NFS_MOUNT_POINT: "/m", NFS_OPTIONS: `hard, ${"x".repeat(3_000)}` };
    const { exitCode, stderr } = await run({ args: ["--", "true"], env });
    expect(exitCode).toBe(78);
    expect(logLines(stderr)[0]?.reason).toMatch(
      /^NFS_OPTIONS="hard, x+\.\.\.x+": it holds a blank .*; accepted: mount options separated by commas$/,
    );
  });
});

it("what an env file brings around a value is ignored by every role, and said", async () => {
  const directory = temporaryDirectory();
  const env = { NFS_HOST: "h\r", NFS_MOUNT_POINT: " /m", NFS_STATE_DIR: `${join(directory, "none")}\r`, TEST: "off\r" };
  const { exitCode, stdout, stderr } = await run({ args: ["fstab"], env });
  expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: "h:/m /m nfs hard,nolock 0 0\n" });
  expect(logLines(stderr).map(({ level, reason }) => [level, String(reason).split(":")[0]])).toEqual(
    ["NFS_HOST", "NFS_MOUNT_POINT", "TEST", "NFS_STATE_DIR"].map((name) => ["warn", name]),
  );
  const asked = await run({ args: ["check"], env });
  expect(asked.stderr).not.toContain("\r");
  expect(asked.exitCode).toBe(1);
});

describe("the log", () => {
  const env = { NFS_MOUNT_SKIP: "on", NFS_NONSENSE: "a b" };
  const log = async (more: Readonly<Record<string, string>>) =>
    (await run({ args: ["--", "true"], place: ordinary, env: { ...env, ...more } })).stderr;

  it("is one JSON object a line with time, level and message, and neither pid nor host name", async () => {
    const lines = logLines(await log({}));
    expect(lines).toHaveLength(2);
    for (const line of lines) {
      expect(line.time).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
      expect(Object.keys(line)).not.toContain("pid");
      expect(Object.keys(line)).not.toContain("hostname");
      expect(["level", "msg", "stage"].filter((key) => !(key in line))).toEqual([]);
    }
  });

  it("is plain text with NFS_LOG_FORMAT=text", async () => {
    const [first = "", second = ""] = (await log({ NFS_LOG_FORMAT: "text" })).trimEnd().split("\n");
    expect(first).toMatch(/^\d\d:\d\d:\d\d\.\d{3} warn {2}config: configuration reason="NFS_NONSENSE is not /);
    expect(second).toMatch(/^\d\d:\d\d:\d\d\.\d{3} error config: NFS_MOUNT_SKIP or TEST is set, nothing is mounted$/);
  });

  it.each([
    { level: "warn", levels: ["warn", "error"] },
    { level: "error", levels: ["error"] },
    { level: "fatal", levels: [] },
    { level: "silent", levels: [] },
    { level: "trace", levels: ["warn", "error"] },
  ])("has lines from $level on with NFS_LOG_LEVEL=$level", async ({ level, levels }) => {
    expect(logLines(await log({ NFS_LOG_LEVEL: level })).map((line) => line.level)).toEqual(levels);
  });

  it("goes to stderr only", async () => {
    const { stdout } = await run({ args: ["--", "true"], place: ordinary, env });
    expect(stdout).toBe("");
  });
});

describe("nfs-init fstab", () => {
  const fstab = (env: Readonly<Record<string, string>>, prelude?: string) =>
    run({ args: ["fstab"], place: ordinary, env, ...(prelude === undefined ? {} : { prelude }) });

  it.each([
    {
      title: "host and mount point alone",
      env: { NFS_HOST: "10.0.0.2", NFS_MOUNT_POINT: "/data" },
      text: "10.0.0.2:/data /data nfs hard,nolock 0 0\n",
    },
    {
      title: "an exported path, a version and options",
      env: { NFS_HOST: "h", NFS_HOST_MOUNT: "/e", NFS_MOUNT_POINT: "/d", NFS_VERSION: "4.2", NFS_OPTIONS: "soft,ro" },
      text: "h:/e /d nfs soft,ro,vers=4.2 0 0\n",
    },
    {
      title: "an IPv6 address",
      env: { NFS_HOST: "fd00::1", NFS_MOUNT_POINT: "/d" },
      text: "[fd00::1]:/d /d nfs hard,nolock 0 0\n",
    },
    {
      title: "blanks, tabs and backslashes",
      env: { NFS_HOST: "h", NFS_HOST_MOUNT: "/a b\\c", NFS_MOUNT_POINT: "/x\ty#z" },
      text: "h:/a\\040b\\134c /x\\011y#z nfs hard,nolock 0 0\n",
    },
    {
      title: "letters beyond ASCII",
      env: { NFS_HOST: "h", NFS_MOUNT_POINT: "/däta" },
      text: "h:/däta /däta nfs hard,nolock 0 0\n",
    },
    {
      title: "several shares, parents first",
      env: {
        NFS_HOST: "h",
        NFS_MOUNT_POINT: "/p/below",
        NFS_2_MOUNT_POINT: "/p",
        NFS_MOUNTS: "other:/z /q nfs4 ro;nfs://h:2050/y /r",
      },
      text: [
        "h:/p /p nfs hard,nolock 0 0",
        "h:/p/below /p/below nfs hard,nolock 0 0",
        "other:/z /q nfs ro,vers=4 0 0",
        "h:/y /r nfs hard,nolock,port=2050 0 0",
        "",
      ].join("\n"),
    },
  ])("prints exactly the lines of $title", async ({ env, text }) => {
    expect(await fstab(env)).toEqual({ exitCode: 0, stdout: text, stderr: "" });
  });

  it("prints nothing where nothing is configured", async () => {
    expect(await fstab({})).toEqual({ exitCode: 0, stdout: "", stderr: "" });
    expect(await fstab({ NFS_LOG_LEVEL: "info" })).toEqual({ exitCode: 0, stdout: "", stderr: "" });
  });

  it("touches nothing", async () => {
    const directory = temporaryDirectory();
    const env = share(directory);
    writeFileSync(env.NFS_FSTAB, "# mine\n");
    const { exitCode, stdout } = await fstab(env);
    expect({ exitCode, stdout }).toEqual({
      exitCode: 0,
      stdout: `127.0.0.1:${env.NFS_MOUNT_POINT} ${env.NFS_MOUNT_POINT} nfs hard,nolock 0 0\n`,
    });
    expect(readFileSync(env.NFS_FSTAB, "utf8")).toBe("# mine\n");
    expect(readdirSync(directory)).toEqual(["fstab"]);
    expect(existsSync(env.NFS_STATE_DIR)).toBe(false);
  });

  it("prints every line to a reader that is slower than it", async () => {
    // More than a pipe holds, and nobody reads before it is full.
    const shares = Array.from({ length: 1_000 }, (_, index) => `h:/export/${"x".repeat(40)}/${index} /mnt/${index}`);
    const { stdout } = await run({
      program: "/bin/sh",
      args: ["-c", '"$0" fstab | { sleep 0.3; wc -l; }', binary],
      env: { NFS_MOUNTS: shares.join("\n") },
    });
    expect(stdout.trim()).toBe("1000");
  });

  it("keeps warnings off stdout", async () => {
    const { stdout, stderr } = await fstab({ NFS_HOST: "h", NFS_MOUNT_POINT: "/d", NFS_OPTIONS: "bg,hard,retry=3" });
    expect(stdout).toBe("h:/d /d nfs hard,nolock 0 0\n");
    expect(logLines(stderr).map(({ level }) => level)).toEqual(["warn", "warn"]);
  });

  describe("for another user than root", () => {
    needRoot("changing the user");

    it("prints the lines", async () => {
      const prelude = 'exec setpriv --reuid 65534 --regid 65534 --clear-groups "$@"';
      const { exitCode, stdout } = await fstab({ NFS_HOST: "h", NFS_MOUNT_POINT: "/d" }, prelude);
      expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: "h:/d /d nfs hard,nolock 0 0\n" });
    });
  });
});

function share(directory: string) {
  return {
    NFS_HOST: "127.0.0.1",
    NFS_MOUNT_POINT: join(directory, "share"),
    NFS_FSTAB: join(directory, "fstab"),
    NFS_STATE_DIR: join(directory, "state"),
  };
}
