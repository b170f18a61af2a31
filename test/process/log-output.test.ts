// A log that cannot be written: a reader that is gone or has stopped, a full disk. It neither ends nor blocks nfs-init.
import { execFileSync } from "node:child_process";
import { closeSync, constants, openSync, readSync, writeSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { eventually } from "../support/eventually.ts";
import { logLines } from "../support/process-log.ts";
import { describePlaces, nofailShare, run, start, temporaryDirectory, unreachableShare } from "../support/process.ts";

/** A pipe with an end for nfs-init and one to read from; a FIFO, because node:child_process gives sockets. */
function openPipe() {
  const path = join(temporaryDirectory(), "pipe");
  execFileSync("mkfifo", [path]);
  const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const writer = openSync(path, constants.O_WRONLY);
  return { path, reader, writer };
}

/** Fills a pipe to its last byte. */
function fill(path: string): void {
  const fd = openSync(path, constants.O_WRONLY | constants.O_NONBLOCK);
  for (const size of [4096, 1]) {
    try {
      for (;;) writeSync(fd, Buffer.alloc(size, "x"));
    } catch {
      // It is full for writes of this size.
    }
  }
  closeSync(fd);
}

/** What a pipe holds. */
function drain(reader: number): string {
  let text = "";
  const buffer = Buffer.alloc(65_536);
  try {
    for (let count = readSync(reader, buffer); count > 0; count = readSync(reader, buffer)) {
      text += buffer.toString("latin1", 0, count);
    }
  } catch {
    // It is empty.
  }
  return text;
}

/** Something that is no NFS server: it answers nothing, or nonsense, which nfs-init tells apart. */
async function openServer() {
  let asked = 0;
  let answer = "";
  const server = createServer((socket) => {
    asked += 1;
    socket.on("error", () => {});
    socket.end(answer);
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  onTestFinished(() => {
    server.close();
  });
  const address = server.address();
  return {
    port: typeof address === "object" && address !== null ? address.port : 0,
    /** Waits until so many further questions have come; what there is to say of all but the last is said by then. */
    askedAgain: async (count: number) => {
      const before = asked;
      await eventually("the server is asked again", () => asked >= before + count);
    },
    answerNonsense: () => {
      answer = "nonsense".repeat(20);
    },
  };
}

describePlaces((place) => {
  it("goes on waiting when the reader of its log has gone", async () => {
    const { reader, writer } = openPipe();
    closeSync(reader);
    const { port, askedAgain } = await openServer();
    const env = { ...unreachableShare(temporaryDirectory()), NFS_OPTIONS: `hard,port=${port}` };
    const running = start({ args: ["--", "true"], place, env, ownMounts: true, stdio: ["ignore", "ignore", writer] });
    closeSync(writer);
    // What it waits for was to be said by then.
    await askedAgain(3);
    await running.send("SIGTERM");
    expect((await running.ended).exitCode).toBe(143);
  });

  it("goes on waiting when the reader of its log has stopped", async () => {
    const { path, reader, writer } = openPipe();
    fill(path);
    const { port, askedAgain } = await openServer();
    const env = { ...unreachableShare(temporaryDirectory()), NFS_OPTIONS: `hard,port=${port}` };
    const running = start({ args: ["--", "true"], place, env, ownMounts: true, stdio: ["ignore", "ignore", writer] });
    await askedAgain(2);
    await running.send("SIGTERM");
    expect((await running.ended).exitCode).toBe(143);
    closeSync(writer);
    expect(drain(reader)).toMatch(/^x+$/);
    closeSync(reader);
  });

  it("counts the lines that were dropped", async () => {
    const { path, reader, writer } = openPipe();
    fill(path);
    const { port, askedAgain } = await openServer();
    const env = { ...unreachableShare(temporaryDirectory()), NFS_OPTIONS: `hard,port=${port}` };
    const running = start({ args: ["--", "true"], place, env, ownMounts: true, stdio: ["ignore", "ignore", writer] });
    await askedAgain(2);
    drain(reader);
    await running.send("SIGTERM");
    await running.ended;
    closeSync(writer);
    expect(logLines(drain(reader)).at(-1)).toMatchObject({
      msg: "stopped before the process was started",
      dropped: expect.any(Number),
    });
    closeSync(reader);
  });

  it("runs COMMAND when the reader of its log has gone, and does not signal it", async () => {
    const { reader, writer } = openPipe();
    closeSync(reader);
    const { port, askedAgain, answerNonsense } = await openServer();
    const env = { ...nofailShare(temporaryDirectory()), NFS_OPTIONS: `hard,nofail,port=${port}` };
    const script = 'trap "echo SIGPIPE" PIPE; echo started; while read -r line; do echo "$line"; done';
    const running = start({
      args: ["--", "sh", "-c", script],
      place,
      env,
      ownMounts: true,
      stdio: ["pipe", "pipe", writer],
    });
    closeSync(writer);
    await running.says("started\n");
    // Another reason, so that there is a line to log while COMMAND runs.
    answerNonsense();
    await askedAgain(3);
    running.stdin.write("still here\n");
    await running.says("still here\n");
    running.stdin.end();
    const { exitCode, stdout } = await running.ended;
    expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: "started\nstill here\n" });
  });
}, "mounting");

/** What steers a terminal, or turns the direction of writing, and is no blank. */
const steering = "\u001b[2J\u0007\u007f\u009b\u202e";
const shown = String.raw`\u001b[2J\u0007\u007f\u009b\u202e`;

describePlaces((place) => {
  it.each(["json", "text"])("writes no character that steers a terminal, in the format %s", async (format) => {
    const directory = temporaryDirectory();
    const env = { ...unreachableShare(directory), NFS_HOST_MOUNT: `/a${steering}`, NFS_LOG_FORMAT: format };
    const running = start({ args: ["--", "true"], place, env, ownMounts: true });
    await eventually("it waits", () => running.stderr().includes("waiting for the server"));
    await running.send("SIGTERM");
    const { stderr } = await running.ended;
    expect(stderr).toContain(`source${format === "json" ? '":"' : '="'}127.0.0.1:/a${shown}"`);
    expect(stderr).not.toMatch(/[^\n\P{C}]/u);
    if (format === "json") expect(logLines(stderr)[0]).toMatchObject({ source: `127.0.0.1:/a${steering}` });
  });
}, "mounting");

describePlaces((place) => {
  it("says without a log what was typed as text that can be shown", async () => {
    const { exitCode, stderr } = await run({ args: [`--a${steering}`], place });
    expect({ exitCode, stderr }).toMatchObject({ exitCode: 64, stderr: expect.stringContaining(shown) as string });
    expect(stderr).not.toMatch(/[^\n\P{C}]/u);
  });

  it("ends with 78 although the reader of its log has stopped", async () => {
    const { path, writer } = openPipe();
    fill(path);
    const env = { NFS_WAIT_TIMEOUT: "soon" };
    const running = start({ args: ["--", "true"], place, env, stdio: ["ignore", "ignore", writer] });
    expect((await running.ended).exitCode).toBe(78);
    closeSync(writer);
  });

  it.each([
    [["--no-such-option"], 64],
    [["--", "/no/such/program"], 127],
    [["check", "--state-dir", "relative"], 78],
  ])("ends for %j with %i although the reader of stderr has stopped", async (args, exitCode) => {
    const { path, writer } = openPipe();
    fill(path);
    const running = start({ args, place, stdio: ["ignore", "ignore", writer] });
    expect((await running.ended).exitCode).toBe(exitCode);
    closeSync(writer);
  });

  it("starts COMMAND when its log goes to a full disk", async () => {
    const prelude = "exec 2>/dev/full";
    const env = { NFS_MOUNT_SKIP: "on" };
    const running = start({ args: ["--", "sh", "-c", "echo started; exit 4"], place, env, prelude });
    const { exitCode, stdout } = await running.ended;
    expect({ exitCode, stdout }).toEqual({ exitCode: 4, stdout: "started\n" });
  });

  it("leaves COMMAND alone when its log has reached the size that files may have", async () => {
    const log = join(temporaryDirectory(), "log");
    const prelude = `head -c 4096 /dev/zero >'${log}'; exec 2>>'${log}'; ulimit -f 1`;
    const env = { NFS_MOUNT_SKIP: "on" };
    const running = start({ args: ["--", "sh", "-c", "echo started; read -r line; exit 4"], place, env, prelude });
    await running.says("started");
    running.stdin.end();
    expect((await running.ended).exitCode).toBe(4);
  });

  it("shortens what would make a line longer than a pipe takes at once", async () => {
    const { reader, writer } = openPipe();
    const env = { NFS_HOST: "h", NFS_MOUNT_POINT: `relative${"/directory".repeat(1_000)}` };
    const running = start({ args: ["--", "true"], place, env, stdio: ["ignore", "ignore", writer] });
    expect((await running.ended).exitCode).toBe(78);
    closeSync(writer);
    const text = drain(reader);
    expect(text.length).toBeLessThanOrEqual(4096);
    expect(logLines(text)).toMatchObject([
      {
        level: "fatal",
        reason: expect.stringMatching(/^NFS_MOUNT_POINT="relative.*\.\.\..*; accepted: an absolute path without/),
      },
    ]);
    closeSync(reader);
  });
});
