// The machine as native/ offers it: one function for each system call, named as it, with the names of its man page.
// A call that fails throws a NativeError. An argument of a wrong type, count or range throws a TypeError or a RangeError before
// anything is done. Every descriptor that is opened here is closed on exec.
declare module "native" {
  /** A file's name, or any other C string: text as UTF-8, or bytes as they are. One that holds a NUL is refused. */
  export type CString = string | Uint8Array;

  /** A system call that failed: message `ENOENT: no such file or directory, open '/x'`. */
  export interface NativeError extends Error {
    /** The name of the errno (errno(3)), or of the error of getaddrinfo(3): `ENOENT`, `EAI_NONAME`. */
    readonly code: string;
    /** The call, or for a program that could not be started the step that failed: `setgroups`, `execve`. */
    readonly syscall: string;
  }

  // --- the program -----------------------------------------------------------------------------------------------------------

  export const architecture: "x64" | "arm64";
  /** The arguments, the program's own name first, as bytes. */
  export function argv(): Uint8Array[];
  /** The environment, `NAME=value` each, as bytes. */
  export function environ(): Uint8Array[];
  /** _exit(2): at once, with nothing flushed and nobody asked. */
  export function exit(code: number): never;
  export function getpid(): number;
  export function getppid(): number;
  export function geteuid(): number;
  export function getegid(): number;
  /** The process group of a process, 0 for our own. */
  export function getpgid(pid: number): number;
  export function uname(): { readonly nodename: string; readonly release: string; readonly machine: string };
  export function sethostname(name: CString): void;
  export function umask(mask: number): number;
  export function chdir(path: CString): void;
  /** chroot(2); the working directory stays where it is. */
  export function chroot(path: CString): void;
  export function getcwd(): string;
  /** clock_gettime(2) of CLOCK_BOOTTIME in milliseconds: it never jumps and counts while the machine sleeps. */
  export function bootTimeMs(): number;
  /** Random bytes, 256 at most (getrandom(2)). */
  export function getrandom(count: number): Uint8Array;
  /** sched_getaffinity(2): how many processors we may run on. */
  export function processorCount(): number;

  // --- text ------------------------------------------------------------------------------------------------------------------

  export function encodeUtf8(text: string): Uint8Array;
  /** What is not UTF-8 becomes U+FFFD, or throws a TypeError where `fatal`. A byte order mark stays. */
  export function decodeUtf8(bytes: Uint8Array, fatal?: boolean): string;
  /** A byte a character; a character above U+00FF throws a RangeError. */
  export function encodeLatin1(text: string): Uint8Array;
  export function decodeLatin1(bytes: Uint8Array): string;

  // --- the loop --------------------------------------------------------------------------------------------------------------

  /** Calls back whenever `fd` has one of `events` (POLLIN, POLLOUT) or an error (poll(2)); replaces what was asked for it before. */
  export function watch(fd: number, events: number, call: (events: number) => void): void;
  /** Must come before `fd` is closed; does nothing where it is not watched. One that is closed is told once more (POLLNVAL, 32). */
  export function unwatch(fd: number): void;
  /** Calls back once after so many milliseconds of CLOCK_BOOTTIME, 0 to 1e12; a fraction counts. Gives a number above 0. */
  export function setTimer(ms: number, call: () => void): number;
  /** Does nothing for one that has run or was never set. */
  export function clearTimer(timer: number): void;
  /**
   * Calls back for each signal as the kernel delivers it (signalfd(2)): all 64 but KILL and STOP are blocked from the first
   * instruction on, and wait until this is called. `pid` is the sender's, or the child's of SIGCHLD.
   */
  export function onSignal(call: (signal: number, pid: number) => void): void;
  /** Lets every signal do what it does by default, for a program that is to end by them. */
  export function unblockSignals(): void;
  /** Calls back for an exception out of any callback; without it one is printed to stderr. The loop goes on in any case. */
  export function onFault(call: (error: unknown) => void): void;
  /**
   * Calls back for a promise that is rejected with nobody to take it, and again with `isHandled` when somebody does later, be it
   * in the same turn. Without it the reason is printed to stderr. Where nothing is left to wait for, the program ends: with 0,
   * or with 70 where its first module has failed.
   */
  export function onRejection(call: (promise: Promise<unknown>, reason: unknown, isHandled: boolean) => void): void;

  // --- processes -------------------------------------------------------------------------------------------------------------

  /**
   * Runs `work` in a child and gives its pid. The child has a copy of everything, no descriptor but those of `keep` (which keep
   * their numbers), no signal blocked, every one at its default, and SIGKILL when its parent ends (PR_SET_PDEATHSIG). It ends
   * with 0 when `work` returns and with 70 when it throws; the loop never runs in it.
   */
  export function fork(work: () => void, keep: readonly number[]): number;

