// The worker: a child process of our own binary that makes the system calls which a dead server can block for ever.
// Nobody waits for it: it is asked on stdin, answers on stdout, one JSON line each, and is killed when it does not.
import { mkdirSync, readdirSync, statfsSync, statSync } from "node:fs";
import { closeSync } from "node:fs";
import { errnoOf, messageOf } from "../errors.ts";
import { errno, makeDirectory, openDirectory, umount2, umountFlags } from "./libc.ts";

/** The argument that makes the binary a worker. */
export const workerArgument = "--nfs-init-worker";

export type WorkerRequest =
  | { readonly do: "statfs"; readonly path: string }
  /** Make a mount point; `below` is the target of the share it lies on. */
  | { readonly do: "prepare"; readonly target: string; readonly below: string | undefined }
  | { readonly do: "release"; readonly fd: number }
  | { readonly do: "umount"; readonly target: string; readonly lazy: boolean };

export type WorkerReply =
  | { readonly kind: "done" }
  | { readonly kind: "failed"; readonly errno: string; readonly reason: string }
  | { readonly kind: "prepared"; readonly path: string; readonly fd: number | undefined; readonly isEmpty: boolean }
  | { readonly kind: "refused"; readonly reason: string };

/** Answers requests until stdin ends. */
export function runWorker(): void {
  let pending = "";
  process.stdin.setEncoding("utf8");
  process.stdin.on("data", (chunk: string) => {
    const lines = (pending + chunk).split("\n");
    pending = lines.pop() ?? "";
    for (const line of lines) {
      process.stdout.write(`${JSON.stringify(answer(JSON.parse(line) as WorkerRequest))}\n`);
    }
  });
  process.stdin.on("end", () => process.exit(0));
}

function answer(request: WorkerRequest): WorkerReply {
  try {
    switch (request.do) {
      case "statfs":
        statfsSync(request.path);
        return { kind: "done" };
      case "prepare":
        return request.below === undefined ? prepareLocal(request.target) : prepareBelow(request.target, request.below);
      case "release":
        closeSync(request.fd);
        return { kind: "done" };
      case "umount": {
        const flags = umountFlags.UMOUNT_NOFOLLOW | (request.lazy ? umountFlags.MNT_DETACH : 0);
        const failure = umount2(request.target, flags);
        return failure === 0
          ? { kind: "done" }
          : { kind: "failed", errno: errnoName(failure), reason: errnoName(failure) };
      }
    }
  } catch (error) {
    return { kind: "failed", errno: errnoOf(error) ?? "EIO", reason: messageOf(error) };
  }
}

function errnoName(number: number): string {
  return Object.entries(errno).find(([, value]) => value === number)?.[0] ?? `errno ${number}`;
}

function prepareLocal(target: string): WorkerReply {
  try {
    mkdirSync(target, { recursive: true, mode: 0o755 });
  } catch (error) {
    return { kind: "refused", reason: messageOf(error) };
  }
  if (!statSync(target).isDirectory()) return { kind: "refused", reason: "it is not a directory" };
  return { kind: "prepared", path: target, fd: undefined, isEmpty: isEmptyDirectory(target) };
}

function isEmptyDirectory(path: string): boolean {
  try {
    return readdirSync(path).length === 0;
  } catch {
    return true;
  }
}

/**
 * Walks from the share on `below` down to `target` one directory at a time, never through a symbolic link: whoever writes to
 * the share must not choose what is covered here. The directory is held open, so that it cannot be exchanged before the mount.
 */
function prepareBelow(target: string, below: string): WorkerReply {
  const start = openDirectory(-1, below);
  if (start.kind === "failed") return { kind: "refused", reason: `${below}: ${errnoName(start.errno)}` };
  let { fd } = start;
  let path = below;
  for (const name of target
    .slice(below.length)
    .split("/")
    .filter((part) => part !== "")) {
    path = `${path}/${name}`;
    let next = openDirectory(fd, name);
    if (next.kind === "failed" && next.errno === errno.ENOENT) {
      const failure = makeDirectory(fd, name);
      if (failure !== 0 && failure !== errno.EEXIST) {
        closeSync(fd);
        return { kind: "refused", reason: `cannot make ${path} on the share: ${errnoName(failure)}` };
      }
      next = openDirectory(fd, name);
    }
    closeSync(fd);
    if (next.kind === "failed") {
      const isLink = next.errno === errno.ENOTDIR || next.errno === errno.ELOOP;
      return {
        kind: "refused",
        reason: `${path} on the share ${isLink ? "is a symbolic link or a file" : errnoName(next.errno)}`,
      };
    }
    ({ fd } = next);
  }
  const held = `/proc/${process.pid}/fd/${fd}`;
  return { kind: "prepared", path: held, fd, isEmpty: isEmptyDirectory(`${held}/`) };
}
