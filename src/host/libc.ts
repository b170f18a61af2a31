// The system calls a JavaScript runtime does not offer, through libc by FFI.
import { dlopen, ptr, read, type Pointer } from "bun:ffi";

const machine = process.arch === "x64" ? "x86_64" : "aarch64";

/** Functions of this machine's C library. */
export function openLibc<const Symbols extends Parameters<typeof dlopen>[1]>(symbols: Symbols) {
  try {
    return dlopen("libc.so.6", symbols).symbols;
  } catch {
    return dlopen(`libc.musl-${machine}.so.1`, symbols).symbols;
  }
}

const libc = openLibc({
  _exit: { args: ["i32"], returns: "void" },
  __errno_location: { args: [], returns: "ptr" },
  fcntl: { args: ["i32", "i32", "i64"], returns: "i32" },
  getpgid: { args: ["i32"], returns: "i32" },
  isatty: { args: ["i32"], returns: "i32" },
  kill: { args: ["i32", "i32"], returns: "i32" },
  poll: { args: ["ptr", "u64", "i32"], returns: "i32" },
  posix_spawnattr_init: { args: ["ptr"], returns: "i32" },
  posix_spawnattr_setflags: { args: ["ptr", "i16"], returns: "i32" },
  posix_spawnattr_setpgroup: { args: ["ptr", "i32"], returns: "i32" },
  posix_spawnattr_setsigdefault: { args: ["ptr", "ptr"], returns: "i32" },
  posix_spawnattr_setsigmask: { args: ["ptr", "ptr"], returns: "i32" },
  posix_spawnp: { args: ["ptr", "ptr", "ptr", "ptr", "ptr", "ptr"], returns: "i32" },
  prctl: { args: ["i32", "u64", "u64", "u64", "u64"], returns: "i32" },
  prlimit: { args: ["i32", "i32", "ptr", "ptr"], returns: "i32" },
  sigemptyset: { args: ["ptr"], returns: "i32" },
  signal: { args: ["i32", "ptr"], returns: "ptr" },
  syscall: { args: ["i64", "i64", "i64", "i64"], returns: "i64" },
  tcgetpgrp: { args: ["i32"], returns: "i32" },
  tcsetpgrp: { args: ["i32", "i32"], returns: "i32" },
  waitid: { args: ["i32", "u32", "ptr", "i32"], returns: "i32" },
});

/** Symbols that only a role with shares needs; looked up at their first use. */
function openMountCalls() {
  return openLibc({
    clock_gettime: { args: ["i32", "ptr"], returns: "i32" },
    flock: { args: ["i32", "i32"], returns: "i32" },
    mkdirat: { args: ["i32", "ptr", "u32"], returns: "i32" },
    mount: { args: ["ptr", "ptr", "ptr", "u64", "ptr"], returns: "i32" },
    openat: { args: ["i32", "ptr", "i32", "u32"], returns: "i32" },
    umount2: { args: ["ptr", "i32"], returns: "i32" },
  });
}
let openedMountCalls: ReturnType<typeof openMountCalls> | undefined;
function mountCalls() {
  return (openedMountCalls ??= openMountCalls());
}

/** Numbers of errno(3) on Linux, all architectures we build for. */
export const errno = {
  EPERM: 1,
  ENOENT: 2,
  ENOEXEC: 8,
  EAGAIN: 11,
  EACCES: 13,
  EBUSY: 16,
  EEXIST: 17,
  ENODEV: 19,
  ENOTDIR: 20,
  EINVAL: 22,
  ELOOP: 40,
} as const;

/** errno of the call before. */
export function lastErrno(): number {
  const location = libc.__errno_location();
  return location === null ? 0 : read.i32(location);
}

const encoder = new TextEncoder();

/** NUL-terminated bytes of a string, or of raw bytes, for a C call. */
export function cString(value: string | Uint8Array): Uint8Array {
  const bytes = typeof value === "string" ? encoder.encode(value) : value;
  const terminated = new Uint8Array(bytes.byteLength + 1);
  terminated.set(bytes);
  return terminated;
}

