// Runs a measurement's rounds: each takes every competitor once, in an order of its own, so that no one has the quiet minute.

import { takesPart } from "./measurement.ts";
import type { Measurement, Rig } from "./measurement.ts";

/** The figures of each case by competitor, one per round. */
export type Samples = Readonly<Record<string, Readonly<Record<string, readonly number[]>>>>;

export async function runRounds(
  measurement: Measurement,
  rig: Rig,
  rounds: number,
  onRound: (round: number) => void,
): Promise<Samples> {
  const samples: Record<string, Record<string, number[]>> = {};
  for (let round = -measurement.warmUpRounds; round < rounds; round += 1) {
    onRound(round);
    for (const each of measurement.cases) {
      for (const { name } of shuffle(rig.competitors.filter((competitor) => takesPart(each, competitor)))) {
        const figure = await rig.run({ competitor: name, case: each.name, round });
        if (round >= 0) ((samples[each.name] ??= {})[name] ??= []).push(figure);
      }
    }
  }
  return samples;
}

/** The same items in a random order (Fisher and Yates). */
export function shuffle<T>(items: readonly T[]): T[] {
  const order = [...items];
  for (let last = order.length - 1; last > 0; last -= 1) {
    const other = Math.floor(Math.random() * (last + 1));
    [order[last], order[other]] = [order[other] as T, order[last] as T];
  }
  return order;
}

/** One random moment from 0 to 1 in each of `count` equal parts, in random order. */
export function spreadMoments(count: number): readonly number[] {
  return shuffle(Array.from({ length: count }, (_, part) => (part + Math.random()) / count));
}
