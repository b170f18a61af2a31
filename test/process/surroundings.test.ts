// Files in the working directory and variables that mean something to JavaScript runtimes: none of nfs-init's business.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { describePlaces, isRoot, ordinary, run, settled, start, temporaryDirectory } from "../support/process.ts";
import { procBytes } from "../support/process-table.ts";

/** A directory full of files that a runtime would read at its start. */
function hostileDirectory(): string {
  const directory = temporaryDirectory();
  const write = (name: string, text: string) => writeFileSync(join(directory, name), text);
  const variables = "LEAKED=1\nNFS_HOST=leaked\nNFS_MOUNT_POINT=relative\nNFS_LOG_LEVEL=nonsense\nPATH=/nowhere\n";
  for (const name of [".env", ".env.local", ".env.production", ".env.development", ".env.test"]) write(name, variables);
  write("trap.js", "process.exit(99)");
  write("bunfig.toml", 'preload = ["./trap.js"]\nlogLevel = "debug"\n[run]\nshell = "nonsense"\n');
  write(".bunfig.toml", 'preload = ["./trap.js"]\n');
  write(
    "package.json",
    '{ "name": "trap", "type": "module", "main": "trap.js", "imports": { "#x": "./trap.js" }, broken',
  );
  write("tsconfig.json", '{ "compilerOptions": { "paths": { "*": ["./trap.js"] }, "baseUrl": "." }, broken');
  write("jsconfig.json", "broken");
  write(".npmrc", "registry=nonsense\n");
  mkdirSync(join(directory, "node_modules"));
  for (const name of ["pino", "execa", "commander", "p-retry", "leven"]) {
    mkdirSync(join(directory, "node_modules", name));
    writeFileSync(join(directory, "node_modules", name, "index.js"), "process.exit(99)");
    writeFileSync(join(directory, "node_modules", name, "package.json"), `{"name":"${name}","main":"index.js"}`);
  }
  return directory;
}

describePlaces((place) => {
  it("runs COMMAND as ever among files that a runtime would read", async () => {
    const cwd = hostileDirectory();
    expect(await run({ args: ["--", "sh", "-c", "echo started; exit 3"], place, cwd })).toEqual({
      exitCode: 3,
      stdout: "started\n",
      stderr: "",
    });
  });

  it("adds no variable from a file to COMMAND's environment", async () => {
    const running = start({ args: ["--", "cat"], place, cwd: hostileDirectory(), env: { ONLY: "this" } });
    const environment = procBytes(await settled(await running.commandPid()), "environ").toString();
    expect(environment.split("\0").filter((entry) => !entry.startsWith("PATH=") && entry !== "")).toEqual([
      "ONLY=this",
    ]);
  });

  it("reads its configuration from the environment alone", async () => {
    const env = { NFS_HOST: "h", NFS_MOUNT_POINT: "/m" };
    expect(await run({ args: ["fstab"], place, cwd: hostileDirectory(), env })).toEqual({
      exitCode: 0,
      stdout: "h:/m /m nfs hard,nolock 0 0\n",
      stderr: "",
    });
  });
});

describe("a variable for another program", () => {
  it.each([
    { NODE_OPTIONS: "--require /no/such/file --no-such-option" },
    { NODE_ENV: "development" },
    { NODE_PATH: "/no/such" },
    { NODE_EXTRA_CA_CERTS: "/no/such/file" },
    { NODE_CHANNEL_FD: "3", NODE_CHANNEL_SERIALIZATION_MODE: "json" },
    { NODE_UNIQUE_ID: "1" },
    { NODE_DEBUG: "net,fs,http,child_process" },
    { NODE_TLS_REJECT_UNAUTHORIZED: "0" },
    { NODE_NO_WARNINGS: "0", NODE_PENDING_DEPRECATION: "1" },
    { DEBUG: "*" },
    { FORCE_COLOR: "3" },
    { NO_COLOR: "1", TERM: "nonsense" },
    { TZ: "Nowhere/Land" },
    { LANG: "xx_YY.nonsense", LC_ALL: "xx" },
    { HOME: "/no/such", TMPDIR: "/no/such", XDG_CONFIG_HOME: "/no/such" },
    { UV_THREADPOOL_SIZE: "0" },
    { LISTEN_FDS: "1", LISTEN_PID: "1", NOTIFY_SOCKET: "/no/such" },
    { CI: "1", npm_config_loglevel: "silly" },
    { INIT_CWD: "/no/such", PWD: "/no/such" },
  ])("does not change what is done: %o", async (variables) => {
    for (const env of [variables, { ...variables, NFS_LOG_LEVEL: "info" }]) {
      const end = await run({ args: ["--", "sh", "-c", "echo started; exit 3"], place: ordinary, env });
      expect(end).toEqual({ exitCode: 3, stdout: "started\n", stderr: "" });
    }
  });
});

describe("where there is little around", () => {
  it("runs COMMAND with an empty environment", async () => {
    const end = await run({ args: ["--", "/bin/sh", "-c", "exit 3"], place: ordinary, prelude: 'exec env -i "$@"' });
    expect(end).toEqual({ exitCode: 3, stdout: "", stderr: "" });
  });

  it("runs COMMAND for a user without a name or a home", async (context) => {
    context.skip(!isRoot, "changing the user needs root");
    const prelude = 'exec setpriv --reuid 54321 --regid 54321 --clear-groups "$@"';
    const end = await run({ args: ["--", "sh", "-c", "id -u; exit 3"], place: ordinary, prelude });
    expect(end).toEqual({ exitCode: 3, stdout: "54321\n", stderr: "" });
  });

  it("runs COMMAND on a read-only root file system", async (context) => {
    context.skip(!isRoot, "mounting needs root");
    const prelude = "set -e; mount -o remount,bind,ro /";
    const launch = { args: ["--", "sh", "-c", "echo started; exit 3"], place: ordinary, prelude, ownMounts: true };
    expect(await run(launch)).toEqual({ exitCode: 3, stdout: "started\n", stderr: "" });
  });

  it("runs COMMAND with no more open files than it needs itself", async () => {
    const prelude = "ulimit -n 64";
    const end = await run({ args: ["--", "sh", "-c", "ulimit -n; exit 3"], place: ordinary, prelude });
    expect(end).toEqual({ exitCode: 3, stdout: "64\n", stderr: "" });
  });
});
