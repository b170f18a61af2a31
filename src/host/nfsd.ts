// The kernel's NFS server as the role has it: started, heard of, stopped. All of it is driven by one child.
import * as native from "native";
import { errnoOf } from "../errors.ts";
import type { KernelServer, ServerNews, ServerRequest, ServerSettings } from "../export/server.ts";
import { lineOf, startChild, writeAll } from "./children.ts";
import { serveKernel } from "./nfsd-child.ts";

/** Starts it. Throws where no process can be started. */
export function startNfsd(settings: ServerSettings): KernelServer {
  const { readEnd, writeEnd } = native.pipe(0);
  try {
    const child = startChild<ServerNews>((tell) => serveKernel(settings, readEnd, tell), [readEnd]);
    const say = (value: "stop" | readonly [number, ServerRequest]): void => {
      try {
        writeAll(writeEnd, lineOf(value));
      } catch (error) {
        // It is gone already.
        if (errnoOf(error) === undefined) throw error;
      }
    };
    return {
      next: child.next,
      request: (number, request) => say([number, request]),
      stop: () => say("stop"),
      kill: child.stop,
      ended: child.ended,
    };
  } finally {
    native.close(readEnd);
  }
}
