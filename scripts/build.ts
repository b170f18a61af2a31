// Builds dist/nfs-init for this machine; with --debug dist/nfs-init-debug, with --sanitized dist/nfs-init-sanitized.
import { parseArgs } from "node:util";
import { buildExecutable } from "./native/executable.ts";
import { machineCpu } from "./native/pins.ts";

const isSwitch = { type: "boolean", default: false } as const;
const { debug, sanitized } = parseArgs({ options: { debug: isSwitch, sanitized: isSwitch } }).values;
const suffix = sanitized ? "-sanitized" : debug ? "-debug" : "";
await buildExecutable({ target: machineCpu(), outfile: `dist/nfs-init${suffix}`, sanitize: sanitized, debug });
