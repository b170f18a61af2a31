// What /proc tells of a process, as seen from the test.
import { readFileSync, readlinkSync, readdirSync } from "node:fs";

/** The children of a process; none where it has ended. */
export function childrenOf(pid: number): readonly number[] {
  try {
    return readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
      readFileSync(`/proc/${pid}/task/${thread}/children`, "utf8")
        .split(" ")
        .filter((word) => word !== "")
        .map(Number),
    );
  } catch {
    return [];
  }
}

/** Children, their children, and so on. */
export function descendantsOf(pid: number): readonly number[] {
  return childrenOf(pid).flatMap((child) => [child, ...descendantsOf(child)]);
}

/** The file a process executes; undefined where it has ended. */
export function exeOf(pid: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/exe`);
  } catch {
    return undefined;
  }
}

/** A field of /proc/PID/status, such as SigIgn. */
export function statusOf(pid: number, field: string): string {
  const text = readFileSync(`/proc/${pid}/status`, "utf8");
  return new RegExp(`^${field}:[ \\t]*(.*)$`, "m").exec(text)?.[1] ?? "";
}

/** State, parent, process group and session of a process, from /proc/PID/stat. */
export function statOf(pid: number) {
  const text = readFileSync(`/proc/${pid}/stat`, "utf8");
  const [state = "", ...numbers] = text.slice(text.lastIndexOf(")") + 2).split(" ");
  const [parent = 0, group = 0, session = 0] = numbers.map(Number);
  return { state, parent, group, session };
}

/** Whether a process has ended and nobody has taken note of it. One that is gone altogether is no zombie. */
export function isZombie(pid: number): boolean {
  try {
    return statOf(pid).state === "Z";
  } catch {
    return false;
  }
}

/** A file of /proc/PID as bytes: environ, cmdline. */
export function procBytes(pid: number, name: "environ" | "cmdline"): Buffer {
  return readFileSync(`/proc/${pid}/${name}`);
}

/** A small text file of /proc/PID: limits. */
export function procText(pid: number, name: string): string {
  return readFileSync(`/proc/${pid}/${name}`, "utf8");
}

/** The open descriptors of a process with what they lead to, in order; one that it closes meanwhile is not among them. */
export function descriptorsOf(pid: number): ReadonlyMap<number, string> {
  const numbers = readdirSync(`/proc/${pid}/fd`).map(Number);
  return new Map(numbers.toSorted((one, other) => one - other).flatMap((fd) => linkOf(pid, fd)));
}

function linkOf(pid: number, fd: number): [number, string][] {
  try {
    return [[fd, readlinkSync(`/proc/${pid}/fd/${fd}`)]];
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    return [];
  }
}

/** The foreground process group of a process' controlling terminal (field 8 of /proc/PID/stat). */
export function terminalGroupOf(pid: number): number {
  const text = readFileSync(`/proc/${pid}/stat`, "utf8");
  return Number(text.slice(text.lastIndexOf(")") + 2).split(" ")[5]);
}

const SIGPWR = 30;

/** Whether a process takes a signal itself, which it has blocked then for its signalfd (SigBlk of /proc/PID/status). */
export function catches(pid: number, signal: number): boolean {
  try {
    const blocked = BigInt(`0x${statusOf(pid, "SigBlk")}`);
    // unshare(1) blocks a few for a moment, and SIGPWR is none of them.
    return [signal, SIGPWR].every((one) => (blocked & (1n << BigInt(one - 1))) !== 0n);
  } catch {
    return false;
  }
}
