// The one place that says which engine and which C library go into the executable, and by which files.
import type { PinnedFile } from "../debian/pinned.ts";

export type Cpu = "x64" | "arm64";

/** QuickJS by Fabrice Bellard, as Debian trixie's source package holds it. Uploads for security keep this file. */
export const engine = {
  name: "quickjs",
  version: "2025-04-26",
  file: {
    path: "pool/main/q/quickjs/quickjs_2025.04.26.orig.tar.xz",
    sha256: "ec81da5b3249ed648dbc7df4a1654988910e66a118d9b71cb63534216efcfbbe",
  } satisfies PinnedFile,
  license: "MIT",
} as const;

/** musl with its headers and static library, from Debian trixie: the first whose resolver speaks TCP is 1.2.4. */
export const libc = {
  name: "musl",
  version: "1.2.5",
  /** Debian's own count of its package. */
  revision: "1.2.5-3.1~deb13u1",
  files: {
    x64: {
      path: "pool/main/m/musl/musl-dev_1.2.5-3.1~deb13u1_amd64.deb",
      sha256: "a3f7d47e452129bb65aae201d6c115abf4d5d3efb136b38b7c6b4fa03ec065e9",
    },
    arm64: {
      path: "pool/main/m/musl/musl-dev_1.2.5-3.1~deb13u1_arm64.deb",
      sha256: "384ea029e3694baac696d3993d93246f9a4b3741c493697e1ceb7256d8820748",
    },
  } satisfies Readonly<Record<Cpu, PinnedFile>>,
  license: "MIT",
} as const;

/** What `--version` says of the two. */
export const engineLabel = `${engine.name} ${engine.version}, ${libc.name} ${libc.version}`;

/** The processor of this machine, where it is one that is built for. */
export function machineCpu(): Cpu {
  if (process.arch === "x64" || process.arch === "arm64") return process.arch;
  throw new Error(`cannot build on ${process.arch}: the build tools are for x64 and arm64`);
}
