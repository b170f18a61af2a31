// The list of all soaks; each has a file of its name in parts/ that is its round.

export interface Soak {
  readonly name: string;
  readonly title: string;
  readonly rounds: number;
  /** A program of its own, which is built as `.build/soak-NAME`. */
  readonly program?: string;
}

export const soaks: readonly Soak[] = [
  {
    name: "stale-exit",
    title: "a share goes stale, nfs-init ends with 75 and starts again in the same container",
    rounds: 1000,
  },
  { name: "remounts", title: "two shares go stale under one process, and nfs-init mounts both afresh", rounds: 500 },
  {
    name: "nested",
    title: "a share and one that lies on it are lost by lot, with a writer on each, and no record is in a wrong place",
    rounds: 50,
  },
  { name: "mixed", title: "faults drawn by lot, half an hour of them", rounds: 250 },
  {
    name: "garbage",
    title: "a million calls that no honest client makes, at each port of a server, while a client writes",
    rounds: 500,
    program: "test/kernel/programs/garbage.ts",
  },
];
