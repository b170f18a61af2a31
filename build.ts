// Builds dist/nfs-init for this machine: one executable with the runtime in it. Runs under Bun.
import { compile } from "./scripts/release/compile.ts";

await compile({ outfile: "dist/nfs-init" });
