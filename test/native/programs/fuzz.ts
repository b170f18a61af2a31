// Calls with random arguments: whatever they are, nothing crashes. The same seed gives the same calls.
import * as native from "native";
import { check, report } from "./report.ts";
import { badValues, functionOf, goodValues, kindsOf, signatures } from "./signatures.ts";

/** Not called, and why. */
const excluded: Readonly<Record<string, string>> = {
  exit: "ends the run",
  sethostname: "where it is allowed it renames the machine",
  chroot: "would hide the files of the rest of the run",
  kill: "could end the one who runs the test; held by the tests of signals",
  stopSelf: "nobody would continue it",
  getaddrinfo: "asks name servers, and waits for them",
};

/** mulberry32, of the public domain. */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b_79f5) | 0;
    let bits = Math.imul(state ^ (state >>> 15), 1 | state);
    bits = (bits + Math.imul(bits ^ (bits >>> 7), 61 | bits)) ^ bits;
    return ((bits ^ (bits >>> 14)) >>> 0) / 4_294_967_296;
  };
}

const nothing = (): void => {};
const numbers = [
  0,
  1,
  2,
  3,
  4,
  5,
  7,
  8,
  10,
  16,
  17,
  41,
  64,
  100,
  255,
  256,
  1_000,
  4_096,
  32_768,
  65_535,
  2 ** 20,
  2 ** 31 - 1,
  2 ** 31,
  2 ** 32 - 1,
  -1,
  -100,
  -(2 ** 31),
];
const names = [
  "a",
  "b",
  "c",
  "a/b",
  "a/b/c",
  ".",
  "",
  "é",
  "tmpfs",
  "proc",
  "size",
  "size=4k",
  "a".repeat(300),
  "a/".repeat(3_000),
];
const objects: readonly unknown[] = [
  { address: "127.0.0.1", port: 0 },
  { address: "::1", port: 7 },
  { address: "fe80::1%1", port: 7 },
  { path: "socket" },
  { path: "other" },
  { file: "/bin/true", argv: ["true"], env: [] },
  { file: "true", argv: [], env: ["a=b"], newGroup: true, nofile: 100 },
  { file: "/nonexistent/x", argv: ["x"], env: [], umask: 0o22, stdin: 3, stdout: 4, stderr: 5, directory: "/" },
  {
    file: "/nonexistent/x",
    argv: ["x"],
    env: [],
    dropCapabilities: [1, 2, 40],
    identity: { uid: 0, gid: 0, groups: [0, 1] },
  },
  { file: "/nonexistent/x", argv: ["x"], env: [], foreground: 3, diesWithParent: true },
];
const things: readonly unknown[] = [
  ...Object.values(badValues).flat(),
  [],
  [1, 2, 3],
  [3, 4, 5, 2 ** 31 - 1],
  nothing,
  () => 1,
  new Uint8Array(0),
  new Uint8Array(5_000),
  new Uint8Array(new ArrayBuffer(100), 10, 20),
];

/** Kinds of one letter each, as signatures.ts has them; descriptors from 3 up, so that the run can still speak. */
function valueOf(kind: string, random: () => number): unknown {
  const one = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T;
  if (random() < 0.1) return one(things);
  switch (kind) {
    case "f":
    case "d":
      return random() < 0.1 ? one([1_000, native.AT_FDCWD, -1]) : 3 + Math.floor(random() * 40);
    case "s":
    case "S":
      return random() < 0.2 ? one([null, new Uint8Array([0xff, 0x61]), native.encodeUtf8(one(names))]) : one(names);
    case "x":
      return one([...names, "\uD800", "€".repeat(1_000)]);
    case "Q":
    case "A":
      return one(objects);
    case "I":
      return one([[], [3], [4, 5, 100], [0, 1, 2, 3]]);
    case "b":
      return one([new Uint8Array(0), new Uint8Array(100), native.getrandom(200)]);
    case "t":
    case "l":
      return one([0, 1, 0.5, 100, 5_000]);
    default:
      return random() < 0.2 ? goodValues[kind] : one(numbers);
  }
}

/** Callers that were started, of which some have ended. */
const callers: number[] = [];

/** What keeps a call from waiting for ever, and the program from becoming another. */
function tamed(name: string, values: unknown[], random: () => number): unknown[] {
  if (
    (name.endsWith("By") || name.endsWith("Caller") || name === "takeAnswer") &&
    values.length > 0 &&
    random() < 0.9
  ) {
    values[0] = callers[Math.floor(random() * callers.length)];
  }
  switch (name) {
    case "poll":
    case "ppoll":
      values[2] = 0;
      break;
    case "flock":
      if (typeof values[1] === "number") values[1] |= native.LOCK_NB;
      break;
    case "pipe":
      values[0] = native.O_NONBLOCK;
      break;
    case "fcntl":
      // Never F_SETFL, which could make a pipe block.
      if (values[1] === native.F_SETFL) values[1] = native.F_GETFL;
      break;
    case "waitid":
      if (typeof values[1] === "number") values[1] |= native.WNOHANG;
      break;
    case "read":
    case "recvfrom":
    case "recvmsg":
      if (typeof values[1] === "number" && values[1] > 5_000) values[1] = 5_000;
      break;
    case "execve":
      // It must not come to pass.
      values[0] = objects[7 + (typeof values[0] === "object" ? 0 : 1)];
      break;
  }
  return values;
}

export function fuzz(seed: number, count: number): void {
  const random = randomOf(seed);
  const callable = Object.keys(signatures).filter((name) => !(name in excluded));
  const done = { given: 0, refused: 0, failed: 0 };
  for (let index = 0; index < count; index++) {
    const name = callable[Math.floor(random() * callable.length)] ?? "";
    // A child takes a thousand times as long as any other call.
    if ((name === "fork" || name === "spawn" || name === "startCaller" || name === "closeCaller") && random() < 0.9)
      continue;
    const { kinds, least } = kindsOf(name);
    const length =
      random() < 0.05 ? Math.floor(random() * 7) : least + Math.floor(random() * (kinds.length - least + 1));
    const values = Array.from({ length }, (_, place) => {
      const value = valueOf(kinds[place] ?? "i", random);
      // 0 to 2 are how the run speaks.
      return kinds[place] === "f" && typeof value === "number" && value >= 0 && value < 3 ? 3 : value;
    });
    try {
      const result = functionOf(name)(...tamed(name, values, random));
      if (name === "startCaller") callers.push((result as ReturnType<typeof native.startCaller>).pid);
      done.given++;
    } catch (error) {
      check(error instanceof Error, `${name} throws what is no error`);
      if (error instanceof TypeError || error instanceof RangeError) done.refused++;
      else done.failed++;
    }
    while (index % 1_000 === 0 && native.waitid(0, native.WEXITED | native.WNOHANG) !== undefined);
  }
  report(JSON.stringify(done));
  for (const [kind, calls] of Object.entries(done)) check(calls > count / 20, `only ${calls} calls ${kind}`);
}