/** A NULL-terminated array of C strings, with the buffers that must outlive the call. */
export function cVector(values: readonly Uint8Array[]) {
  const strings = values.map(cString);
  const pointers = new BigUint64Array(strings.length + 1);
  strings.forEach((string, index) => {
    pointers[index] = BigInt(ptr(string));
  });
  return { pointers, strings };
}

/** A program to execute. */
export interface ExecRequest {
  /** Looked up in PATH when it has no slash. */
  readonly file: Uint8Array;
  /** argv, the first entry included. */
  readonly argv: readonly Uint8Array[];
  readonly env: readonly Uint8Array[];
}

export type SpawnOutcome =
  | { readonly kind: "spawned"; readonly pid: number }
  | { readonly kind: "failed"; readonly errno: number };

const POSIX_SPAWN_SETPGROUP = 0x02;
const POSIX_SPAWN_SETSIGDEF = 0x04;
const POSIX_SPAWN_SETSIGMASK = 0x08;
/** Larger than posix_spawnattr_t (336 bytes) and sigset_t (128 bytes) of glibc and musl. */
const attributeBytes = 512;

/**
 * Starts a process in a process group of its own, with every signal at its default and none blocked; descriptors, working
 * directory, umask and limits are inherited. The runtime does not know this child: reap it with `collect`.
 */
export function spawnInGroup({ file, argv, env }: ExecRequest): SpawnOutcome {
  const attributes = new Uint8Array(attributeBytes);
  const signals = new Uint8Array(128);
  libc.posix_spawnattr_init(attributes);
  libc.sigemptyset(signals);
  libc.posix_spawnattr_setsigmask(attributes, signals);
  // Every bit, because sigfillset(3) leaves out the two that glibc uses itself, which its posix_spawn then sets to ignored.
  signals.fill(0xff);
  libc.posix_spawnattr_setsigdefault(attributes, signals);
  libc.posix_spawnattr_setpgroup(attributes, 0);
  libc.posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
  const pid = new Int32Array(1);
  const argvVector = cVector(argv);
  const envVector = cVector(env);
  const failure = libc.posix_spawnp(pid, cString(file), null, attributes, argvVector.pointers, envVector.pointers);
  return failure === 0 ? { kind: "spawned", pid: pid[0] ?? 0 } : { kind: "failed", errno: failure };
}

const SIG_DFL = 0 as Pointer;
const SIG_SETMASK = 2;
const lastSignal = 64;
const SIGPWR = 30;

/**
 * Becomes another program, looked up in PATH, with every signal at its default and none blocked (execvpe(3)); gives errno where
 * that fails. Signals are at their defaults from then on: whoever goes on must end.
 */
export function execute({ file, argv, env }: ExecRequest): number {
  const { execvpe, sigprocmask } = openLibc({
    execvpe: { args: ["ptr", "ptr", "ptr"], returns: "i32" },
    sigprocmask: { args: ["i32", "ptr", "ptr"], returns: "i32" },
  });
  const argvVector = cVector(argv);
  const envVector = cVector(env);
  const name = cString(file);
  for (let signal = 1; signal <= lastSignal; signal++) {
    // The runtime's threads stop one another by this one until the moment of the call, which resets its handler itself.
    if (signal !== SIGPWR) libc.signal(signal, SIG_DFL);
  }
  sigprocmask(SIG_SETMASK, new Uint8Array(128), null);
  execvpe(name, argvVector.pointers, envVector.pointers);
  return lastErrno();
}

/** How a child ended, as waitid(2) tells it: `code` of exit(3), or the signal, real-time ones too. */
export interface ChildEnd {
  readonly pid: number;
  readonly ended: "exited" | "signalled";
  readonly value: number;
}

const P_ALL = 0;
const P_PID = 1;
const WNOHANG = 1;
const WSTOPPED = 2;
const WEXITED = 4;
const WNOWAIT = 0x0100_0000;
const CLD_EXITED = 1;

/** A child that has ended and is not yet reaped, left as it is; undefined where there is none. */
export function peekEndedChild(): ChildEnd | undefined {
  // siginfo_t of 64-bit Linux: si_code at byte 8, si_pid at 16, si_status at 24.
  const info = new Int32Array(32);
  if (libc.waitid(P_ALL, 0, info, WEXITED | WNOHANG | WNOWAIT) !== 0) return undefined;
  const [, , code = 0, , pid = 0, , value = 0] = info;
  return pid === 0 ? undefined : { pid, ended: code === CLD_EXITED ? "exited" : "signalled", value };
}

