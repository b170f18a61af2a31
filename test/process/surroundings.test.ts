// Files in the working directory and variables that mean something to a dynamic linker, an allocator, a C library or a JavaScript
// runtime: none of nfs-init's business.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { limitedTo } from "../support/process-limits.ts";
import {
  describePlaces,
  isRoot,
  isSanitized,
  needRoot,
  ordinary,
  run,
  settled,
  start,
  temporaryDirectory,
  type Launch,
} from "../support/process.ts";
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
  for (const name of ["pino", "execa", "commander", "p-retry", "http-parser-js", "leven"]) {
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

/** What JavaScript runtimes and engines, C libraries and their linkers, allocators and others look for. */
const forOthers: readonly Readonly<Record<string, string>>[] = [
  { NODE_OPTIONS: "--require /no/such/file --no-such-option" },
  { NODE_ENV: "development" },
  { NODE_PATH: "/no/such", NODE_V8_COVERAGE: "/no/such", NODE_COMPILE_CACHE: "/no/such" },
  { NODE_EXTRA_CA_CERTS: "/no/such/file" },
  { NODE_CHANNEL_FD: "3", NODE_CHANNEL_SERIALIZATION_MODE: "json" },
  { NODE_UNIQUE_ID: "1" },
  { NODE_DEBUG: "net,fs,http,child_process", NODE_DEBUG_NATIVE: "*" },
  { NODE_TLS_REJECT_UNAUTHORIZED: "0" },
  { NODE_NO_WARNINGS: "0", NODE_PENDING_DEPRECATION: "1" },
  { DEBUG: "*" },
  { FORCE_COLOR: "3" },
  { NO_COLOR: "1", TERM: "nonsense" },
  { TZ: "Nowhere/Land" },
  { LANG: "xx_YY.nonsense", LC_ALL: "xx" },
  { HOME: "/no/such", TMPDIR: "/no/such", XDG_CONFIG_HOME: "/no/such" },
  { UV_THREADPOOL_SIZE: "0", UV_USE_IO_URING: "1" },
  { LISTEN_FDS: "1", LISTEN_PID: "1", NOTIFY_SOCKET: "/no/such" },
  { CI: "1", npm_config_loglevel: "silly" },
  { INIT_CWD: "/no/such", PWD: "/no/such" },
  { BUN_BE_BUN: "1" },
  { BUN_INSTALL: "/no/such", BUN_CONFIG_FILE: "/no/such", BUN_RUNTIME_TRANSPILER_CACHE_PATH: "/no/such" },
  { BUN_INSPECT: "ws://127.0.0.1:1/x", BUN_INSPECT_CONNECT_TO: "/no/such", BUN_INSPECT_NOTIFY: "/no/such" },
  { BUN_DEBUG_ALL: "1", BUN_PORT: "1", PORT: "1", BUN_GARBAGE_COLLECTOR_LEVEL: "2", BUN_CRASH_REPORT_URL: "x" },
  { BUN_OPTIONS: "--smol" },
  { BUN_JSC_useDollarVM: "0", JSC_useJIT: "0", JSC_dumpOptions: "1", GIGACAGE_ENABLED: "0" },
  { DENO_DIR: "/no/such", DENO_V8_FLAGS: "--no-such", V8_FLAGS: "--no-such", JS_OPTIONS: "--no-such" },
  { QUICKJS_MODULE_PATH: "/no/such", QJS_OPTIONS: "--no-such", QUICKJS_MEMORY_LIMIT: "1", QUICKJS_STACK_SIZE: "1" },
  { MALLOC_ARENA_MAX: "x", MALLOC_CHECK_: "3", MALLOC_PERTURB_: "165", MALLOC_TRACE: "/no/such", MALLOC_CONF: "x:y" },
  { MIMALLOC_VERBOSE: "1", MIMALLOC_SHOW_STATS: "1", TCMALLOC_SAMPLE_PARAMETER: "1", JEMALLOC_SYS_WITH_MALLOC: "1" },
  { GLIBC_TUNABLES: "glibc.malloc.perturb=1", GCONV_PATH: "/no/such", LOCPATH: "/no/such", NLSPATH: "/no/such" },
  { RES_OPTIONS: "nonsense", LOCALDOMAIN: "nowhere", HOSTALIASES: "/no/such", RESOLV_HOST_CONF: "/no/such" },
  { GCOV_PREFIX: "/no/such", LLVM_PROFILE_FILE: "/no/such", UBSAN_OPTIONS: "", MSAN_OPTIONS: "x" },
  { PYTHONPATH: "/no/such", PERL5OPT: "-Mno::such", RUBYOPT: "-rno/such", JAVA_TOOL_OPTIONS: "-no-such" },
  { ENV: "/no/such", BASH_ENV: "/no/such", CDPATH: "/no/such", POSIXLY_CORRECT: "1" },
  { HTTP_PROXY: "nonsense", SSL_CERT_FILE: "/no/such", DO_NOT_TRACK: "1" },
];

/** What a dynamic linker looks for; a COMMAND that has one heeds it. */
const forLinkers: readonly Readonly<Record<string, string>>[] = [
  { LD_PRELOAD: "/no/such.so" },
  { LD_LIBRARY_PATH: "/no/such", LD_BIND_NOW: "1", LD_ORIGIN_PATH: "/no/such" },
  { LD_AUDIT: "/no/such.so" },
  { LD_DEBUG: "help" },
  { LD_PROFILE: "nonsense", LD_HWCAP_MASK: "1", LD_DYNAMIC_WEAK: "1" },
];

describe("a variable for another program", () => {
  const script = ["-c", "echo started; exit 3"];

  it.each(forOthers)("does not change what is done: %o", async (variables) => {
    for (const env of [variables, { ...variables, NFS_LOG_LEVEL: "info" }]) {
      const end = await run({ args: ["--", "sh", ...script], place: ordinary, env });
      expect(end).toEqual({ exitCode: 3, stdout: "started\n", stderr: "" });
    }
  });

  // With the sanitizers nfs-init itself has a linker.
  it.skipIf(isSanitized).each(forLinkers)("changes what COMMAND does and nothing else: %o", async (variables) => {
    const alone = await run({ program: "/bin/sh", args: script, env: variables });
    expect(await run({ args: ["--", "/bin/sh", ...script], env: variables })).toEqual(alone);
    expect(await run({ args: ["--version"], env: variables })).toMatchObject({ exitCode: 0, stderr: "" });
  });
});

describePlaces((place) => {
  it("leaves all variables to COMMAND as they are", async () => {
    const linker = isSanitized ? {} : { LD_LIBRARY_PATH: "/no/such", LD_BIND_NOW: "1" };
    const env: Readonly<Record<string, string>> = Object.assign({ EMPTY: "", BYTES: "ä ü" }, ...forOthers, linker);
    for (const more of [{}, { NFS_LOG_LEVEL: "info" }, { NFS_EXEC: "on" }, { NFS_UMASK: "077" }]) {
      const { exitCode, stdout } = await run({ args: ["--", "env"], place, env: { ...env, ...more } });
      const found = stdout.split("\n");
      expect(exitCode).toBe(0);
      for (const [name, value] of Object.entries(env)) expect(found).toContain(`${name}=${value}`);
    }
  });
});

/** Expects that COMMAND runs and says what it ends with, as a child, as another user and in the place of nfs-init. */
async function expectRuns(
  launch: Omit<Launch, "args">,
  variants: readonly Launch["env"][] = everyHandover,
): Promise<void> {
  for (const env of variants) {
    const end = await run({
      ...launch,
      env: { ...launch.env, ...env },
      args: ["--", "sh", "-c", "echo started; exit 3"],
    });
    expect(end).toEqual({ exitCode: 3, stdout: "started\n", stderr: "" });
  }
}

const everyHandover = [{}, { NFS_LOG_LEVEL: "info" }, { NFS_USER: "1234" }, { NFS_EXEC: "on" }];

describePlaces((place) => {
  // The sanitizers need it themselves.
  it.skipIf(isSanitized)("runs COMMAND without /proc", async () => {
    await expectRuns({ place, ownMounts: true, prelude: "umount -l /proc && umount -l /proc 2>&-; :" });
  });

  // The sanitizers look for ever for a file that they may open themselves.
  it.skipIf(isSanitized)("runs COMMAND where as few files may be open as poll(2) asks about", async () => {
    // Its standard streams are there already, and count for nothing but their numbers; what comes is its signals alone.
    const prelude = 'exec prlimit --nofile=1 "$@" 2>/dev/null <&- >&-';
    const { exitCode } = await run({ args: ["--", "sh", "-c", "exit 3"], place, prelude });
    expect(exitCode).toBe(3);
  });

  it("runs COMMAND without /dev", async () => {
    await expectRuns({ place, ownMounts: true, prelude: "set -e; mount -t tmpfs none /dev" });
  });

  it("runs COMMAND without /sys, and where nothing can be written", async () => {
    const prelude = "set -e; umount -l /sys; mount -o remount,bind,ro /";
    await expectRuns({ place, ownMounts: true, prelude });
  });

  it("runs COMMAND in a root directory that holds nothing but it", async () => {
    const directory = temporaryDirectory();
    // What is mounted is gone with the namespace.
    const prelude = `set -e
      mount -t tmpfs none '${directory}'
      for name in bin lib lib64 usr; do
        [ -e /$name ] || continue
        if [ -L /$name ]; then cp -P /$name '${directory}'; else mkdir '${directory}'/$name; mount --rbind /$name '${directory}'/$name; fi
      done
      mkdir '${directory}'/proc; mount -t proc none '${directory}'/proc
      touch '${directory}'/nfs-init; mount --bind "$1" '${directory}'/nfs-init; shift
      exec chroot '${directory}' /nfs-init "$@"`;
    await expectRuns({ place, ownMounts: true, prelude });
  });

  it("runs COMMAND in 16 MB of memory", async (context) => {
    context.skip(isSanitized, "the sanitizers take more");
    const prelude = limitedTo("memory", 16 << 20);
    if (prelude === undefined) return context.skip("no control group for memory can be made here");
    await expectRuns({ place, prelude });
  });

  it("runs COMMAND in 16 MB of address space", async (context) => {
    context.skip(isSanitized, "the sanitizers take more");
    await expectRuns({ place, prelude: "ulimit -v 16384" });
  });

  it("runs COMMAND with 20 processes and threads", async (context) => {
    const prelude = limitedTo("pids", 20);
    if (prelude === undefined) return context.skip("no control group for processes can be made here");
    await expectRuns({ place, prelude });
  });
}, "mounting");

describe("for an unprivileged user", () => {
  needRoot("changing the user");
  const asUser = "setpriv --reuid 54399 --regid 54399 --clear-groups";
  const variants = [
    {},
    { NFS_LOG_LEVEL: "info" },
    { NFS_USER: "54399:54399", NFS_DROP_CAPS: "off" },
    { NFS_EXEC: "on" },
  ];

  it("runs COMMAND", async () => {
    await expectRuns({ place: ordinary, prelude: `exec ${asUser} "$@"` }, variants);
  });

  it("runs COMMAND with 20 processes and threads", async () => {
    await expectRuns({ place: ordinary, prelude: `exec ${asUser} prlimit --nproc=20 "$@"` }, variants);
  });

  it("runs COMMAND without any capability that could come back", async () => {
    const prelude = `exec ${asUser} --no-new-privs --bounding-set -all "$@"`;
    await expectRuns({ place: ordinary, prelude }, variants);
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
