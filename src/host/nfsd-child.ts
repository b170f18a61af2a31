// What the child does that answers the kernel's NFS server: it starts the server, answers its questions, keeps its client records, stops it.
import * as native from "native";
import { errnoOf } from "../errors.ts";
import { attachedNetworks, type Surroundings } from "../export/clients.ts";
import { answerer, trialAnswers } from "../export/answers.ts";
import { channelNames, type ChannelName } from "../export/channels.ts";
import { answerRecords, isGraceDone, recordsAtStart, type ClientRecords } from "../export/client-records.ts";
import type { ExportTable } from "../export/exports.ts";
import {
  versionsLine,
  type ServedVersion,
  type ServerAnswer,
  type ServerNews,
  type ServerRequest,
  type ServerSettings,
} from "../export/server.ts";
import { mountAround, parseMountinfo } from "../shares/mountinfo.ts";
import { openRecords, type RecordFiles } from "./client-records.ts";
import { openConnectionRecords, type ConnectionRecords } from "./connection-records.ts";
import { answerChannel, nowSeconds, type Channel } from "./nfsd-answers.ts";
import { answerRequest, writeProc } from "./nfsd-requests.ts";
import { makePlace, PlaceTrouble, tried, troubleOf, type Place } from "./nfsd-place.ts";
import { takeServerName } from "./server-name.ts";
import { closing, preparedOrClosed } from "./opened.ts";
import { textAgain } from "./proc-table.ts";
import { readUpTo } from "./small-files.ts";

type Tell = (news: ServerNews) => void;

/** Longer than any message of the records' pipe. */
const longestRecordBytes = 4_096;
/** While the kernel makes the pipe it waits a second for somebody to open it. */
const lookEveryMs = 10;

/** Runs until `control` ends or says to stop. Failures are told and end it. */
export function serveKernel(settings: ServerSettings, control: number, tell: Tell): void {
  try {
    const route = native.open("/proc/self/net/route", native.O_RDONLY);
    const ifInet6 = openIfThere("/proc/self/net/if_inet6");
    const mounts = native.open("/proc/self/mountinfo", native.O_RDONLY);
    const files = openRecords(settings.stateDirectory);
    const connections = openConnectionRecords(settings);
    takeServerName(settings.stateDirectory);
    const place = makePlace(settings);
    // The mount before has made the kernel load its server, which brings them.
    const channels = channelNames.map((name) => openChannel(place, name));
    const work = openIfThere("/proc/self/net/rpc/nfsd");
    place.enter();
    const early = openSockets(settings.port);
    takeOver(place, tell);
    const sockets = early ?? openSockets(settings.port);
    if (sockets === undefined) throw new PlaceTrouble({ kind: "port-taken", port: settings.port });
    for (const { flush } of channels) native.write(flush, native.encodeLatin1(`${nowSeconds() + 1}\n`));
    checkExports(settings.table, channels, mounts);
    const versions = configure(place, settings);
    hand(place, sockets);
    const around: Surroundings = {
      get attached() {
        return attachedNetworks(textAgain(route), ifInet6 === undefined ? "" : textAgain(ifInet6));
      },
      resolve: addressesOf,
    };
    const mountPoints = () => parseMountinfo(textAgain(mounts)).map(({ target }) => target);
    const { table } = settings;
    const onRefused = (address: string) => tell({ kind: "refused", address });
    const answerTo = answerer({ table, around, mounts: mountPoints, nowSeconds, onRefused });
    const answer = (channel: Channel) => answerChannel(channel, answerTo, tell);
    const channelOf = (name: ChannelName) => channels.find((one) => one.name === name)?.fd ?? -1;
    const requests = {
      table,
      around,
      addresses: channelOf("auth.unix.ip"),
      exports: channelOf("nfsd.export"),
      control: place.control,
      proc: place.proc,
      work,
      lostConnections: connections.lost,
    };
    const request = (one: ServerRequest) => answerRequest(requests, one);
    const records = recordKeeper(files, tell);
    const starting = writeThreads(place, settings.threads);
    const state = { pipe: undefined, starting, stopping: undefined, isOver: false, said: "" };
    answerAll({ place, channels, answer, request, control, tell, versions, records, connections, ...state });
  } catch (error) {
    if (!(error instanceof PlaceTrouble)) throw error;
    tell({ kind: "trouble", trouble: error.trouble });
  }
}

