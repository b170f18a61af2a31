// The platforms that are released, and the pinned runtime that goes into the executable of each.

/** The version of every runtime below, and of the Bun that builds: their bytecode must agree. */
export const runtimeVersion = "1.4.5";

export interface Runtime {
  /** Its package in the npm registry. */
  readonly name: string;
  /** The registry's `dist.integrity` of that package at `runtimeVersion`. */
  readonly integrity: string;
}

export interface Target {
  /** As in `nfs-init-linux-x64-musl`. */
  readonly name: string;
  readonly cpu: "x64" | "arm64";
  readonly libc: "glibc" | "musl";
  readonly runtime: Runtime;
}

/**
 * On x64 the runtime is the one for processors without AVX2: fleets of devices have old ones, the other runtime ends there with SIGILL,
 * and neither size nor start-up differ (13.3 ms and 13.5 ms, median of 110).
 */
export const targets: readonly Target[] = [
  {
    name: "linux-x64",
    cpu: "x64",
    libc: "glibc",
    runtime: {
      name: "@oven/bun-linux-x64-baseline",
      integrity: "sha512-s8yMwYcFnnrA178gji0gZbkE2WVDej/Ti1x770oPfihxyRxSMNhGhiAQNXV53aDeraZxksdvKV/RAdQBCd0qPA==",
    },
  },
  {
    name: "linux-arm64",
    cpu: "arm64",
    libc: "glibc",
    runtime: {
      name: "@oven/bun-linux-aarch64",
      integrity: "sha512-4BXmsSKnjOrlGWqZV4x/oWa7AVoR+B6lCXddMzOAXBIm3t50eslg9wb66gmtW1AamEQ1l1CDvmmruysEhqOWMg==",
    },
  },
  {
    name: "linux-x64-musl",
    cpu: "x64",
    libc: "musl",
    runtime: {
      name: "@oven/bun-linux-x64-musl-baseline",
      integrity: "sha512-cWJhU8h0+MiUgpSt99sQhjxLIIosKEcKYdtKddohokUvAuN6jKOy7g7+QDTZTXtwHxz93wL3BX+L6wXVPDUH3A==",
    },
  },
  {
    name: "linux-arm64-musl",
    cpu: "arm64",
    libc: "musl",
    runtime: {
      name: "@oven/bun-linux-aarch64-musl",
      integrity: "sha512-XCNc+WvvMAdNNb+OWTogpy+N9wm62fkVeEVLb6how0RZhW5LPi6c7BlkeVCuWps7XjEl2saFpHFa20/1E+PAHg==",
    },
  },
];

/** The executable of a target, in dist. */
export function executableName(target: Target): string {
  return `nfs-init-${target.name}`;
}
