// Runs the soaks named on the command line, or all of them: round after round in one lab, and nothing may have grown at the end.
//   node soak/soak.ts [NAME...], with NFS_INIT_SOAK_ROUNDS rounds of each in place of its own number

import { setTimeout as sleep } from "node:timers/promises";
import { buildExecutable } from "../scripts/native/executable.ts";
import { machineCpu } from "../scripts/native/pins.ts";
import { bootLab } from "../test/support/lab/lab.ts";
import { growth, parseCensus, type Census } from "./census.ts";
import { orphans } from "./orphans.ts";
import { soaks, type Soak } from "./soaks.ts";

/** A line of progress every so many rounds. */
const progressRounds = 50;
/** The census that the last one is compared with: by then everything that is made once has been made. */
const settledRounds = 10;
/** A round that takes longer hangs. The box gives up sooner, and says what it waited for. */
const roundLimitMs = 150_000;

/** The soak that needs no lab. */
const native = "orphans";
const names = [...soaks.map(({ name }) => name), native];
const wanted = process.argv.slice(2);
/** What the faults of the mixed soak are drawn by. */
const seed = Number(process.env["NFS_INIT_SOAK_SEED"] ?? "1");
const roundsAsked = process.env["NFS_INIT_SOAK_ROUNDS"] ?? "";
if (wanted.some((name) => !names.includes(name)) || !/^(|[1-9]\d+)$/.test(roundsAsked)) {
  process.stderr.write(
    `usage: [NFS_INIT_SOAK_ROUNDS=N] npm run soak [NAME...], where NAME is one of: ${names.join(", ")}, and N is at least ${settledRounds}\n`,
  );
  process.exit(64);
}

if (wanted.length === 0 || wanted.includes(native)) {
  try {
    await orphans((line) => process.stdout.write(`${native}: ${line}\n`));
  } catch (error) {
    process.stderr.write(`${native}: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  }
}
for (const soak of soaks) {
  if (wanted.length > 0 && !wanted.includes(soak.name)) continue;
  try {
    await run(soak, roundsAsked === "" ? soak.rounds : Number(roundsAsked));
  } catch (error) {
    process.stderr.write(`${soak.name}: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  }
}

async function run({ name, title, program }: Soak, rounds: number): Promise<void> {
  process.stdout.write(`${name}: ${title}; ${rounds} rounds\n`);
  if (program !== undefined) {
    await buildExecutable({ target: machineCpu(), outfile: `.build/soak-${name}`, entry: program });
  }
  const lab = await bootLab({
    binary: process.env["NFS_INIT_BINARY"] ?? "dist/nfs-init",
    lifetimeMs: rounds * roundLimitMs,
  });
  try {
    await lab.sh("reset");
    const job = lab.start(`NFS_INIT_SOAK_SEED=${seed}; . /lab/project/soak/guest/loop.sh; soak ${name} ${rounds}`);
    const startedMs = performance.now();
    const state = { isOver: false };
    const done = job.done.finally(() => (state.isOver = true));
    let told = 0;
    let roundMs = startedMs;
    let lastRound = 0;
    while (!state.isOver) {
      await Promise.race([done, sleep(500)]);
      const round = [...job.stdout().matchAll(/^round (\d+)$/gm)].length;
      if (round > lastRound) [lastRound, roundMs] = [round, performance.now()];
      if (performance.now() - roundMs > roundLimitMs) {
        const log = await lab.run("cat /lab/state/soak.err");
        throw new Error(`round ${lastRound + 1} hangs\n${job.stderr()}\n${log.stdout}`);
      }
      if (Math.floor(round / progressRounds) > told) {
        told = Math.floor(round / progressRounds);
        const each = (performance.now() - startedMs) / round / 1000;
        process.stdout.write(`${name}: round ${round} of ${rounds}, ${each.toFixed(2)} s a round\n`);
      }
    }
    const { exitCode, stdout, stderr } = await done;
    if (exitCode !== 0) throw new Error(`failed in round ${lastRound + 1}\n${stderr}`);
    for (const [, note] of stdout.matchAll(/^note (.*)$/gm)) process.stdout.write(`${name}: ${note}\n`);
    judge(name, stdout, rounds);
  } finally {
    await lab.stop();
  }
}

/** Compares what there was after the first rounds with what there is now. */
function judge(name: string, stdout: string, rounds: number): void {
  const before = censusAfter(stdout, settledRounds);
  const after = censusAfter(stdout, rounds);
  for (const line of growth(before, after)) {
    process.stdout.write(
      `${name}: ${line.what}: ${line.before} after ${settledRounds} rounds, ${line.after} after ${rounds}${line.isLeak ? ", a leak" : ""}\n`,
    );
    if (line.isLeak) process.exitCode = 1;
  }
}

function censusAfter(stdout: string, round: number): Census {
  const text = new RegExp(`^census ${round} (.*)$`, "m").exec(stdout)?.[1];
  if (text === undefined) throw new Error(`there is no census after round ${round}`);
  return parseCensus(text);
}