/** In our own proc file system: that of a container may be read-only. */
export function openChannel({ proc }: Pick<Place, "proc">, name: ChannelName): Channel {
  try {
    const fd = native.openat(proc, `self/net/rpc/${name}/channel`, native.O_RDWR | native.O_NONBLOCK);
    return { name, fd, flush: native.openat(proc, `self/net/rpc/${name}/flush`, native.O_WRONLY) };
  } catch (error) {
    if (errnoOf(error) === "ENOENT") throw new PlaceTrouble({ kind: "no-server" });
    throw troubleOf(`the channel ${name}`, error);
  }
}

function openIfThere(path: string): number | undefined {
  try {
    return native.open(path, native.O_RDONLY);
  } catch {
    return undefined;
  }
}

/** Names do not change often, and a name server may hang: it is asked where somebody comes whom no network lets in. */
function addressesOf(name: string): readonly string[] {
  return [native.AF_INET, native.AF_INET6].flatMap((family) => {
    try {
      return native.getaddrinfo(name, family);
    } catch {
      return [];
    }
  });
}

/** Stops what an earlier instance left: until then versions and times cannot be set. Clients go on once we serve. */
function takeOver({ control }: Place, tell: Tell): void {
  const threads = Number(readControl(control, "threads"));
  writeControl(control, "threads", "0\n");
  if (threads > 0) tell({ kind: "took-over", threads });
}

export function readControl(control: number, name: string): string {
  const text = closing(native.openat(control, name, native.O_RDONLY), (fd) => readUpTo(fd, 65_536));
  return native.decodeUtf8(text).trim();
}

function writeControl(control: number, name: string, text: string): void {
  closing(native.openat(control, name, native.O_WRONLY), (fd) =>
    tried(`${name} of nfsd`, () => native.write(fd, native.encodeUtf8(text))),
  );
}

/** The kernel is told of each export once, which shows whether it can be one at all. */
export function checkExports(table: ExportTable, channels: readonly Channel[], mounts: number): void {
  const of = (name: ChannelName) => channels.find((one) => one.name === name)?.fd ?? -1;
  const { ofClient, ofExport } = trialAnswers(nowSeconds());
  native.write(of("auth.unix.ip"), native.encodeUtf8(ofClient));
  for (const one of table.exports) {
    try {
      native.write(of("nfsd.export"), native.encodeUtf8(ofExport(one)));
    } catch (error) {
      const { path } = one;
      if (errnoOf(error) !== "EINVAL") throw troubleOf(`an export on ${path}`, error);
      // The mounts were opened before the root was changed, so that they are told by the names of the container.
      const fstype = mountAround(parseMountinfo(textAgain(mounts)), path)?.fstype ?? "unknown";
      throw new PlaceTrouble({ kind: "not-exportable", path, fstype });
    }
  }
}

/** Gives the versions that will be on. */
function configure(
  { control, proc }: Place,
  { versions, graceSeconds, leaseSeconds, lockPort }: ServerSettings,
): readonly ServedVersion[] {
  const has = readControl(control, "versions");
  const wanted = versionsLine(has, versions);
  if (wanted === undefined) throw new PlaceTrouble({ kind: "no-version", has: has.split(" ") });
  writeControl(control, "versions", wanted.line);
  if (wanted.on.includes("3")) {
    // The lock manager reads them when it starts, which is when the first socket is handed over.
    for (const name of ["nlm_tcpport", "nlm_udpport"]) writeProc(proc, `sys/fs/nfs/${name}`, String(lockPort));
    writeProc(proc, "sys/fs/nfs/nlm_grace_period", String(graceSeconds));
  }
  writeControl(control, "nfsv4leasetime", `${leaseSeconds}\n`);
  writeControl(control, "nfsv4gracetime", `${graceSeconds}\n`);
  return wanted.on;
}

