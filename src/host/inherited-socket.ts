// The socket that systemd listens on for nfs-init, so that callers wait while it starts instead of being refused (sd_listen_fds(3)).
import * as native from "native";
import type { Environment } from "../config/config.ts";

const firstFd = 3;

/** Its descriptor; undefined where none was handed over, or to another process. Nothing that is started from here gets it. */
export function takeInheritedSocket(environment: Environment): number | undefined {
  if (environment["LISTEN_PID"] !== String(native.getpid())) return undefined;
  if (!(Number(environment["LISTEN_FDS"]) >= 1)) return undefined;
  native.fcntl(firstFd, native.F_SETFD, native.FD_CLOEXEC);
  // A caller may have gone before it is taken.
  native.fcntl(firstFd, native.F_SETFL, native.fcntl(firstFd, native.F_GETFL, 0) | native.O_NONBLOCK);
  return firstFd;
}