/** Reaps one ended child. */
export function collect(pid: number): void {
  libc.waitid(P_PID, pid, new Int32Array(32), WEXITED | WNOHANG);
}

/** The signal that has stopped a child since this was last asked; undefined where none has. */
export function takeStop(pid: number): number | undefined {
  const info = new Int32Array(32);
  if (libc.waitid(P_PID, pid, info, WSTOPPED | WNOHANG) !== 0) return undefined;
  return info[4] === pid ? info[6] : undefined;
}

/** kill(2); whether the signal was sent. */
export function kill(pid: number, signal: number): boolean {
  return libc.kill(pid, signal) === 0;
}

const PR_SET_CHILD_SUBREAPER = 36;
/** Makes orphans among our descendants our children, as they are for PID 1 (prctl(2)). */
export function becomeSubreaper(): void {
  libc.prctl(PR_SET_CHILD_SUBREAPER, 1n, 0n, 0n, 0n);
}

const SYS_close = process.arch === "x64" ? 3n : 57n;
const SYS_pidfd_open = 434n;
/** Whether the kernel has pidfd_open(2); without it the runtime takes SIGCHLD for itself (kernels before 5.3). */
export function hasPidfd(): boolean {
  const fd = libc.syscall(SYS_pidfd_open, BigInt(process.pid), 0n, 0n);
  if (fd < 0n) return false;
  libc.syscall(SYS_close, fd, 0n, 0n);
  return true;
}

const RLIMIT_NOFILE = 7;
/** Limits of open files: soft and hard (getrlimit(2)). */
export function openFileLimits(): { readonly soft: bigint; readonly hard: bigint } {
  const limits = new BigUint64Array(2);
  libc.prlimit(0, RLIMIT_NOFILE, null, limits);
  return { soft: limits[0] ?? 0n, hard: limits[1] ?? 0n };
}

export function setOpenFileLimits(limits: { readonly soft: bigint; readonly hard: bigint }): void {
  libc.prlimit(0, RLIMIT_NOFILE, new BigUint64Array([limits.soft, limits.hard]), null);
}

const SIGTTOU = 22;
const SIG_IGN = 1 as Pointer;

/** Whether a descriptor is a terminal. */
export function isTerminal(fd: number): boolean {
  return libc.isatty(fd) === 1;
}

/**
 * The process group in the foreground of the terminal `fd`; 0 where it lies outside our pid namespace, whose init we then are;
 * undefined where `fd` is not our controlling terminal.
 */
export function foregroundGroup(fd: number): number | undefined {
  const group = libc.tcgetpgrp(fd);
  return group < 0 ? undefined : group;
}

/** Our own process group. */
export function ownGroup(): number {
  return libc.getpgid(0);
}

/** Makes `group` the terminal's foreground process group, also from the background (SIGTTOU is ignored from here on). */
export function setForegroundGroup(fd: number, group: number): void {
  libc.signal(SIGTTOU, SIG_IGN);
  libc.tcsetpgrp(fd, group);
}

const POLLOUT = 4;
/** Whether a write of up to PIPE_BUF bytes to `fd` would neither block nor meet a reader that is gone, which would be SIGPIPE. */
export function isWritable(fd: number): boolean {
  // struct pollfd: the descriptor, then two 16-bit words, events and revents.
  const request = new Int32Array([fd, POLLOUT]);
  return libc.poll(request, 1n, 0) > 0 && (request[1] ?? 0) >> 16 === POLLOUT;
}

const F_GETFD = 1;
const F_SETFD = 2;
const F_GETFL = 3;
const F_SETFL = 4;
const FD_CLOEXEC = 1;

/** Whether a descriptor is closed when another program is executed, set anew. */
export function setCloseOnExec(fd: number, isClosed: boolean): void {
  const flags = libc.fcntl(fd, F_GETFD, 0n);
  if (flags >= 0) libc.fcntl(fd, F_SETFD, BigInt(isClosed ? flags | FD_CLOEXEC : flags & ~FD_CLOEXEC));
}

