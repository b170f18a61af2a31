// Which signals nfs-init takes, and what they do before and while COMMAND runs.

/**
 * Every signal that is passed on to COMMAND. Left out are those that cannot be caught (KILL, STOP), those of the process
 * itself (SEGV, CHLD, ...), and those of terminal job control (TSTP, TTIN, TTOU), which the terminal sends to COMMAND's own
 * process group. IO and POLL are one signal.
 */
export const forwardedSignals = [
  "SIGHUP",
  "SIGINT",
  "SIGQUIT",
  "SIGUSR1",
  "SIGUSR2",
  "SIGPIPE",
  "SIGALRM",
  "SIGTERM",
  "SIGCONT",
  "SIGURG",
  "SIGXCPU",
  "SIGXFSZ",
  "SIGVTALRM",
  "SIGPROF",
  "SIGWINCH",
  "SIGIO",
] as const;

export type ForwardedSignal = (typeof forwardedSignals)[number];

/** Signals that end nfs-init while COMMAND does not run yet; the others are for COMMAND and mean nothing without it. */
const stopSignals: ReadonlySet<ForwardedSignal> = new Set(["SIGHUP", "SIGINT", "SIGQUIT", "SIGTERM"]);

export function isStopSignal(name: ForwardedSignal): boolean {
  return stopSignals.has(name);
}