/** Longest queue of connections that nobody has taken. */
const backlog = 128;

/**
 * Listening sockets for IPv4, and for IPv6 where the machine has that; undefined where the port is taken. An earlier instance's
 * sockets do not take it from ours: so clients whose connections end with it find an open port at once. One that is refused comes
 * again three seconds later (call_connect_status of Linux's sunrpc; measured).
 */
function openSockets(port: number): readonly number[] | undefined {
  const sockets: number[] = [];
  for (const [family, address] of [
    [native.AF_INET, "0.0.0.0"],
    [native.AF_INET6, "::"],
  ] as const) {
    try {
      sockets.push(openSocket(family, address, port));
    } catch (error) {
      const errno = errnoOf(error);
      if (family === native.AF_INET6 && (errno === "EADDRNOTAVAIL" || errno === "EAFNOSUPPORT")) continue;
      for (const fd of sockets) native.close(fd);
      if (errno === "EADDRINUSE") return undefined;
      throw troubleOf(`port ${port}`, error);
    }
  }
  return sockets;
}

function openSocket(family: number, address: string, port: number): number {
  return preparedOrClosed(native.socket(family, native.SOCK_STREAM), (fd) => {
    native.setsockopt(fd, native.SOL_SOCKET, native.SO_REUSEADDR, 1);
    native.setsockopt(fd, native.SOL_SOCKET, native.SO_REUSEPORT, 1);
    if (family === native.AF_INET6) native.setsockopt(fd, native.IPPROTO_IPV6, native.IPV6_V6ONLY, 1);
    native.bind(fd, { address, port });
    native.listen(fd, backlog);
  });
}

/** Gives the sockets to the kernel. */
function hand({ control }: Place, sockets: readonly number[]): void {
  for (const fd of sockets) {
    writeControl(control, "portlist", `${fd}\n`);
    native.close(fd);
  }
}

/** Writing `threads` takes long, and asks for client records meanwhile: a child does it. Its errno comes by the descriptor, "" for none. */
function writeThreads({ control }: Place, threads: number): number {
  const { readEnd, writeEnd } = native.pipe(0);
  const fd = native.openat(control, "threads", native.O_WRONLY);
  native.fork(() => {
    let errno = "ok";
    try {
      native.write(fd, native.encodeLatin1(`${threads}\n`));
    } catch (error) {
      errno = errnoOf(error) ?? "EIO";
    }
    native.write(writeEnd, native.encodeLatin1(errno));
  }, [fd, writeEnd]);
  native.close(fd);
  native.close(writeEnd);
  return readEnd;
}

interface RecordKeeper {
  /** Answers one message of the pipe; false once the server has ended and the pipe with it. */
  readonly answer: (pipe: number) => boolean;
}

function recordKeeper({ found, keep }: RecordFiles, tell: Tell): RecordKeeper {
  let records = recordsAtStart(found);
  let errno: string | undefined;
  const keepOrSay = (changed: ClientRecords): void => {
    const before = errno;
    errno = keep(changed);
    if (errno !== undefined && errno !== before)
      tell({ kind: "no-records", reason: `they cannot be written: ${errno}` });
  };
  keepOrSay(records);
  return {
    answer: (pipe) => {
      let message: Uint8Array;
      try {
        message = native.read(pipe, longestRecordBytes);
      } catch (error) {
        return errnoOf(error) === "EAGAIN";
      }
      const answer = answerRecords(records, message);
      if (answer === undefined) return true;
      if (answer.records !== records) keepOrSay(answer.records);
      records = answer.records;
      for (const reply of answer.replies) native.write(pipe, reply);
      if (isGraceDone(message)) tell({ kind: "grace-over" });
      return true;
    },
  };
}

