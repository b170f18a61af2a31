// What the kernel says of a process in one line.
import { readText } from "./small-files.ts";

/**
 * The fields of /proc/PID/stat from the state on, field 3 of proc(5); undefined where there is no such process. The name before them stands
 * in parentheses and may hold anything.
 */
export function statFields(pid: number | string): readonly string[] | undefined {
  const text = readText(`/proc/${pid}/stat`);
  return text?.slice(text.lastIndexOf(")") + 2).split(" ");
}
