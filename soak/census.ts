// What is counted between rounds, and by how much each may have grown at the end.

/** How many there are of each thing. */
export type Census = Readonly<Record<CensusName, number>>;

/** How much more of each thing is no leak yet. What is exact may not grow at all. */
const slack = {
  /** In the container. */
  mounts: 0,
  processes: 0,
  /** Files, folders and blocks that the container has written anywhere but on shares. */
  files: 0,
  blocks: 0,
  /** /run/mount/utab, in which mount helpers keep a line for each mount. */
  utabLines: 0,
  stateFiles: 0,
  temporaryFiles: 0,
  /** TCP connections that are not merely on their way to their end. */
  connections: 0,
  /** What the kernel knows of NFS servers and mounts on this client. */
  nfsServers: 0,
  nfsVolumes: 0,
  /** In the whole lab: the server's own come and go a little. */
  openFiles: 16,
  labProcesses: 2,
  unreclaimableKb: 8_192,
} as const;

export type CensusName = keyof typeof slack;

const censusNames = Object.keys(slack) as CensusName[];

/** Reads `NAME=NUMBER ...`; every name must be there. */
export function parseCensus(text: string): Census {
  const found = new Map(text.split(" ").map((word) => word.split("=") as [string, string]));
  return Object.fromEntries(
    censusNames.map((name) => {
      const value = found.get(name) ?? "";
      if (!/^\d+$/.test(value)) throw new Error(`the census has no ${name}: ${text}`);
      return [name, Number(value)];
    }),
  ) as Record<CensusName, number>;
}

export interface Growth {
  readonly what: CensusName;
  readonly before: number;
  readonly after: number;
  readonly isLeak: boolean;
}

export function growth(before: Census, after: Census): readonly Growth[] {
  return censusNames.map((what) => ({
    what,
    before: before[what],
    after: after[what],
    isLeak: after[what] - before[what] > slack[what],
  }));
}
