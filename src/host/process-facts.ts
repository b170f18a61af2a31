// What tells one process, one pid namespace and one boot of the machine from another.
import { readLink, readText } from "./text.ts";

/** Changes with every boot; "" where it cannot be read. */
export function bootId(): string {
  return (readText("/proc/sys/kernel/random/boot_id") ?? "").trim();
}

/** Our pid namespace, `pid:[4026531836]`. A number is used again once its namespace is gone. */
export function pidNamespace(): string | undefined {
  return readLink("/proc/self/ns/pid");
}

/** The start of a process is counted in hundredths of a second on every Linux (USER_HZ). */
const tickMs = 10;

/** When a process of our pid namespace started, on the boot-time clock; undefined where there is none (proc(5), field 22). */
export function processStartedMs(pid: number | "self"): number | undefined {
  const text = readText(`/proc/${pid}/stat`);
  // The second field is a name in parentheses that may hold anything; the state, field 3, follows it.
  const ticks = text?.slice(text.lastIndexOf(")") + 2).split(" ")[22 - 3];
  return ticks === undefined ? undefined : Number(ticks) * tickMs;
}
