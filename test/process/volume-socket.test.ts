// The socket of the driver of Docker volumes, with callers that are not Docker: it refuses them, one by one, and goes on.
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { eventually } from "../support/eventually.ts";
import { isRoot, start, temporaryDirectory, type Running } from "../support/process.ts";

interface Driver {
  readonly running: Running;
  readonly socketPath: string;
}

async function startDriver(env: Readonly<Record<string, string>> = {}): Promise<Driver> {
  const folder = temporaryDirectory();
  const socketPath = join(folder, "socket");
  const settings = {
    NFS_PLUGIN_SOCKET: socketPath,
    NFS_PLUGIN_DIR: join(folder, "volumes"),
    NFS_PLUGIN_STATE: join(folder, "state"),
    NFS_STATE_DIR: join(folder, "run"),
  };
  const running = start({ args: ["plugin"], env: { ...settings, ...env } });
  await eventually("its socket", () => running.stderr().includes("answering Docker"));
  return { running, socketPath };
}

/** A connection that nothing was sent on. */
function open({ socketPath }: Driver): Socket {
  const socket = connect(socketPath);
  // Whoever is cut off is told by the end of what is read.
  socket.on("error", () => {});
  onTestFinished(() => void socket.destroy());
  return socket;
}

/** All that comes until the driver hangs up. */
function readAll(socket: Socket): Promise<string> {
  let text = "";
  socket.setEncoding("utf8").on("data", (part: string) => (text += part));
  return new Promise((resolve) => {
    socket.on("close", () => resolve(text));
  });
}

/** What is answered to these bytes. */
async function send(driver: Driver, text: string): Promise<string> {
  const socket = open(driver);
  const all = readAll(socket);
  socket.write(text);
  return all;
}

const post = (operation: string, body: string) =>
  `POST /VolumeDriver.${operation} HTTP/1.1\r\nHost: \r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;

const call = (driver: Driver, operation: string, body: unknown) => send(driver, post(operation, JSON.stringify(body)));

const statusOf = (answer: string) => Number(/^HTTP\/1\.1 (\d+) /.exec(answer)?.[1]);

const errorOf = (answer: string) =>
  (JSON.parse(answer.slice(answer.indexOf("\r\n\r\n"))) as { readonly Err: string }).Err;

const isAnswering = async (driver: Driver) => errorOf(await call(driver, "List", {})) === "";

it("says what is wrong with a request, and goes on", async () => {
  const driver = await startDriver();
  const deep = "[".repeat(100_000);
  const answers = {
    nonsense: await send(driver, "nonsense\r\n\r\n"),
    rpc: await send(driver, "\x80\0\0\x28\0\0\0\x01\r\n\r\n"),
    get: await send(driver, "GET /VolumeDriver.List HTTP/1.1\r\n\r\n"),
    unknown: await send(driver, post("Nothing", "{}")),
    name: await send(driver, "POST toString HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}"),
    text: await send(driver, post("Get", "nonsense")),
    deep: await send(driver, post("Get", deep)),
    deepName: await send(driver, post("Get", `{"Name":${deep}`)),
    bytes: await send(driver, post("Get", '{"Name":"\xff\xfe\0"}')),
    // No more than is read of it, so that the answer is not lost with the rest.
    long: await send(driver, post("Get", JSON.stringify({ Name: "x".repeat(140_000) }))),
  };
  expect(Object.fromEntries(Object.entries(answers).map(([name, answer]) => [name, statusOf(answer)]))).toEqual({
    nonsense: 400,
    rpc: 400,
    get: 405,
    unknown: 404,
    name: 404,
    text: 400,
    deep: 400,
    deepName: 400,
    bytes: 400,
    long: 413,
  });
  expect(answers.get).toContain("allow: POST\r\n");
  expect(await isAnswering(driver)).toBe(true);
  expect(driver.running.stderr()).not.toContain("fault");
});

it("cuts off who sends slowly or nothing, and answers others meanwhile", async () => {
  const driver = await startDriver();
  const silent = readAll(open(driver));
  const slow = open(driver);
  const dripping = setInterval(() => slow.write("x"), 100);
  onTestFinished(() => clearInterval(dripping));
  slow.write("POST /VolumeDriver.List HTTP/1.1\r\nContent-Length: 1000\r\n\r\n");
  const ofSlow = readAll(slow);
  expect(await isAnswering(driver)).toBe(true);
  expect(await Promise.all([silent, ofSlow])).toEqual(["", ""]);
});

it("answers while a thousand connections ask nothing", async () => {
  const driver = await startDriver();
  const sockets = Array.from({ length: 1_000 }, () => open(driver));
  expect(await isAnswering(driver)).toBe(true);
  for (const socket of sockets) socket.destroy();
  expect(await isAnswering(driver)).toBe(true);
});

it.runIf(isRoot)("does not mount for callers who wait no more, and answers who looks while many wait", async () => {
  const driver = await startDriver({ NFS_WAIT_TIMEOUT: "2s" });
  await call(driver, "Create", { Name: "data", Opts: { share: "127.0.0.1:/x", o: "port=9" } });
  const first = call(driver, "Mount", { Name: "data", ID: "one" });
  const callers = Array.from({ length: 200 }, () => open(driver));
  const body = JSON.stringify({ Name: "data", ID: "another" });
  await Promise.all(
    callers.map((socket) => new Promise<void>((resolve) => socket.write(post("Mount", body), () => resolve()))),
  );
  await eventually("the waiting", () => driver.running.stderr().includes("waiting for the server"));
  expect(await isAnswering(driver)).toBe(true);
  for (const socket of callers) socket.destroy();
  expect(errorOf(await first)).toMatch(/not mounted within 2 s/);
  // Of those who were gone before they were heard nothing is said.
  await eventually("the others' end", () =>
    driver.running.stderr().includes("who asked for it does not wait any more"),
  );
  expect(await isAnswering(driver)).toBe(true);
});
