// The name that the kernel's server goes by: to clients of version 4.1 and later another name is another server, and their locks are lost.
import * as native from "native";
import { errnoOf } from "../errors.ts";
import { hexOf } from "../text/hex.ts";
import { writeAll } from "./children.ts";
import { closing } from "./opened.ts";
import { readUpTo } from "./small-files.ts";

const fileName = "server-name";
const pattern = /^nfs-init-[0-9a-f]{32}\n$/;
const nameBytes = 42;

/**
 * Gives this process, which must be a child, the name that is kept in the directory of client records, so that it goes with them. The
 * kernel takes the host name of whoever starts its server as server_owner and server_scope (RFC 8881 sections 2.5 and 2.10.4), and that
 * of a container is another one each time it is made. Where it cannot be had or kept, the host name stays what it is.
 */
export function takeServerName(directory: string): void {
  try {
    const folder = native.open(directory, native.O_RDONLY | native.O_DIRECTORY);
    const name = closing(folder, () => read(folder) ?? write(folder));
    native.unshare(native.CLONE_NEWUTS);
    native.sethostname(name.trimEnd());
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
  }
}

function read(folder: number): string | undefined {
  try {
    return closing(native.openat(folder, fileName, native.O_RDONLY | native.O_NOFOLLOW | native.O_NONBLOCK), (fd) => {
      const text = native.decodeUtf8(readUpTo(fd, nameBytes + 1));
      return pattern.test(text) ? text : undefined;
    });
  } catch {
    return undefined;
  }
}

/** On the disk when it returns: nobody has been told a name that may be lost. */
function write(folder: number): string {
  const name = `nfs-init-${hexOf(native.getrandom(16))}\n`;
  const flags = native.O_WRONLY | native.O_CREAT | native.O_TRUNC | native.O_NOFOLLOW | native.O_NONBLOCK;
  closing(native.openat(folder, fileName, flags, 0o600), (fd) => {
    writeAll(fd, native.encodeUtf8(name));
    native.fsync(fd);
    native.fsync(folder);
  });
  return name;
}