/** File status flags of an open file (O_NONBLOCK, ...); -1 where `fd` is not open. They are shared by all who hold it. */
export function statusFlags(fd: number): number {
  return libc.fcntl(fd, F_GETFL, 0n);
}

export function setStatusFlags(fd: number, flags: number): void {
  libc.fcntl(fd, F_SETFL, BigInt(flags));
}

/**
 * Ends this process at once. The runtime's own way out would set the terminal back to what it was at the start, from the
 * background too, and undo what COMMAND or another program has made of it.
 */
export function exitNow(code: number): never {
  libc._exit(code);
  throw new Error("_exit(2) has returned");
}

/** The result of a call that gives 0 or sets errno. */
export function resultOf(returned: number): number {
  return returned === 0 ? 0 : lastErrno();
}

/** mount(2); 0, or errno. */
export function mount(
  source: string,
  target: string,
  fstype: string | null,
  flags: number,
  data: string | null,
): number {
  const type = fstype === null ? null : cString(fstype);
  const text = data === null ? null : cString(data);
  return resultOf(mountCalls().mount(cString(source), cString(target), type, BigInt(flags), text));
}

export const mountFlags = {
  MS_RDONLY: 1,
  MS_NOSUID: 2,
  MS_NODEV: 4,
  MS_NOEXEC: 8,
  MS_REMOUNT: 32,
  MS_BIND: 4096,
  MS_MOVE: 8192,
  MS_PRIVATE: 1 << 18,
} as const;
export const umountFlags = { MNT_FORCE: 1, MNT_DETACH: 2, UMOUNT_NOFOLLOW: 8 } as const;

/** umount2(2); 0, or errno. */
export function umount2(target: string, flags: number): number {
  return resultOf(mountCalls().umount2(cString(target), flags));
}

const LOCK_EX = 2;
const LOCK_NB = 4;
/** Takes an exclusive flock(2) without waiting; whether it was free. It lasts until the descriptor is closed. */
export function tryLock(fd: number): boolean {
  return mountCalls().flock(fd, LOCK_EX | LOCK_NB) === 0;
}

const O_PATH = 0x20_0000;
const O_CLOEXEC = 0x8_0000;
// The two flags differ between x86 and ARM (asm/fcntl.h).
const O_DIRECTORY = process.arch === "x64" ? 0x1_0000 : 0x4000;
const O_NOFOLLOW = process.arch === "x64" ? 0x2_0000 : 0x8000;

const SYS_getdents64 = process.arch === "x64" ? 217n : 61n;

/** Reads the first few entries of a directory and no more, however many it has; 0, or errno (getdents64(2)). */
export function readFirstEntries(path: string): number {
  const fd = mountCalls().openat(-1, cString(path), O_DIRECTORY | O_CLOEXEC, 0);
  if (fd < 0) return lastErrno();
  const entries = new Uint8Array(4_096);
  const length = libc.syscall(SYS_getdents64, BigInt(fd), BigInt(ptr(entries)), BigInt(entries.byteLength));
  const failure = length < 0n ? lastErrno() : 0;
  libc.syscall(SYS_close, BigInt(fd), 0n, 0n);
  return failure;
}

export type Opened =
  | { readonly kind: "opened"; readonly fd: number }
  | { readonly kind: "failed"; readonly errno: number };

/** Opens the directory `name` of the directory `fd`, or an absolute path, never through a symlink at its end (openat(2)). */
export function openDirectory(fd: number, name: string): Opened {
  const opened = mountCalls().openat(fd, cString(name), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0);
  return opened >= 0 ? { kind: "opened", fd: opened } : { kind: "failed", errno: lastErrno() };
}

/** mkdirat(2) with mode 0755; 0, or errno. */
export function makeDirectory(fd: number, name: string): number {
  return resultOf(mountCalls().mkdirat(fd, cString(name), 0o755));
}

const CLOCK_BOOTTIME = 7;
/** Milliseconds since boot, sleep included; it never jumps (clock_gettime(2)). */
export function bootTimeMs(): number {
  const time = new BigInt64Array(2);
  mountCalls().clock_gettime(CLOCK_BOOTTIME, time);
  return Number(time[0] ?? 0n) * 1_000 + Number(time[1] ?? 0n) / 1e6;
}
