// The kernel's NFS server as the role has it: started, heard of, stopped. All of it is driven by one child.
import * as native from "native";
import { errnoOf } from "../errors.ts";
import type { KernelServer, ServerNews, ServerSettings } from "../export/server.ts";
import { startChild } from "./children.ts";
import { serveKernel } from "./nfsd-child.ts";

/** Starts it. Throws where no process can be started. */
export function startNfsd(settings: ServerSettings): KernelServer {
  const { readEnd, writeEnd } = native.pipe(0);
  try {
    const child = startChild<ServerNews>((tell) => serveKernel(settings, readEnd, tell), [readEnd]);
    return {
      next: child.next,
      stop: () => {
        try {
          native.write(writeEnd, native.encodeLatin1("stop\n"));
        } catch (error) {
          // It is gone already.
          if (errnoOf(error) === undefined) throw error;
        }
      },
      kill: child.stop,
      ended: child.ended,
    };
  } finally {
    native.close(readEnd);
  }
}
