// While it waits for a server, before COMMAND runs: what ends it, what does not, and what it says.
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { connect, createServer, type Server } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, it, onTestFinished } from "vitest";
import { eventually } from "../support/eventually.ts";
import { openNameServer } from "../support/name-server.ts";
import { logLines, type LogLine } from "../support/process-log.ts";
import { descendantsOf, exeOf } from "../support/process-table.ts";
import {
  binary,
  describePid1,
  describePlaces,
  nofailShare,
  run,
  start,
  temporaryDirectory,
  unreachableShare,
  type Place,
  type Running,
} from "../support/process.ts";

const command = ["--", "sh", "-c", "echo started; cat"];

function startWaiting(place: Place, more: Readonly<Record<string, string>> = {}): Running {
  const env = { ...unreachableShare(temporaryDirectory()), ...more };
  return start({ args: command, place, env, ownMounts: true });
}

/** Waits for a log line with this message; the last line may not be complete yet. */
function logged(running: Running, msg: string, matches: (line: LogLine) => boolean = () => true): Promise<LogLine> {
  return eventually(`the log line "${msg}"`, () => {
    const text = running.stderr();
    return logLines(text.slice(0, text.lastIndexOf("\n") + 1)).find((line) => line.msg === msg && matches(line));
  });
}

/** Something that accepts connections and never answers. */
async function openSilentServer() {
  let asked = 0;
  const server = createServer((socket) => {
    socket.on("data", () => {
      asked += 1;
    });
    socket.on("error", () => {});
  });
  const port = await listen(server);
  return { port, asked: () => asked };
}

/** Lets a server listen on a free port of 127.0.0.1 until the test has finished. */
function listen(server: Server): Promise<number> {
  onTestFinished(() => {
    server.close();
  });
  return new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      resolve(typeof address === "object" && address !== null ? address.port : 0);
    });
  });
}

/** A port whose backlog is full: the kernel drops SYNs until `close`, and refuses them then. */
async function openBlackHole() {
  const listening = `
    const server = require("node:net").createServer().listen({ host: "127.0.0.1", port: 0, backlog: 1 }, () => {
      require("node:fs").writeSync(1, String(server.address().port));
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
    });`;
  const child = spawn(process.execPath, ["-e", listening], { stdio: ["ignore", "pipe", "inherit"] });
  const [said] = (await once(child.stdout, "data")) as [Buffer];
  const port = Number(String(said));
  // As many as are taken without an accept(2), and some more.
  const clients = Array.from({ length: 4 }, () => connect(port, "127.0.0.1").on("error", () => {}));
  const close = async () => {
    for (const client of clients) client.destroy();
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill("SIGKILL");
    await once(child, "exit");
  };
  onTestFinished(close);
  await Promise.all(clients.slice(0, 2).map((client) => once(client, "connect")));
  return { port, close };
}

describePid1((place) => {
  it("notices within seconds that a server which was silent refuses now", async () => {
    const { port, close } = await openBlackHole();
    const running = startWaiting(place, { NFS_OPTIONS: `hard,port=${port}`, NFS_ATTEMPT_TIMEOUT: "1m" });
    await running.initPid();
    // By then the kernel repeats a SYN only every some seconds.
    await sleep(9_000);
    await close();
    const closedMs = performance.now();
    const { reason } = await logged(running, "waiting for the server");
    expect(reason).toBe(`port ${port} of 127.0.0.1: connection refused`);
    expect(performance.now() - closedMs).toBeLessThan(2_900);
    await running.send("SIGTERM");
    expect((await running.ended).exitCode).toBe(143);
  });
});

