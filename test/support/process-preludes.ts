// Shell texts that change the process that then becomes nfs-init, where the shell itself cannot: by perl, which every Debian and
// Ubuntu has.
import { constants } from "node:os";

/** `exec "$@"` by way of a perl program that changes itself first. It holds no single quotes. */
function throughPerl(program: string): string {
  return `exec perl -e '${program}; exec { $ARGV[0] } @ARGV or die "exec: $!"' "$@"`;
}

const ENOSYS = 38;

/** The kernel answers so to the system calls of these numbers, as one that does not know them or a sandbox (seccomp(2)). */
export function withoutSyscalls(numbers: readonly number[], errno = ENOSYS): string {
  // Load the number; for each: the next instruction where it is this one, or else the one after that; allow.
  const refusals = numbers.map((number) => `[0x15, 0, 1, ${number}], [0x06, 0, 0, ${0x5_0000 + errno}]`);
  const filter = ["[0x20, 0, 0, 0]", ...refusals, "[0x06, 0, 0, 0x7fff0000]"].join(", ");
  return throughPerl(`
    use POSIX ();
    my $code = join "", map { pack "SCCL", @$_ } (${filter});
    my $prctl = (POSIX::uname())[4] eq "x86_64" ? 157 : 167;
    syscall($prctl, 38, 1, 0, 0, 0) == 0 or die "PR_SET_NO_NEW_PRIVS: $!";
    syscall($prctl, 22, 2, pack("S x6 P", ${2 * numbers.length + 2}, $code), 0, 0) == 0 or die "PR_SET_SECCOMP: $!"`);
}

/** pidfd_open(2), which kernels before 5.3 lack; its number is the same everywhere. */
export const withoutPidfd = withoutSyscalls([434]);

/** signalfd4(2), timerfd_create(2) and, where it is a call of its own, vfork(2), refused as a sandbox does. */
export const withoutSignalfd = withoutSyscalls(
  process.arch === "x64" ? [289, 283, 58] : [74, 85],
  constants.errno.EPERM,
);

/** Every signal that can be is blocked, or ignored: real-time ones too, which the shell does not know. */
export function withAllSignals(state: "blocked" | "ignored"): string {
  return throughPerl(
    state === "blocked"
      ? `use POSIX (); my $all = POSIX::SigSet->new; $all->fillset; POSIX::sigprocmask(POSIX::SIG_BLOCK(), $all)`
      : `use POSIX (); POSIX::sigaction($_, POSIX::SigAction->new("IGNORE")) for grep { $_ != 9 && $_ != 19 } 1 .. 31, 34 .. 64`,
  );
}

/** A COMMAND that prints the number of every signal as often as it was sent, after "ready", and ends with 0 at SIGUSR2. */
export const signalCounter: readonly string[] = [
  "perl",
  "-e",
  `
  use POSIX ();
  my @signals = grep { $_ != 9 && $_ != 17 && $_ != 19 } 1 .. 64;
  my $mask = 0;
  $mask |= 1 << ($_ - 1) for @signals;
  $mask = pack "Q", $mask;
  my $is64 = (POSIX::uname())[4] eq "x86_64";
  # Blocked signals wait, real-time ones as often as they were sent (signal(7)): rt_sigprocmask(2), rt_sigtimedwait(2).
  syscall($is64 ? 14 : 135, 0, $mask, 0, 8) == 0 or die "rt_sigprocmask: $!";
  $| = 1;
  print "ready\\n";
  for (;;) {
    my $signal = syscall($is64 ? 128 : 137, $mask, 0, 0, 8);
    print "$signal\\n" if $signal > 0;
    exit 0 if $signal == 12;
  }`,
];

/** It listens on a socket as systemd does for a service: descriptor 3, said to be for process `pid`, which is itself without one. */
export function withListeningSocket(path: string, pid = "$$"): string {
  return throughPerl(`
    use Socket; use POSIX ();
    $^F = 255;
    socket(my $socket, PF_UNIX, SOCK_STREAM, 0) or die "socket: $!";
    bind($socket, pack_sockaddr_un("${path}")) and listen($socket, 16) or die "listen: $!";
    POSIX::dup2(fileno($socket), 3) or die "dup2: $!" if fileno($socket) != 3;
    $ENV{LISTEN_FDS} = 1; $ENV{LISTEN_PID} = ${pid}`);
}