  /**
   * Starts a process that makes calls for us, one at a time: one that blocks blocks nobody else. It has no descriptor of ours, all signals
   * blocked, and SIGKILL when its parent ends. `answers` can be read when a call has ended, and when the process has.
   */
  export function startCaller(): { readonly pid: number; readonly answers: number };
  /** Has its process end once it has nothing to do, and closes `answers`; what it is asked then is refused by a RangeError. */
  export function closeCaller(pid: number): void;
  /** What the call that a caller was asked for gave: as the call itself, but null at the end of a directory; undefined where the process has ended; EAGAIN before. */
  export function takeAnswer(pid: number): unknown;
  // Each asks a caller for the call of that name. One that is asked already is refused by a RangeError; arguments above 48 KiB are E2BIG.
  export function mountBy(
    pid: number,
    source: CString,
    target: CString,
    fstype: CString | null,
    flags: number,
    data: CString | null,
  ): void;
  export function umount2By(pid: number, target: CString, flags: number): void;
  export function statfsBy(pid: number, path: CString): void;
  export function statBy(pid: number, path: CString): void;
  export function mkdirBy(pid: number, path: CString, mode: number): void;
  export function rmdirBy(pid: number, path: CString): void;
  export function unlinkBy(pid: number, path: CString): void;
  export function renameBy(pid: number, from: CString, to: CString): void;
  /** The descriptor is the caller's own, and so are those below. */
  export function openBy(pid: number, path: CString, flags: number, mode?: number): void;
  export function closeBy(pid: number, fd: number): void;
  export function writeBy(pid: number, fd: number, bytes: Uint8Array): void;
  export function fchmodBy(pid: number, fd: number, mode: number): void;
  export function getdentsBy(pid: number, fd: number): void;

  /** What a process becomes. What is left out stays as it is. */
  export interface Program {
    /** Looked up in PATH, ours, when it has no slash (execvpe(3)); a script without an interpreter is ENOEXEC. */
    readonly file: CString;
    /** The first is the program's name. */
    readonly argv: readonly CString[];
    readonly env: readonly CString[];
    /** It becomes the working directory (chdir(2)). */
    readonly directory?: CString | undefined;
    readonly umask?: number | undefined;
    /** Soft limit of open files; the hard one bounds it. */
    readonly nofile?: number | undefined;
    /** Taken from the bounding, effective, permitted, inheritable and ambient sets. */
    readonly dropCapabilities?: readonly number[] | undefined;
    /** setgroups(2), which is left out with `groups`, setresgid(2), setresuid(2), in this order. */
    readonly identity?:
      | { readonly uid: number; readonly gid: number; readonly groups?: readonly number[] | undefined }
      | undefined;
  }

  export interface ChildProgram extends Program {
    /** In a process group of its own. */
    readonly newGroup?: boolean | undefined;
    /** A terminal whose foreground the new group becomes before it runs. */
    readonly foreground?: number | undefined;
    /** Descriptors that become 0, 1 and 2. */
    readonly stdin?: number | undefined;
    readonly stdout?: number | undefined;
    readonly stderr?: number | undefined;
    /** SIGKILL when nfs-init ends. */
    readonly diesWithParent?: boolean | undefined;
    /**
     * The write end of a pipe. `spawn` then gives the pid at once, and nobody waits for what may block: the pipe ends when the
     * program runs, or when it cannot, after the step that failed and its errno: `execve ENOENT`. That child ends with 127.
     */
    readonly report?: number | undefined;
  }

  /**
   * fork(2) and execve(2): gives the pid once the program runs; what fails on the way throws, with the child reaped, where there
   * is no `report`. No signal is blocked in it and every one is at its default.
   */
  export function spawn(program: ChildProgram): number;
  /**
   * Becomes the program; returns only by an exception, and then as much as was changed before the step that failed stays changed,
   * but that signals wait again.
   */
  export function execve(program: Program): never;

  /** How a child has changed: `code` is CLD_EXITED (1), CLD_KILLED (2), CLD_DUMPED (3), CLD_STOPPED (5); `status` of exit(3), or the signal. */
  export interface ChildStatus {
    readonly pid: number;
    readonly code: number;
    readonly status: number;
  }
  /** waitid(2) of one child, or of any where `pid` is 0; undefined where WNOHANG finds none, and where there is no child (ECHILD). */
  export function waitid(pid: number, options: number): ChildStatus | undefined;
  export const WNOHANG: number, WSTOPPED: number, WEXITED: number, WNOWAIT: number;
  export function kill(pid: number, signal: number): void;
  /** Gives what the call returns. Options that take an address are refused. */
  export function prctl(option: number, argument: number): number;
  export const PR_SET_CHILD_SUBREAPER: number, PR_CAPBSET_READ: number;
  /** Limits of open files; Infinity where there is none. */
  export function getrlimitNofile(): { readonly soft: number; readonly hard: number };
  /** The capabilities of this process, a bit each. */
  export function capget(): { readonly effective: bigint; readonly permitted: bigint; readonly inheritable: bigint };
  export function setgroups(groups: readonly number[]): void;
  export function setresgid(gid: number): void;
  export function setresuid(uid: number): void;
  export function unshare(flags: number): void;
  export const CLONE_NEWNS: number;
  export const CLONE_NEWUTS: number;

