// Where Kubernetes reads why a container ended.
import { printable } from "../text/printable.ts";
import * as native from "native";
import { writeAll } from "./children.ts";

const terminationLog = "/dev/termination-log";

/** Leaves the reason of the end there, if that file exists. */
export function writeTerminationLog(reason: string): void {
  try {
    // Whoever made a FIFO of it must not hold up the exit.
    const fd = native.open(terminationLog, native.O_WRONLY | native.O_NONBLOCK);
    try {
      if (native.fstat(fd).type !== "file") return;
      native.ftruncate(fd, 0);
      writeAll(fd, native.encodeUtf8(`${printable(reason)}\n`));
    } finally {
      native.close(fd);
    }
  } catch {
    // Only Kubernetes makes this file.
  }
}
