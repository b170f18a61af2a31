// Signals by number, as they are on every Linux that nfs-init is built for (signal(7)), and which of them end the wait.

const names =
  "HUP INT QUIT ILL TRAP ABRT BUS FPE KILL USR1 SEGV USR2 PIPE ALRM TERM STKFLT CHLD CONT STOP TSTP TTIN TTOU URG XCPU XFSZ VTALRM PROF WINCH IO PWR SYS";

/** The numbers of the classic signals by their names without SIG. */
export const signalNumbers: ReadonlyMap<string, number> = new Map(
  names.split(" ").map((name, index) => [name, index + 1]),
);

export const SIGHUP = 1;
const SIGINT = 2;
const SIGQUIT = 3;
export const SIGKILL = 9;
const SIGTERM = 15;
export const SIGCHLD = 17;
export const SIGCONT = 18;
export const SIGSTOP = 19;
export const SIGTSTP = 20;
export const SIGTTIN = 21;
export const SIGTTOU = 22;

/** Signals that end nfs-init while COMMAND does not run yet; the others are for COMMAND and mean nothing without it. */
export const stopSignals: ReadonlySet<number> = new Set([SIGHUP, SIGINT, SIGQUIT, SIGTERM]);
