// Runs the measurements named on the command line, or all of them, and writes their results, the page and its plots.
//   node bench/bench.ts [--rounds N] [NAME...]

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { describeMachine } from "./machine.ts";
import type { Measurement } from "./measurement.ts";
import { measurements } from "./measurements.ts";
import { readResults, renderPages, writePages, writeResult } from "./result-files.ts";
import { toResult } from "./result.ts";
import type { Result } from "./result.ts";
import { runRounds } from "./rounds.ts";

const { values, positionals } = parseArgs({ allowPositionals: true, options: { rounds: { type: "string" } } });

const names = measurements.map(({ name }) => name);
if (positionals.some((name) => !names.includes(name)) || !/^[1-9]\d*$/.test(values.rounds ?? "1")) {
  process.stderr.write(`usage: npm run bench -- [--rounds N] [NAME...], where NAME is one of: ${names.join(", ")}\n`);
  process.exit(64);
}

try {
  for (const measurement of measurements) {
    if (positionals.length > 0 && !positionals.includes(measurement.name)) continue;
    writeResult(await measure(measurement, values.rounds === undefined ? undefined : Number(values.rounds)));
  }
  writePages(await renderPages(readResults()));
} catch (error) {
  process.stderr.write(`bench: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}

async function measure(measurement: Measurement, roundsAsked: number | undefined): Promise<Result> {
  const { name } = measurement;
  const rounds = roundsAsked ?? measurement.rounds;
  const machine = describeMachine();
  process.stderr.write(`${name}: getting ready\n`);
  const rig = await measurement.open(rounds);
  try {
    for (const absence of rig.absent) process.stderr.write(`${name}: without ${absence.name}, ${absence.reason}\n`);
    const every = Math.ceil(rounds / 10);
    const samples = await runRounds(measurement, rig, rounds, (round) => {
      if (round >= 0 && round % every === 0) process.stderr.write(`${name}: round ${round} of ${rounds}\n`);
    });
    const command = roundsAsked === undefined ? `npm run bench ${name}` : `npm run bench -- --rounds ${rounds} ${name}`;
    const result = toResult(measurement, rig, samples, {
      date: new Date(),
      command,
      version: readVersion(),
      machine,
      rounds,
    });
    report(result);
    return result;
  } finally {
    await rig.close();
  }
}

function report({ name, cases, ...result }: Result): void {
  for (const each of cases) {
    for (const { competitor, median, p5, p95 } of each.standings) {
      const unit = each.unit ?? result.unit;
      process.stdout.write(`${name} ${each.name} ${competitor}: ${median} ${unit} (${p5} to ${p95})\n`);
    }
  }
}

function readVersion(): string {
  const text = readFileSync(join(import.meta.dirname, "../package.json"), "utf8");
  return (JSON.parse(text) as { readonly version: string }).version;
}