  // --- files -----------------------------------------------------------------------------------------------------------------

  export const O_RDONLY: number, O_WRONLY: number, O_RDWR: number, O_CREAT: number, O_EXCL: number, O_TRUNC: number;
  export const O_NONBLOCK: number, O_DIRECTORY: number, O_NOFOLLOW: number, O_PATH: number, O_TMPFILE: number;
  export const AT_FDCWD: number;
  export function openat(directory: number, path: CString, flags: number, mode?: number): number;
  export function open(path: CString, flags: number, mode?: number): number;
  export function close(fd: number): void;
  /** Up to `count` bytes (at most 1 MiB), from `position` where it is given (pread(2)); none at the end. */
  export function read(fd: number, count: number, position?: number): Uint8Array;
  /** How many bytes were taken, at `position` where it is given (pwrite(2)). It never raises SIGPIPE. */
  export function write(fd: number, bytes: Uint8Array, position?: number): number;
  /** Both ends, blocking; `flags` may be O_NONBLOCK. */
  export function pipe(flags: number): { readonly readEnd: number; readonly writeEnd: number };
  /** poll(2) of one descriptor; gives its events, 0 where none came in time. -1 waits for ever. */
  export function poll(fd: number, events: number, timeoutMs: number): number;
  /** The same of several descriptors at once (ppoll(2)): the events of each, in their order. */
  export function ppoll(fds: readonly number[], events: number, timeoutMs: number): number[];
  export const POLLIN: number, POLLOUT: number, POLLERR: number, POLLHUP: number;
  /** The commands below. */
  export function fcntl(fd: number, command: number, argument: number): number;
  export const F_GETFD: number, F_SETFD: number, F_GETFL: number, F_SETFL: number, FD_CLOEXEC: number;
  /** LOCK_EX | LOCK_NB and their like; a lock that is held throws EAGAIN, of which EWOULDBLOCK is another name. */
  export function flock(fd: number, operation: number): void;
  export const LOCK_SH: number, LOCK_EX: number, LOCK_NB: number, LOCK_UN: number;

  export interface Stat {
    readonly type: "file" | "directory" | "symlink" | "fifo" | "socket" | "character" | "block";
    /** Permission bits, 07777. */
    readonly mode: number;
    readonly uid: number;
    readonly gid: number;
    readonly size: number;
    readonly dev: bigint;
    readonly ino: bigint;
    /** Whole seconds since 1970. */
    readonly mtime: number;
  }
  export function stat(path: CString): Stat;
  export function lstat(path: CString): Stat;
  export function fstat(fd: number): Stat;
  export function access(path: CString, mode: number): void;
  export const R_OK: number, W_OK: number, X_OK: number, F_OK: number;
  export function readlink(path: CString): string;
  /** realpath(3). */
  export function realpath(path: CString): string;
  /** Names of a directory that getdents64(2) gives at once, without `.` and `..`; undefined at the end. */
  export function getdents(fd: number): string[] | undefined;
  export function mkdirat(directory: number, path: CString, mode: number): void;
  export function mkdir(path: CString, mode: number): void;
  export function unlink(path: CString): void;
  export function rmdir(path: CString): void;
  export function rename(from: CString, to: CString): void;
  export function fchmod(fd: number, mode: number): void;
  export function fchown(fd: number, uid: number, gid: number): void;
  export function ftruncate(fd: number, length: number): void;
  export function fsync(fd: number): void;

  // --- mounts ----------------------------------------------------------------------------------------------------------------

