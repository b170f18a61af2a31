// A name that one process of a network namespace can have: it is free again the moment that process is gone.
import * as native from "native";
import { errnoOf } from "../errors.ts";

/** Takes it and gives what lets it go; undefined while somebody else has it. */
export function claimName(name: string): (() => void) | undefined {
  const fd = native.socket(native.AF_UNIX, native.SOCK_STREAM);
  try {
    native.bind(fd, { path: `@${name}` });
    return () => native.close(fd);
  } catch (error) {
    native.close(fd);
    if (errnoOf(error) === "EADDRINUSE") return undefined;
    throw error;
  }
}
