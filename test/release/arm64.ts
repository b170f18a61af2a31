// Runs arm64 programs on this machine: Debian's qemu-user-static and the arm64 C library.
import { join } from "node:path";
import { unpackPackages } from "../../scripts/debian/unpack.ts";

/** The words that a command line for an arm64 program begins with. Takes 70 MB of packages the first time. */
export async function prepareArm64(): Promise<readonly string[]> {
  const root = await unpackPackages("arm64", [
    { names: ["qemu-user-static"] },
    { names: ["libc6"], architecture: "arm64" },
  ]);
  return [join(root, "usr/bin/qemu-aarch64-static"), "-L", root];
}
