// What each function of the module takes; a letter for the kind of each argument, and `?` before those that may be left out.
import * as native from "native";

/** Every function that is exported; the table of cases below is held against the module by a test. */
export const signatures: Readonly<Record<string, string>> = {
  argv: "",
  environ: "",
  exit: "n",
  getpid: "",
  getppid: "",
  geteuid: "",
  getegid: "",
  getpgid: "i",
  uname: "",
  sethostname: "s",
  umask: "m",
  chdir: "s",
  chroot: "s",
  getcwd: "",
  bootTimeMs: "",
  getrandom: "c",
  processorCount: "",
  encodeUtf8: "x",
  decodeUtf8: "b?y",
  encodeLatin1: "x",
  decodeLatin1: "b",
  watch: "feF",
  unwatch: "f",
  setTimer: "tF",
  clearTimer: "l",
  onSignal: "F",
  onFault: "F",
  onRejection: "F",
  fork: "FI",
  startCaller: "",
  closeCaller: "i",
  takeAnswer: "i",
  mountBy: "issSuS",
  umount2By: "isi",
  statfsBy: "is",
  statBy: "is",
  mkdirBy: "ism",
  rmdirBy: "is",
  unlinkBy: "is",
  renameBy: "iss",
  openBy: "isi?m",
  closeBy: "if",
  writeBy: "ifb",
  fchmodBy: "ifm",
  getdentsBy: "if",
  spawn: "Q",
  execve: "Q",
  waitid: "fi",
  kill: "ik",
  prctl: "iu",
  getrlimitNofile: "",
  capget: "",
  setgroups: "I",
  setresgid: "g",
  setresuid: "g",
  unshare: "i",
  openat: "dsi?m",
  open: "si?m",
  close: "f",
  read: "fc?l",
  write: "fb?l",
  pipe: "u",
  poll: "fei",
  ppoll: "Iei",
  fcntl: "fii",
  flock: "fi",
  stat: "s",
  lstat: "s",
  fstat: "f",
  access: "si",
  readlink: "s",
  realpath: "s",
  getdents: "f",
  mkdirat: "dsm",
  mkdir: "sm",
  unlink: "s",
  rename: "ss",
  fchmod: "fm",
  fchown: "fgg",
  ftruncate: "fl",
  fsync: "f",
  statfs: "s",
  mount: "ssSuS",
  umount2: "si",
  fsopen: "s",
  fsconfig: "fsS",
  fsconfigCreate: "f",
  fsmount: "fu",
  openTree: "dsu",
  moveMount: "fds",
  socket: "ii?i",
  connect: "fA",
  bind: "fA",
  listen: "fi",
  accept: "f",
  getsockname: "f",
  getpeername: "f",
  getsockopt: "fii",
  rmdir: "p",
  takeError: "f",
  unblockSignals: "",
  setsockopt: "fiii",
  setLingerZero: "f",
  send: "fb",
  sendto: "fbA",
  recvfrom: "fc",
  sendmsg: "fbAs",
  recvmsg: "fc",
  getaddrinfo: "si",
  isatty: "f",
  tcgetpgrp: "f",
  tcsetpgrp: "fi",
  stopSelf: "k",
};

export type AnyFunction = (...values: readonly unknown[]) => unknown;

export function functionOf(name: string): AnyFunction {
  const all: Readonly<Record<string, unknown>> = native;
  return all[name] as AnyFunction;
}

/** The kinds of a function's arguments, and how many must be given. */
export function kindsOf(name: string): { readonly kinds: readonly string[]; readonly least: number } {
  const signature = signatures[name] ?? "";
  const optional = signature.indexOf("?");
  const kinds = Array.from(signature.replace("?", ""));
  return { kinds, least: optional < 0 ? kinds.length : optional };
}

const nothing = (): void => {};

/** A value of each kind that is taken and does no harm, should a call come to pass. */
export const goodValues: Readonly<Record<string, unknown>> = {
  f: 1_000_000,
  d: 1_000_000,
  i: 1_000_000,
  u: 0,
  m: 0,
  g: 0,
  k: 0,
  n: 0,
  e: 1,
  c: 1,
  l: 1,
  t: 1_000_000,
  x: "text",
  s: "/nonexistent",
  S: null,
  b: new Uint8Array(4),
  y: true,
  F: nothing,
  I: [],
  Q: { file: "/nonexistent/program", argv: ["program"], env: [] },
  A: { address: "127.0.0.1", port: 9 },
};

const notNumbers: readonly unknown[] = [
  "1",
  null,
  undefined,
  true,
  {},
  [],
  1n,
  Symbol("s"),
  nothing,
  new Uint8Array(1),
];
const notWhole: readonly unknown[] = [NaN, Infinity, -Infinity, 0.5, 1e300, -1e300];
const notStrings: readonly unknown[] = [
  1,
  null,
  undefined,
  true,
  {},
  ["a"],
  1n,
  Symbol("s"),
  nothing,
  "a\0b",
  new Uint8Array([97, 0, 98]),
  new Uint16Array(2),
  new Int8Array(2),
  new Uint8ClampedArray(2),
  new DataView(new ArrayBuffer(2)),
  new ArrayBuffer(2),
  new String("a"),
];
const notObjects: readonly unknown[] = [1, "a", null, undefined, true, 1n, Symbol("s")];
const broken = {
  get file(): never {
    throw new TypeError("a getter that throws");
  },
};

