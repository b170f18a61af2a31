// What nfs-init was given, what its runtime has changed of it, and how COMMAND gets it as it was.
import { splitEntries } from "../init/command.ts";
import { openFileLimits, setCloseOnExec, setOpenFileLimits, setStatusFlags, statusFlags } from "./libc.ts";
import { listDirectory, readBytes } from "./raw-files.ts";
import { readLink } from "./text.ts";

/** What nfs-init was given and what its runtime changes of it. */
export interface Inheritance {
  /** Descriptors from 3 up that were open before the runtime opened its own. */
  readonly descriptors: readonly number[];
  /** Status flags of stdin, stdout and stderr. */
  readonly stdioFlags: readonly number[];
}

/** Must be called before anything is opened: the runtime has marked what was inherited close-on-exec. */
export function readInheritance(): Inheritance {
  const descriptors: number[] = [];
  for (const name of listDirectory("/proc/self/fd")) {
    const fd = Number(name);
    // The runtime's own are an epoll, an eventfd and their like; nobody hands these down.
    const link = fd > 2 ? readLink(`/proc/self/fd/${name}`) : undefined;
    if (link !== undefined && !link.startsWith("anon_inode:")) descriptors.push(fd);
  }
  return { descriptors, stdioFlags: [0, 1, 2].map(statusFlags) };
}

/** /proc/self/environ or cmdline as entries; undefined where there is no /proc. */
export function rawEntries(name: "cmdline" | "environ"): readonly Uint8Array[] | undefined {
  const bytes = readBytes(`/proc/self/${name}`);
  return bytes === undefined || (bytes.byteLength === 0 && name === "cmdline") ? undefined : splitEntries(bytes);
}

/** The soft limit of open files that programs expect (select(2) cannot count further). */
const conventionalNofile = 1024n;

/** Does something while descriptors, flags and limits are those COMMAND is to have; sets them back afterwards. */
export function withInheritance<T>(
  { descriptors, stdioFlags }: Inheritance,
  nofile: number | undefined,
  action: () => T,
): T {
  const limits = openFileLimits();
  const wanted = nofile === undefined ? conventionalNofile : BigInt(nofile);
  setOpenFileLimits({ soft: wanted < limits.hard ? wanted : limits.hard, hard: limits.hard });
  for (const fd of descriptors) setCloseOnExec(fd, false);
  // The runtime makes pipes and terminals non-blocking where it uses them.
  stdioFlags.forEach((flags, fd) => {
    if (flags !== -1 && flags !== statusFlags(fd)) setStatusFlags(fd, flags);
  });
  try {
    return action();
  } finally {
    for (const fd of descriptors) setCloseOnExec(fd, true);
    setOpenFileLimits(limits);
  }
}
