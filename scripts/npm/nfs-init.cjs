#!/usr/bin/env node
// Starts the executable for this machine: npm installs the one of two optional packages that fits. In an image use the executable itself.
"use strict";
const { spawn } = require("node:child_process");
const { constants } = require("node:os");

function executable() {
  const name = `@nfs-init/${process.platform}-${process.arch}`;
  try {
    return require.resolve(`${name}/nfs-init`);
  } catch {
    console.error(
      `nfs-init: the package ${name} is not there; nfs-init is for Linux on x64 and arm64, and must be installed with its optional dependencies`,
    );
    process.exit(70);
  }
}

/** Becomes the executable, so that there is one process and every signal reaches it. */
function become(file, args) {
  // Node ignores these two, and what is ignored stays so after execve(2); a listener that comes and goes ends that.
  for (const signal of ["SIGPIPE", "SIGXFSZ"]) process.on(signal, () => {}).removeAllListeners(signal);
  process.execve(file, [file, ...args], process.env);
}

/** For a Node without execve (before 22.15): the executable is a child, signals are passed on. */
function run(file, args) {
  const child = spawn(file, args, { stdio: "inherit" });
  for (const signal of ["SIGHUP", "SIGINT", "SIGQUIT", "SIGTERM", "SIGUSR2"])
    process.on(signal, () => child.kill(signal));
  child.on("exit", (code, signal) => process.exit(code ?? 128 + constants.signals[signal]));
}

const file = executable();
const args = process.argv.slice(2);
if (process.execve === undefined) run(file, args);
else become(file, args);