function badProgram(change: Readonly<Record<string, unknown>>): unknown {
  return { ...(goodValues["Q"] as object), ...change };
}

/** Values of each kind that must be refused. */
export const badValues: Readonly<Record<string, readonly unknown[]>> = {
  f: [...notNumbers, ...notWhole, -1, 2 ** 31],
  d: [...notNumbers, ...notWhole, -1, -99, -101, 2 ** 31],
  i: [...notNumbers, ...notWhole, 2 ** 31, -(2 ** 31) - 1],
  u: [...notNumbers, ...notWhole, -1, 2 ** 32],
  m: [...notNumbers, ...notWhole, -1, 0o10000],
  g: [...notNumbers, ...notWhole, -1, 2 ** 32 - 1],
  k: [...notNumbers, ...notWhole, -1, 65],
  n: [...notNumbers, ...notWhole, -1, 256],
  e: [...notNumbers, ...notWhole, -1, 0x8000],
  c: [...notNumbers, ...notWhole, -1, 2 ** 20 + 1],
  l: [...notNumbers, ...notWhole, -1, 2 ** 53],
  t: [...notNumbers, NaN, Infinity, -Infinity, -1, -0.001, 1e13],
  x: notStrings.filter((value) => typeof value !== "string"),
  s: notStrings,
  S: notStrings.filter((value) => value !== null),
  b: [...notStrings.filter((value) => !(value instanceof Uint8Array)), "text"],
  y: [...notNumbers.filter((value) => value !== undefined && value !== true), 0, 1],
  F: [...notObjects, {}, [], "nothing"],
  I: [
    ...notObjects,
    {},
    nothing,
    { length: 1, 0: 1 },
    new Uint8Array(2),
    [-1],
    ["1"],
    [1, 2, NaN],
    [0.5],
    [undefined],
    [2 ** 32 - 1],
    [[1]],
    Array.from({ length: 2 }),
  ],
  Q: [
    ...notObjects,
    {},
    [],
    nothing,
    broken,
    { file: "a" },
    { file: "a", argv: ["a"] },
    ...notStrings.map((file) => badProgram({ file })),
    ...[1, "a", null, {}, [1], ["a", null], ["a\0"], new Uint8Array(1)].flatMap((list) => [
      badProgram({ argv: list }),
      badProgram({ env: list }),
    ]),
    ...[null, 0, 0.5, "a\0b", {}].map((directory) => badProgram({ directory })),
    ...[null, "0", 0.5, -1, 0o10000, {}].map((umask) => badProgram({ umask })),
    ...[null, "0", 0.5, -1, 2 ** 53, {}].map((nofile) => badProgram({ nofile })),
    ...[null, 1, {}, [64], [-1], ["1"], [0.5]].map((dropCapabilities) => badProgram({ dropCapabilities })),
    ...[null, 1, {}, [], { uid: 1 }, { uid: 1, gid: -1 }, { uid: -1, gid: 1, groups: [] }].map((identity) =>
      badProgram({ identity }),
    ),
    ...[null, 1, {}, [-1], ["1"], [2 ** 32 - 1]].map((groups) => badProgram({ identity: { uid: 1, gid: 1, groups } })),
  ],
  A: [
    ...notObjects,
    {},
    { port: 1 },
    { address: "127.0.0.1" },
    ...["", "x", "127.0.0", "127.1", "1", "0x7f.1", "::g", "1.2.3.4%lo", "127.0.0.1 ", 1, null, "::1\0"].map(
      (address) => ({ address, port: 1 }),
    ),
    ...["1", -1, 65_536, 0.5, null, undefined].map((port) => ({ address: "::1", port })),
    ...["", "a\0b", 1, null, {}].map((path) => ({ path })),
    ...[-1, 2 ** 31, 0.5, "1", null].map((interfaceIndex) => ({ interfaceIndex, protocol: 1 })),
    ...[-1, 65_536, 0.5, "1", null, undefined].map((protocol) => ({ interfaceIndex: 1, protocol })),
  ],
};

/** What only a child program has. */
export const badChildren: readonly unknown[] = [
  ...[null, 1, "true", {}].flatMap((flag) => [badProgram({ newGroup: flag }), badProgram({ diesWithParent: flag })]),
  ...[null, "0", 0.5, -1, 2 ** 31, {}].flatMap((fd) => [
    badProgram({ foreground: fd }),
    badProgram({ stdin: fd }),
    badProgram({ stdout: fd }),
    badProgram({ stderr: fd }),
    badProgram({ report: fd }),
  ]),
];