describePlaces((place) => {
  it("says once what it waits for and why", async () => {
    const running = startWaiting(place);
    const line = await logged(running, "waiting for the server");
    expect(line).toMatchObject({ level: "info", stage: "wait", reason: "port 1 of 127.0.0.1: connection refused" });
    expect(line.source).toMatch(/^127\.0\.0\.1:\/.*\/share$/);
    await running.send("SIGTERM");
    await running.ended;
    expect(logLines(running.stderr()).filter(({ msg }) => msg === "waiting for the server")).toHaveLength(1);
  });

  it.each([
    { signal: "SIGTERM", exitCode: 143 },
    { signal: "SIGINT", exitCode: 130 },
    { signal: "SIGHUP", exitCode: 129 },
    { signal: "SIGQUIT", exitCode: 131 },
  ] as const)("ends with $exitCode at $signal, and COMMAND never runs", async ({ signal, exitCode }) => {
    const running = startWaiting(place);
    await logged(running, "waiting for the server");
    await running.send(signal);
    const end = await running.ended;
    expect({ exitCode: end.exitCode, stdout: end.stdout }).toEqual({ exitCode, stdout: "" });
    expect(logLines(end.stderr).at(-1)).toMatchObject({
      level: "info",
      stage: "init",
      msg: "stopped before the process was started",
      signal: exitCode - 128,
    });
  });

  it.each(["SIGUSR1", "SIGUSR2", "SIGALRM", "SIGCONT", "SIGWINCH", "SIGPIPE", "SIGURG"] as const)(
    "goes on at %s",
    async (signal) => {
      const running = startWaiting(place);
      await logged(running, "waiting for the server");
      await running.send(signal);
      // A signal that ended it would be met before this one.
      await running.send("SIGTERM");
      expect((await running.ended).exitCode).toBe(143);
    },
  );

  it("ends once at two stop signals", async () => {
    const running = startWaiting(place);
    await logged(running, "waiting for the server");
    const init = await running.initPid();
    for (const signal of ["SIGTERM", "SIGINT"] as const) process.kill(init, signal);
    const { exitCode, stderr } = await running.ended;
    expect([130, 143]).toContain(exitCode);
    expect(logLines(stderr).filter(({ stage }) => stage === "init")).toHaveLength(1);
  });

  it.each([10, 11, 12, 14])(
    "goes on where only %d descriptors may be open, and no worker can be started",
    async (most) => {
      const env = { ...unreachableShare(temporaryDirectory()), NFS_WAIT_TIMEOUT: "2s" };
      const { exitCode } = await run({ args: command, place, env, ownMounts: true, prelude: `ulimit -n ${most}` });
      expect(exitCode).toBe(124);
    },
  );

  it("ends with 124 and the reason when NFS_WAIT_TIMEOUT has run out", async () => {
    const startedMs = performance.now();
    const env = { ...unreachableShare(temporaryDirectory()), NFS_WAIT_TIMEOUT: "400ms" };
    const { exitCode, stdout, stderr } = await run({ args: command, place, env, ownMounts: true });
    expect({ exitCode, stdout }).toEqual({ exitCode: 124, stdout: "" });
    expect(performance.now() - startedMs).toBeGreaterThan(400);
    expect(logLines(stderr).at(-1)).toMatchObject({ level: "fatal", msg: "gave up waiting", exitCode: 124 });
    const { reason } = logLines(stderr).at(-1) ?? {};
    expect(reason).toMatch(
      /^not mounted within 0\.4 s: 127\.0\.0\.1:.* on .*\/share: port 1 of 127\.0\.0\.1: connection refused$/,
    );
  });

  it("says the most likely cause once half of NFS_WAIT_TIMEOUT has run out, and with 124", async () => {
    const env = { ...unreachableShare(temporaryDirectory()), NFS_WAIT_TIMEOUT: "6s" };
    const { exitCode, stderr } = await run({ args: command, place, env, ownMounts: true });
    const why = logLines(stderr).filter(({ msg }) => msg === "why the share is not mounted");
    expect(why.map(({ level }) => level)).toEqual(["warn"]);
    expect(why[0]?.reason).toMatch(/nothing listens on port 1 of 127\.0\.0\.1/);
    const last = logLines(stderr).at(-1);
    expect({ exitCode, msg: last?.msg, hint: last?.hint }).toEqual({
      exitCode: 124,
      msg: "gave up waiting",
      hint: why[0]?.reason,
    });
  });

  it("names every share in the reason", async () => {
    const directory = temporaryDirectory();
    const env = {
      ...unreachableShare(directory),
      NFS_2_HOST: "localhost",
      NFS_2_MOUNT_POINT: join(directory, "second"),
      NFS_WAIT_TIMEOUT: "300ms",
    };
    const { exitCode, stderr } = await run({ args: command, place, env, ownMounts: true });
    expect(exitCode).toBe(124);
    const reason = logLines(stderr).at(-1)?.reason ?? "";
    expect(reason).toContain(`on ${directory}/share: port 1 of 127.0.0.1: connection refused`);
    expect(reason).toMatch(/localhost:.*\/second: port 1 of (?:127\.0\.0\.1|::1): connection refused/);
  });

  it("resolves names", async () => {
    const running = startWaiting(place, { NFS_HOST: "localhost" });
    const line = await logged(running, "waiting for the server");
    expect(line.reason).toMatch(/^port 1 of (?:127\.0\.0\.1|::1): connection refused$/);
    expect(line.source).toMatch(/^localhost:/);
  });

  it("asks IPv6 addresses", async () => {
    const running = startWaiting(place, { NFS_HOST: "::1" });
    const line = await logged(running, "waiting for the server");
    expect(line.reason).toMatch(
      /^port 1 of ::1: (?:connection refused|no usable local address|network is unreachable)$/,
    );
    expect(line.source).toMatch(/^\[::1\]:/);
  });

  it("ends with 143 at a SIGTERM from the moment on that it catches it, and COMMAND never runs", async () => {
    for (let round = 0; round < 4; round++) {
      const running = startWaiting(place);
      running.sendOnceCaught("SIGTERM");
      const { exitCode, stdout } = await running.ended;
      expect({ exitCode, stdout }).toEqual({ exitCode: 143, stdout: "" });
    }
  });

  it("ends at once although a server keeps it waiting for an answer", async () => {
    const { port, asked } = await openSilentServer();
    const running = startWaiting(place, { NFS_OPTIONS: `hard,port=${port}` });
    await eventually("the server is asked", () => asked() > 0);
    const sentMs = performance.now();
    await running.send("SIGTERM");
    expect((await running.ended).exitCode).toBe(143);
    expect(performance.now() - sentMs).toBeLessThan(2_000);
  });

  it("ends with 124 in time although a server keeps it waiting for an answer", async () => {
    const { port } = await openSilentServer();
    const env = { NFS_OPTIONS: `hard,port=${port}`, NFS_WAIT_TIMEOUT: "500ms" };
    const startedMs = performance.now();
    const { exitCode, stderr } = await startWaiting(place, env).ended;
    expect(exitCode).toBe(124);
    expect(performance.now() - startedMs).toBeLessThan(3_000);
    expect(logLines(stderr).at(-1)?.reason).toContain("no answer");
  });

  it("starts COMMAND after one attempt's time where a nofail share's server keeps it waiting", async () => {
    const { port } = await openSilentServer();
    const env = {
      ...nofailShare(temporaryDirectory()),
      NFS_OPTIONS: `hard,nofail,port=${port}`,
      NFS_ATTEMPT_TIMEOUT: "300ms",
    };
    const running = start({ args: command, place, env, ownMounts: true });
    await running.says("started\n");
    running.stdin.end();
    expect((await running.ended).exitCode).toBe(0);
  });

  it("ends with 32 at once for another user than root, and says what is missing", async () => {
    const env = unreachableShare(temporaryDirectory());
    const prelude = 'exec setpriv --reuid 65534 --regid 65534 --clear-groups "$@"';
    const { exitCode, stdout, stderr } = await run({ args: command, place, env, ownMounts: true, prelude });
    expect({ exitCode, stdout }).toEqual({ exitCode: 32, stdout: "" });
    expect(logLines(stderr)).toMatchObject([{ level: "fatal", reason: expect.stringContaining("CAP_SYS_ADMIN") }]);
  });

  it("does not take an open port for a server, and says so when the reason changes", async () => {
    const server = createServer((socket) => socket.end());
    const port = await listen(server);
    const running = startWaiting(place, { NFS_OPTIONS: `hard,port=${port}` });
    const first = await logged(running, "waiting for the server");
    expect(first.reason).not.toContain("refused");
    server.close();
    const second = await logged(running, "waiting for the server", ({ reason }) => reason !== first.reason);
    expect(second.reason).toBe(`port ${port} of 127.0.0.1: connection refused`);
    expect(running.stdout()).toBe("");
  });

  it("starts COMMAND at once where the share is nofail, and goes on waiting", async () => {
    const env = nofailShare(temporaryDirectory());
    const running = start({ args: command, place, env, ownMounts: true });
    await running.says("started\n");
    expect(running.hasEnded()).toBe(false);
    running.stdin.end();
    expect((await running.ended).exitCode).toBe(0);
  });

  it("forwards a stop signal to COMMAND once that runs, although a share is still waited for", async () => {
    const env = nofailShare(temporaryDirectory());
    const script = 'trap "echo got; exit 5" TERM; echo started; while :; do sleep 0.01; done';
    const running = start({ args: ["--", "sh", "-c", script], place, env, ownMounts: true });
    await running.says("started\n");
    await running.send("SIGTERM");
    const { exitCode, stdout } = await running.ended;
    expect({ exitCode, stdout }).toEqual({ exitCode: 5, stdout: "started\ngot\n" });
  });

  it("leaves no process behind when it is stopped", async () => {
    // Whoever asks a name server that does not answer is in the C library for seconds.
    const directory = temporaryDirectory();
    const { asked, prelude } = await openNameServer(directory, () => "dropped");
    const env = { ...unreachableShare(directory), NFS_HOST: "nas.test" };
    const running = start({ args: command, place, env, ownMounts: true, prelude });
    await eventually("it asks", () => asked.length > 0);
    const helpers = descendantsOf(await running.initPid()).filter((pid) => exeOf(pid) === binary);
    expect(helpers.length).toBeGreaterThan(0);
    const sentMs = performance.now();
    await running.send("SIGTERM");
    expect((await running.ended).exitCode).toBe(143);
    expect(performance.now() - sentMs).toBeLessThan(2_000);
    // By itself it would go on for 5 s.
    await eventually("its helpers are gone", () => helpers.every((pid) => exeOf(pid) === undefined), {
      timeoutMs: 3_000,
    });
  });
}, "mounting");

