// Results of a made-up measurement.
import type { CaseResult, Result } from "../../../bench/result.ts";
import { spread } from "../../../bench/statistics.ts";

const titles = { ours: "nfs-init", peer: "a peer", other: "another peer", floor: "the least" } as const;

type Name = keyof typeof titles;

/** Samples by competitor. */
export type Samples = Readonly<Partial<Record<Name, readonly number[]>>>;

export function makeResult(cases: Readonly<Record<string, Samples>>, unit?: CaseResult["unit"]): Result {
  const all = Object.values(cases).flatMap((samples) => Object.entries(samples) as [Name, readonly number[]][]);
  return {
    schemaVersion: 1,
    name: "made-up",
    title: "A made-up measurement",
    question: "How long?",
    method: "None.",
    unit: "ms",
    where: "this machine",
    date: "2001-01-01",
    command: "npm run bench made-up",
    version: "0.0.0",
    machine: { cores: 1, cpu: "a cpu", kernel: "1", node: "1", bun: "1", load: 0 },
    setting: {},
    rounds: all[0]?.[1].length ?? 0,
    warmUpRounds: 0,
    competitors: [...new Set(all.map(([name]) => name))].map((name) => ({
      name,
      title: titles[name],
      role: name === "other" ? "peer" : name,
    })),
    absent: [],
    cases: Object.entries(cases).map(([name, samples]) => ({
      name,
      title: `the case ${name}`,
      ...(unit === undefined ? {} : { unit }),
      standings: Object.entries(samples).map(([competitor, series]) => ({
        competitor,
        ...spread(series),
        samples: series,
      })),
    })),
  };
}
