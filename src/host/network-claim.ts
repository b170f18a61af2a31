// A name that one process of a network namespace can have: it is free again the moment that process is gone.
import * as native from "native";
import { errnoOf } from "../errors.ts";
import { preparedOrClosed } from "./opened.ts";

/** That of the NFS server, of which a network has one. */
const name = "nfs-init-serve";

/** Takes it and gives what lets it go; undefined while another instance has it. */
export function claimNetwork(): (() => void) | undefined {
  try {
    const fd = preparedOrClosed(native.socket(native.AF_UNIX, native.SOCK_STREAM), (socket) =>
      native.bind(socket, { path: `@${name}` }),
    );
    return () => native.close(fd);
  } catch (error) {
    if (errnoOf(error) === "EADDRINUSE") return undefined;
    throw error;
  }
}
