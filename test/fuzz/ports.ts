/**
 * Sends calls that no honest client makes to the real ports of the portmapper, the MOUNT service and the status monitor, as datagrams
 * and over connections, from an address that is not loopback: each port must answer an honest call afterwards, as soon as before, and
 * the program must not have grown. Needs root: it runs in namespaces of its own.
 *
 *     node test/fuzz/ports.ts [COUNT for each port and transport] [SEED]
 */

import { spawn } from "node:child_process";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { connect } from "node:net";
import { buildExecutable } from "../../scripts/native/executable.ts";
import { machineCpu } from "../../scripts/native/pins.ts";
import { random, type Random } from "../unit/fakes/random.ts";
import { fragment, join, words } from "../unit/fakes/server.ts";
import { distort } from "./messages.ts";
import { calls } from "./calls.ts";

const [, , count = "1000000", seed = "1", inside] = process.argv;
const address = "192.0.2.1";
const services = [
  { port: 111, program: 100_000, version: 2 },
  { port: 20_048, program: 100_005, version: 3 },
  { port: 32_765, program: 100_024, version: 1 },
];
const program = ".build/test-version3";

const nullCall = ({ program: number, version }: { program: number; version: number }, xid: number) =>
  words(xid, 0, 2, number, version, 0, 0, 0, 0, 0);

if (inside === undefined) {
  await buildExecutable({ target: machineCpu(), outfile: program, entry: "test/kernel/programs/version3.ts" });
  const setUp = `ip link set lo up; ip addr add ${address}/32 dev lo; mount -t tmpfs none /run; exec "$@"`;
  const again = [process.execPath, process.argv[1] ?? "", count, seed, "inside"];
  const child = spawn("unshare", ["--net", "--mount", "--", "sh", "-c", setUp, "sh", ...again], { stdio: "inherit" });
  const [code] = (await once(child, "close")) as [number | null];
  process.exitCode = code ?? 1;
} else {
  await hammer();
}

async function hammer(): Promise<void> {
  const server = spawn(program, ["/run"], { stdio: ["ignore", "pipe", "inherit"] });
  try {
    server.stdout.on("data", (text: Buffer) => {
      if (text.includes("fault")) process.stdout.write(text);
    });
    await once(server.stdout, "data");
    const resident = () => Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${server.pid}/status`, "utf8"))?.[1]);
    const source = random(Number(seed));
    for (const service of services) {
      // So that what is made once is there before it is measured.
      await datagrams(service, 2_000, source);
      await streams(service, 2_000, source);
      const before = resident();
      const startedMs = performance.now();
      await datagrams(service, Number(count), source);
      await streams(service, Number(count), source);
      const seconds = ((performance.now() - startedMs) / 1_000).toFixed(0);
      const startedAskingMs = performance.now();
      await datagrams(service, 0, source);
      const answerMs = (performance.now() - startedAskingMs).toFixed(1);
      console.log({ port: service.port, seconds, answerMs, residentKiB: { before, after: resident() } });
    }
  } finally {
    server.kill("SIGKILL");
  }
}

/** In handfuls, each with an honest call at its end whose answer is waited for: nothing is lost in full buffers. */
async function datagrams(service: (typeof services)[number], messages: number, source: Random): Promise<void> {
  const socket = createSocket("udp4");
  socket.bind(0, address);
  await once(socket, "listening");
  socket.connect(service.port, address);
  await once(socket, "connect");
  let expected = 0;
  let wake = (): void => {};
  socket.on("message", (reply) => {
    if (reply.readUInt32BE(0) === expected) wake();
  });
  for (let sent = 0; sent <= messages; sent += 50) {
    for (let one = 0; one < Math.min(50, messages); one++) socket.send(distort(calls, source));
    expected = 0xabcd_0000 + (source.below(65_536) >>> 0);
    const answered = new Promise<void>((resolve) => (wake = resolve));
    socket.send(nullCall(service, expected));
    const late = setTimeout(() => socket.send(nullCall(service, expected)), 1_000);
    await answered;
    clearTimeout(late);
  }
  socket.close();
}

/** A connection for each handful, which ends when it is no longer one of records, or when all was answered. */
async function streams({ port }: (typeof services)[number], messages: number, source: Random): Promise<void> {
  const framed = calls.map((one) => fragment(one));
  for (let sent = 0; sent < messages; sent += 50) {
    const bytes = join(
      ...Array.from({ length: 50 }, (_, at) => (at < 25 ? fragment(distort(calls, source)) : distort(framed, source))),
    );
    const socket = connect({ port, host: address, localAddress: address });
    socket.on("error", () => {});
    socket.resume();
    socket.end(bytes);
    await new Promise((resolve) => socket.once("close", resolve));
  }
}
