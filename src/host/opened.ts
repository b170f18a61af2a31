// Open descriptors, and that they are closed whatever goes wrong.
import * as native from "native";

/** What `use` makes of an open file, which is closed then. */
export function closing<T>(fd: number, use: (fd: number) => T): T {
  try {
    return use(fd);
  } finally {
    native.close(fd);
  }
}

/** An open file once `prepare` is through with it; where that throws, it is closed. */
export function preparedOrClosed(fd: number, prepare: (fd: number) => void): number {
  try {
    prepare(fd);
    return fd;
  } catch (error) {
    native.close(fd);
    throw error;
  }
}
