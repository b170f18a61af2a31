// A hundred thousand short-lived orphans through one nfs-init: its memory, descriptors and zombies must not grow. Runs alone with
// node, too.

import { spawn } from "node:child_process";
import { readFileSync, readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { eventually } from "../test/support/eventually.ts";
import { childrenOf, descendantsOf, descriptorsOf, statOf, statusOf } from "../test/support/process-table.ts";

const binary = process.env["NFS_INIT_BINARY"] ?? fileURLToPath(new URL("../dist/nfs-init", import.meta.url));

/** By then everything that is made once has been made, and the collector has found its pace. */
const warmUpOrphans = 20_000;
const rounds = 10;
const orphansOfARound = 10_000;
/** A round that takes longer hangs. */
const roundLimitMs = 120_000;
/** What is no growth yet: the collector leaves some pages one time and others the next. */
const slackKb = 2_048;

/** COMMAND: leaves as many orphans as the line it reads says, each the child of a process that has ended, and says when. */
const command = `
  while read -r count; do
    i=0
    while [ $i -lt "$count" ]; do
      (true & true & true & true & true & true & true & true & true & true &)
      i=$((i + 10))
    done
    echo "left $count"
  done`;

interface Census {
  readonly privateDirtyKb: number;
  readonly residentKb: number;
  readonly descriptors: number;
  readonly threads: number;
  readonly children: number;
}

/** Leaves the orphans and prints what there is of nfs-init after each round; throws where it has grown. */
export async function orphans(log: (line: string) => void): Promise<void> {
  const child = spawn(binary, ["--", "sh", "-c", command], { stdio: ["pipe", "pipe", "inherit"] });
  const pid = child.pid ?? 0;
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    output += text;
  });
  const ended = new Promise<number | null>((resolve) => {
    child.once("exit", (code) => resolve(code));
  });
  const leave = async (count: number): Promise<Census> => {
    output = "";
    child.stdin.write(`${count}\n`);
    const options = { timeoutMs: roundLimitMs, intervalMs: 100 };
    await eventually(`${count} orphans are left`, () => output.includes(`left ${count}\n`), options);
    await eventually("all of them are reaped", () => childrenOf(pid).length === 1, options);
    return censusOf(pid);
  };
  try {
    const before = await leave(warmUpOrphans);
    log(`after ${warmUpOrphans} orphans: ${textOf(before)}`);
    let after = before;
    let lowestKb = Number.POSITIVE_INFINITY;
    for (let round = 1; round <= rounds; round++) {
      after = await leave(orphansOfARound);
      // The lowest of the last rounds: what the collector had left by then is no growth.
      if (round > rounds / 2) lowestKb = Math.min(lowestKb, after.privateDirtyKb);
      log(`after ${warmUpOrphans + round * orphansOfARound} orphans: ${textOf(after)}`);
    }
    const grown = [
      lowestKb > before.privateDirtyKb + slackKb
        ? `private dirty memory, ${before.privateDirtyKb} to ${lowestKb} kB`
        : "",
      after.descriptors > before.descriptors ? `descriptors, ${before.descriptors} to ${after.descriptors}` : "",
      after.threads > before.threads ? `threads, ${before.threads} to ${after.threads}` : "",
      after.children > before.children ? `children, ${before.children} to ${after.children}` : "",
    ].filter((text) => text !== "");
    if (grown.length > 0) throw new Error(`nfs-init has grown: ${grown.join("; ")}`);
    child.stdin.end();
    const code = await ended;
    if (code !== 0) throw new Error(`nfs-init ended with ${code}`);
  } finally {
    for (const one of [...descendantsOf(pid), pid]) killQuietly(one);
  }
}

function censusOf(pid: number): Census {
  const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
  const kb = (name: string) => Number(new RegExp(`^${name}:\\s*(\\d+) kB$`, "m").exec(rollup)?.[1] ?? 0);
  return {
    privateDirtyKb: kb("Private_Dirty"),
    residentKb: kb("Rss"),
    descriptors: descriptorsOf(pid).size,
    threads: Number(statusOf(pid, "Threads")),
    children: readdirSync("/proc").filter((name) => /^\d+$/.test(name) && isChildOf(Number(name), pid)).length,
  };
}

function isChildOf(pid: number, parent: number): boolean {
  try {
    return statOf(pid).parent === parent;
  } catch {
    return false;
  }
}

function textOf({ privateDirtyKb, residentKb, descriptors, threads, children }: Census): string {
  return `private dirty ${privateDirtyKb} kB, resident ${residentKb} kB, ${descriptors} descriptors, ${threads} threads, ${children} child`;
}

function killQuietly(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has ended.
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    await orphans((line) => process.stdout.write(`${line}\n`));
  } catch (error) {
    process.stderr.write(`orphans: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  }
}