  /** In bytes, but for `type` (statfs(2)). */
  export function statfs(path: CString): {
    readonly type: number;
    readonly totalBytes: number;
    readonly freeBytes: number;
    readonly availableBytes: number;
  };
  export function mount(
    source: CString,
    target: CString,
    fstype: CString | null,
    flags: number,
    data: CString | null,
  ): void;
  export const MS_RDONLY: number, MS_NOSUID: number, MS_NODEV: number, MS_NOEXEC: number, MS_REMOUNT: number;
  export const MS_BIND: number, MS_MOVE: number, MS_REC: number, MS_PRIVATE: number, MS_SLAVE: number;
  export function umount2(target: CString, flags: number): void;
  export const MNT_FORCE: number, MNT_DETACH: number, UMOUNT_NOFOLLOW: number;
  /** fsopen(2), a file system context; its messages come by `read`, and ENODATA after the last. */
  export function fsopen(fstype: CString): number;
  /** fsconfig(2): a word alone (FSCONFIG_SET_FLAG) where `value` is null, else FSCONFIG_SET_STRING. */
  export function fsconfig(context: number, key: CString, value: CString | null): void;
  /** fsconfig(2) with FSCONFIG_CMD_CREATE. */
  export function fsconfigCreate(context: number): void;
  /** fsmount(2); gives a descriptor for moveMount. */
  export function fsmount(context: number, attributes: number): number;
  /** open_tree(2). */
  export function openTree(directory: number, path: CString, flags: number): number;
  export const OPEN_TREE_CLONE: number, AT_RECURSIVE: number;
  /** move_mount(2) of what `tree` stands for onto `path`; onto `directory` itself where that is empty. */
  export function moveMount(tree: number, directory: number, path: CString): void;

  // --- sockets ---------------------------------------------------------------------------------------------------------------

  /**
   * A port of an IPv4 or IPv6 address, with its zone where it has one (`fe80::1%eth0`), or a path. The path of a socket without
   * a name is empty; an empty one is refused. One that begins with @ is no path but a name in the network namespace (abstract, unix(7)).
   */
  export type SocketAddress = { readonly address: string; readonly port: number } | { readonly path: string };
  /** A network interface, and the protocol of frames there, an ETH_P_ of packet(7). */
  export interface PacketAddress {
    readonly interfaceIndex: number;
    readonly protocol: number;
  }
  export const AF_UNIX: number, AF_INET: number, AF_INET6: number, AF_UNSPEC: number;
  export const AF_NETLINK: number, AF_PACKET: number;
  export const SOCK_STREAM: number, SOCK_DGRAM: number, SOCK_RAW: number;
  /** Never blocks. The protocol is the family's own unless given, of AF_NETLINK NETLINK_ROUTE (netlink(7)). */
  export function socket(family: number, type: number, protocol?: number): number;
  export const NETLINK_ROUTE: number;
  /** A connection that is being made throws EINPROGRESS. */
  export function connect(fd: number, address: SocketAddress): void;
  export function bind(fd: number, address: SocketAddress | PacketAddress): void;
  export function listen(fd: number, backlog: number): void;
  /** The next connection, which never blocks either; EAGAIN where there is none. */
  export function accept(fd: number): number;
  export function getsockname(fd: number): SocketAddress;
  export function getpeername(fd: number): SocketAddress;
  /** Options whose value is an int. */
  export function getsockopt(fd: number, level: number, option: number): number;
  export function setsockopt(fd: number, level: number, option: number, value: number): void;
  export const SOL_SOCKET: number, SO_REUSEADDR: number, SO_REUSEPORT: number, SO_BROADCAST: number, SO_SNDBUF: number;
  export const IPPROTO_TCP: number, TCP_NODELAY: number, IPPROTO_IP: number, IP_MULTICAST_TTL: number;
  export const IPPROTO_IPV6: number, IPV6_V6ONLY: number, IPV6_MULTICAST_HOPS: number, IPPROTO_ICMPV6: number;
  export const IP_PKTINFO: number, IPV6_RECVPKTINFO: number;
  /** SO_ERROR of getsockopt(2): throws what has become of a connection that was being made, unless it is there. */
  export function takeError(fd: number): void;
  /** SO_LINGER with 0 seconds: a close resets the connection. */
  export function setLingerZero(fd: number): void;
  /** send(2) with MSG_NOSIGNAL; how many bytes were taken. */
  export function send(fd: number, bytes: Uint8Array): number;
  export function sendto(fd: number, bytes: Uint8Array, address: SocketAddress): number;
  export function recvfrom(fd: number, count: number): { readonly bytes: Uint8Array; readonly from: SocketAddress };
  /** sendto from `own`, an address of this machine. */
  export function sendmsg(fd: number, bytes: Uint8Array, address: SocketAddress, own: string): number;
  /** `to` is the address it came to, where IP_PKTINFO or IPV6_RECVPKTINFO is set; one longer than `count` is not whole. */
  export function recvmsg(
    fd: number,
    count: number,
  ): { readonly bytes: Uint8Array; readonly isWhole: boolean; readonly from: SocketAddress; readonly to?: string };
  /** getaddrinfo(3): the addresses of a name, in the order it gives them. It blocks: only in a child. */
  export function getaddrinfo(name: string, family: number): string[];

  // --- the terminal ----------------------------------------------------------------------------------------------------------

  export function isatty(fd: number): boolean;
  export function tcgetpgrp(fd: number): number;
  export function tcsetpgrp(fd: number, group: number): void;
  /** Lets a signal that stops do so to this process; returns when it is continued. */
  export function stopSelf(signal: number): void;
}
