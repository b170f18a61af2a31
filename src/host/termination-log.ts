// Where Kubernetes reads why a container ended.
import { printable } from "../text/printable.ts";
import * as native from "native";
import { writeAll } from "./children.ts";
import { closing } from "./opened.ts";

const terminationLog = "/dev/termination-log";

/** Leaves the reason of the end there, if that file exists. */
export function writeTerminationLog(reason: string): void {
  try {
    // Whoever made a FIFO of it must not hold up the exit.
    closing(native.open(terminationLog, native.O_WRONLY | native.O_NONBLOCK), (fd) => {
      if (native.fstat(fd).type !== "file") return;
      native.ftruncate(fd, 0);
      writeAll(fd, native.encodeUtf8(`${printable(reason)}\n`));
    });
  } catch {
    // Only Kubernetes makes this file.
  }
}
