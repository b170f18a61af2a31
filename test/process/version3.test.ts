// The portmapper, the MOUNT service and the status monitor on real ports, in a network namespace of the test's own, without nfsd.
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { join as joinPath, resolve } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test } from "vitest";
import { buildExecutable } from "../../scripts/native/executable.ts";
import { machineCpu } from "../../scripts/native/pins.ts";
import { eventually } from "../support/eventually.ts";
import { isRoot, temporaryDirectory } from "../support/process.ts";
import { buildRooms, startRooms, type Rooms } from "../support/rooms/rooms.ts";
import { accepted, fragment, join, opaque, words } from "../unit/fakes/server.ts";

const program = resolve(".build/test-version3-process");
const namespace = `nfs-init-v3-${process.pid}`;
const inNamespace = ["ip", "netns", "exec", namespace];
let rooms: Rooms;

beforeEach((context) => {
  context.skip(!isRoot, "network namespaces need root");
});
beforeAll(async () => {
  if (!isRoot) return;
  await buildExecutable({ target: machineCpu(), outfile: program, entry: "test/kernel/programs/version3.ts" });
  execFileSync("ip", ["netns", "add", namespace]);
  execFileSync("ip", ["-n", namespace, "link", "set", "lo", "up"]);
  rooms = startRooms(await buildRooms("version3"), inNamespace);
});
afterAll(() => {
  if (!isRoot) return;
  rooms.end();
  execFileSync("ip", ["netns", "del", namespace]);
});

/** Starts all three with the records of a directory, and a /run of their own. */
async function start(directory: string) {
  const mounts = ["unshare", "--mount", "--", "sh", "-c", `mount -t tmpfs none /run; exec "$@"`, "sh"];
  const [file, ...args] = [...inNamespace, ...mounts, program, directory];
  const child = spawn(file, args, { stdio: ["ignore", "pipe", "inherit"] });
  let said = "";
  child.stdout.on("data", (text: Buffer) => (said += text.toString()));
  const kill = async (signal: NodeJS.Signals) => {
    const ended = once(child, "close");
    child.kill(signal);
    await ended;
  };
  onTestFinished(() => void child.kill("SIGKILL"));
  await eventually("it serves", () => said.endsWith("\n"));
  return { said: () => said, kill, runDirectory: `/proc/${child.pid}/root/run` };
}

/** The whole reply to a call, from a port below 1024 or from another. */
async function ask(port: number, call: Uint8Array, reserved = true): Promise<readonly number[]> {
  const connection = await rooms.dial("127.0.0.1", port, AbortSignal.timeout(10_000), { reserved });
  connection.send(fragment(join(call)));
  const reply = await connection.receive();
  connection.close();
  return [...(reply ?? [])];
}

const call = (programNumber: number, version: number, procedure: number, ...args: readonly Uint8Array[]) =>
  join(words(5, 0, 2, programNumber, version, procedure, 0, 0, 0, 0), ...args);
const success = (...parts: readonly Uint8Array[]) => [...fragment(join(accepted(5, 0), ...parts))];
const monitor = (name: string) =>
  call(100_024, 1, 2, opaque(name), opaque("srv"), words(100_021, 3, 16), new Uint8Array(16));
const recordsIn = (directory: string) =>
  JSON.parse(readFileSync(joinPath(directory, "status-monitor.json"), "utf8")) as {
    readonly state: number;
    readonly monitored: readonly { readonly name: string }[];
    readonly toNotify: readonly string[];
  };

test("the portmapper tells the ports, by TCP and at the kernel's path, and both are gone after the end", async () => {
  const running = await start(temporaryDirectory());
  expect(running.said()).toBe("serving, portmapper own\n");
  const getPort = call(100_000, 2, 3, words(100_005, 3, 17, 0));
  expect(await ask(111, getPort, false)).toEqual(success(words(20_048)));
  const socket = `${running.runDirectory}/rpcbind.sock`;
  expect(existsSync(socket)).toBe(true);
  await running.kill("SIGTERM");
  await expect(ask(111, getPort)).rejects.toThrow("connection refused");
});

test("a second one finds the portmapper of the first, whose ports are taken", async () => {
  await start(temporaryDirectory());
  const second = await start(temporaryDirectory());
  expect(second.said()).toBe("port 20048 (MOUNT service): EADDRINUSE: address in use, bind\n");
});

test("records outlive a kill: the state is another one, and who had locks is to be told", async () => {
  const directory = temporaryDirectory();
  const first = await start(directory);
  const { state } = recordsIn(directory);
  expect(await ask(32_765, monitor("192.0.2.7"))).toEqual(success(words(0, state)));
  expect(recordsIn(directory).monitored.map(({ name }) => name)).toEqual(["192.0.2.7"]);
  await first.kill("SIGKILL");
  await start(directory);
  expect(recordsIn(directory)).toMatchObject({ state: state + 2, monitored: [], toNotify: ["192.0.2.7"] });
});

test("only root's ports may ask the status monitor, and change the portmapper", async () => {
  const directory = temporaryDirectory();
  await start(directory);
  const tooWeak = [...fragment(words(5, 1, 1, 1, 5))];
  expect(await ask(32_765, monitor("192.0.2.7"), false)).toEqual(tooWeak);
  expect(await ask(111, call(100_000, 2, 1, words(7, 1, 6, 9)), false)).toEqual(tooWeak);
  expect(await ask(111, call(100_000, 2, 1, words(7, 1, 6, 9)))).toEqual(success(words(1)));
  expect(recordsIn(directory).monitored).toEqual([]);
});

test("damaged records are no reason not to serve", async () => {
  const directory = temporaryDirectory();
  execFileSync("sh", ["-c", 'echo "{" >"$1/status-monitor.json"', "sh", directory]);
  expect((await start(directory)).said()).toBe("serving, portmapper own\n");
  expect(recordsIn(directory)).toMatchObject({ monitored: [], toNotify: [] });
});