describePlaces((place) => {
  /** Shell text that gives nfs-init a /dev of its own whose termination log is the file `log`. */
  const ownDev = (directory: string) => `set -e
    mkdir ${directory}/dev
    mount -t tmpfs none ${directory}/dev
    for one in null zero random urandom; do : >${directory}/dev/$one; mount --bind /dev/$one ${directory}/dev/$one; done
    : >${directory}/dev/termination-log
    mount --bind ${directory}/log ${directory}/dev/termination-log
    mount --rbind ${directory}/dev /dev`;

  async function terminationLog(more: Readonly<Record<string, string>>, before = "") {
    const directory = temporaryDirectory();
    const log = join(directory, "log");
    writeFileSync(log, before);
    const env = { ...unreachableShare(directory), ...more };
    const { exitCode } = await run({ args: command, place, env, ownMounts: true, prelude: ownDev(directory) });
    return { exitCode, text: readFileSync(log, "utf8") };
  }

  it("leaves the reason of 124 in the termination log", async () => {
    const { exitCode, text } = await terminationLog(
      { NFS_WAIT_TIMEOUT: "300ms" },
      "from an earlier run, longer than any reason ".repeat(20),
    );
    expect(exitCode).toBe(124);
    expect(text).toMatch(
      /^not mounted within 0\.3 s: .*connection refused; check the server, or raise NFS_WAIT_TIMEOUT\n$/,
    );
  });

  it("leaves every problem of 78 in the termination log, and no secret", async () => {
    const wrong = { NFS_WAIT_TIMEOUT: "soon", NFS_OPTIONS: "password=hunter2" };
    const { exitCode, text } = await terminationLog(wrong);
    expect(exitCode).toBe(78);
    expect(text).toContain('NFS_WAIT_TIMEOUT="soon"');
    expect(text).toContain("NFS_OPTIONS=");
    expect(text).not.toContain("hunter2");
  });

  it("is not held up by a termination log that is a pipe", async () => {
    const directory = temporaryDirectory();
    execFileSync("mkfifo", [join(directory, "log")]);
    const env = { ...unreachableShare(directory), NFS_WAIT_TIMEOUT: "300ms" };
    const { exitCode } = await run({ args: command, place, env, ownMounts: true, prelude: ownDev(directory) });
    expect(exitCode).toBe(124);
  });

  it("leaves the termination log alone when COMMAND cannot be started", async () => {
    const directory = temporaryDirectory();
    const log = join(directory, "log");
    writeFileSync(log, "before\n");
    const env = nofailShare(directory);
    const launch = { args: ["--", "/no/such"], place, env, ownMounts: true, prelude: ownDev(directory) };
    expect((await run(launch)).exitCode).toBe(127);
    expect(readFileSync(log, "utf8")).toBe("before\n");
  });
}, "mounting");