interface Running {
  readonly place: Place;
  readonly channels: readonly Channel[];
  readonly answer: (channel: Channel) => void;
  readonly request: (request: ServerRequest) => ServerAnswer;
  readonly control: number;
  readonly tell: Tell;
  readonly versions: readonly ServedVersion[];
  readonly records: RecordKeeper;
  readonly connections: ConnectionRecords;
  /** That of the client records, once the kernel has made it. */
  pipe: number | undefined;
  /** Where it is told how the start went, until it has been. */
  starting: number | undefined;
  /** The same of the stop. */
  stopping: number | undefined;
  isOver: boolean;
  /** The beginning of a line of the control pipe. */
  said: string;
}

interface Wait {
  readonly fd: number;
  readonly act: () => void;
}

/** Answers whoever asks until it is told to stop. */
function answerAll(running: Running): void {
  while (!running.isOver) {
    const isLooking = running.pipe === undefined && running.starting !== undefined;
    if (isLooking) running.pipe = openPipe(running.place);
    const waits = waitsOf(running);
    const fds = waits.map(({ fd }) => fd);
    // At the end the kernel closes them, which their clients may not hear: for the next server they are still lost.
    const lookInMs = running.stopping === undefined ? running.connections.look() : -1;
    const ready = native.ppoll(fds, native.POLLIN, running.pipe === undefined && isLooking ? lookEveryMs : lookInMs);
    for (const [index, { act }] of waits.entries()) {
      if (ready[index] === 0) continue;
      act();
      running.connections.stir();
    }
  }
  running.tell({ kind: "stopped" });
}

function waitsOf(running: Running): readonly Wait[] {
  const { channels, answer, control, records, pipe, starting, stopping } = running;
  const waits: Wait[] = channels.map((channel) => ({ fd: channel.fd, act: () => answer(channel) }));
  if (pipe !== undefined) {
    const act = () => {
      if (!records.answer(pipe)) running.pipe = undefined;
    };
    waits.push({ fd: pipe, act });
  }
  if (starting !== undefined) waits.push({ fd: starting, act: () => hearStart(running, starting) });
  if (stopping === undefined) {
    waits.push({ fd: control, act: () => hearControl(running) });
  } else {
    waits.push({ fd: stopping, act: () => (running.isOver = true) });
  }
  return waits;
}

/** Requests, and the word to stop; its end says the same. */
function hearControl(running: Running): void {
  const { control, request, tell, place } = running;
  const bytes = native.read(control, 65_536);
  const lines = (running.said + native.decodeLatin1(bytes)).split("\n");
  running.said = lines.pop() ?? "";
  let isStop = bytes.byteLength === 0;
  for (const line of lines) {
    const said = JSON.parse(line) as "stop" | readonly [number, ServerRequest];
    if (said === "stop") isStop = true;
    else tell({ kind: "answer", number: said[0], answer: request(said[1]) });
  }
  if (isStop) running.stopping = writeThreads(place, 0);
}

function hearStart(running: Running, fd: number): void {
  running.starting = undefined;
  const errno = native.decodeLatin1(native.read(fd, 100));
  if (errno !== "ok") throw troubleOf("threads of nfsd", Object.assign(new Error(errno), { code: errno }));
  const { pipe, tell, versions } = running;
  if (pipe === undefined) tell({ kind: "no-records", reason: "this kernel has not asked for them" });
  tell({ kind: "serving", versions });
}

function openPipe({ pipes }: Place): number | undefined {
  if (pipes === undefined) return undefined;
  try {
    return native.openat(pipes, "nfsd/cld", native.O_RDWR | native.O_NONBLOCK);
  } catch {
    return undefined;
  }
}
