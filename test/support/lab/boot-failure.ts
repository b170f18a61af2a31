/** What is said of a lab that does not boot: in one sentence why and what to do, and below it who had the last word. */

/** How it came that there is no lab. */
export type Ending =
  /** The kernel, a program, could not be started. */
  | { readonly kind: "not-started"; readonly reason: string }
  | { readonly kind: "exited"; readonly code: number }
  | { readonly kind: "killed"; readonly signal: string }
  | { readonly kind: "silent"; readonly afterMs: number };

export interface Cause {
  readonly why: string;
  readonly todo: string;
}

export interface LastWords {
  readonly of: string;
  readonly words: string;
}

const MAKE_ANEW = "remove the folder .lab and run this again, which makes it anew";
const CONTAINER = "run this in a container of debian:bookworm";

/** Packages that cannot be had. */
export const NO_PACKAGES = `give apt a way to package sources of Debian 12 or later, or ${CONTAINER} that has one`;

/** What the kernel says, or the loader or C library in its place, and what that means. */
const causes: readonly (Cause & { readonly sign: RegExp })[] = [
  {
    sign: /ptrace set fp regs failed, errno = 14/,
    why: "this processor has more register state than the lab's kernel hands back, and ptrace(2) takes only the whole",
    todo: "unset NFS_INIT_LAB_REGISTER_BYTES if it is set, or else run this on another processor",
  },
  {
    sign: /must be not mounted noexec/,
    why: "its RAM, a file, may not be mapped to execute: the folder for it is mounted noexec",
    todo: "set TMPDIR to a folder on a file system that is not, with 2 GB free",
  },
  {
    sign: /mount likely just ran out of space/,
    why: "its RAM is a file, and the file system of that is full",
    todo: "make 2 GB free in /dev/shm, or in TMPDIR",
  },
  {
    sign: /setup_physmem - mapping .* failed/,
    why: "this machine does not give it the address space for its RAM",
    todo: "lift the limit (ulimit -v unlimited)",
  },
  {
    sign: /Requested init .* failed|No working init found/,
    why: "the first program in it does not start",
    todo: `unset NFS_INIT_LAB_INIT if it is set, or else ${MAKE_ANEW}`,
  },
  {
    sign: /Unable to mount root fs/,
    why: "its root file system cannot be mounted",
    todo: MAKE_ANEW,
  },
  {
    sign: /version `GLIBC_[\d.]+' not found/,
    why: "this machine's C library is too old for the lab's kernel, which needs glibc 2.34",
    todo: CONTAINER,
  },
  {
    sign: /ptrace.*(Operation not permitted|errno = 1\b)/,
    why: "ptrace(2), by which its kernel runs programs, is forbidden here",
    todo: "run this where it is allowed: in a container with --cap-add SYS_PTRACE, with kernel.yama.ptrace_scope below 3",
  },
];

/** Why the lab does not boot when somebody's last words were these; `otherwise` where they tell nothing. */
export function bootFailure(last: LastWords, otherwise: Cause): string {
  const { why, todo } = causes.find(({ sign }) => sign.test(last.words)) ?? otherwise;
  return cannotBoot(why, todo, last);
}

/** What there is to say of a kernel's end whatever it said. */
export function causeOf(ending: Ending): Cause {
  switch (ending.kind) {
    case "not-started":
      return { why: `its kernel cannot be started: ${ending.reason}`, todo: MAKE_ANEW };
    case "exited":
      return { why: `its kernel ended with exit code ${ending.code}`, todo: MAKE_ANEW };
    case "killed":
      return { why: `its kernel was ended by ${ending.signal}`, todo: "make 2 GB of memory free and run this again" };
    case "silent":
      return {
        why: `it did not come up within ${ending.afterMs / 1000} s`,
        todo: "run this again when this machine has less to do",
      };
  }
}

/** The sentence, and below it the last words `of` somebody. */
export function cannotBoot(why: string, todo: string, last?: LastWords): string {
  const sentence = `the lab cannot boot: ${why}; ${todo}`;
  if (last === undefined) return sentence;
  const words = lastWords(last.words);
  return words === "" ? `${sentence}\n${last.of} said nothing` : `${sentence}\nthe last words of ${last.of}:\n${words}`;
}

/** What a program that failed said, of the error that tells of it. */
export function wordsOf(error: unknown): string {
  const { stderr } = error as { readonly stderr?: unknown };
  return typeof stderr === "string" && stderr !== "" ? stderr : String(error);
}

/** The end of what a program said, a kernel's without its stack trace. */
export function lastWords(text: string): string {
  const lines = text.trimEnd().split("\n");
  const panic = lines.findIndex((line) => line.includes("Kernel panic"));
  return lines
    .slice(0, panic < 0 ? lines.length : panic + 1)
    .slice(-20)
    .join("\n");
}
