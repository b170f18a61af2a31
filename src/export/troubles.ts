// Why a server does not start, for people: what failed, on what, and what to do; and the exit code that goes with it.
import { AppError, exitCodes } from "../errors.ts";
import type { ServerTrouble } from "./server.ts";

export function troubleError(trouble: ServerTrouble): AppError {
  switch (trouble.kind) {
    case "not-permitted":
      return new AppError(`cannot serve: ${trouble.step} is not permitted (${trouble.errno})`, exitCodes.mountFailed, {
        hint: "start it with CAP_SYS_ADMIN and CAP_SYS_CHROOT (docker: --cap-add SYS_ADMIN --security-opt apparmor=unconfined, or --privileged), not in a user namespace",
      });
    case "no-server":
      return new AppError("cannot serve: this kernel has no NFS server", exitCodes.mountFailed, {
        hint: "load the module nfsd on the host (modprobe nfsd), or use a kernel that has it (CONFIG_NFSD)",
      });
    case "port-taken":
      return new AppError(`cannot serve: port ${trouble.port} is taken by another program`, exitCodes.mountFailed, {
        hint: "end that server, or set NFS_SERVER_PORT to another port",
      });
    case "not-exportable":
      return new AppError(
        `cannot export ${trouble.path}: it lies on ${trouble.fstype}, which the kernel does not export`,
        exitCodes.config,
        { hint: `mount a volume on ${trouble.path}, or set NFS_EXPORT_SCRATCH=tmpfs for a directory in memory` },
      );
    case "no-directory":
      return new AppError(
        `cannot export ${trouble.path}: ${directoryWords[trouble.errno] ?? trouble.errno}`,
        exitCodes.config,
        {
          hint: "mount a volume there, or correct the path",
        },
      );
    case "no-version":
      return new AppError(
        `cannot serve: this kernel has none of the versions (${trouble.has.join(" ")})`,
        exitCodes.mountFailed,
        { hint: "set NFS_SERVER_VERSIONS to one that it has, or leave it unset" },
      );
    case "failed":
      return new AppError(`cannot serve: ${trouble.step} failed (${trouble.errno})`, exitCodes.lost, {
        hint: "start it again; the kernel's log may say more",
      });
  }
}

const directoryWords: Readonly<Record<string, string>> = {
  ENOENT: "there is no such directory",
  ENOTDIR: "it is not a directory",
  EACCES: "permission denied",
};
