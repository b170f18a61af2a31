// The last changes of an instance, for those who come to look later: told by what was and what is.
import type { InstanceStatus, ShareStatus } from "../watch/status.ts";
import { toneOfExport, toneOfShare, toneOfVolume, type Tone } from "./tone.ts";

/** Something that changed its state; `from` is undefined for what was not there before. */
export interface Change {
  /** Milliseconds since 1970. */
  readonly wallMs: number;
  /** A mount point, an exported path, the name of a volume, or the process itself. */
  readonly subject: string;
  readonly from: string | undefined;
  readonly to: string;
  readonly tone: Tone;
  readonly reason: string | undefined;
}

export interface History {
  /** Looks at what is now. */
  readonly note: (status: InstanceStatus, wallMs: number) => void;
  /** The newest first. */
  readonly changes: () => readonly Change[];
}

/** So many are kept. */
const longest = 40;

export function createHistory(): History {
  let before: ReadonlyMap<string, Standing> | undefined;
  let kept: readonly Change[] = [];
  return {
    note: (status, wallMs) => {
      const now = standings(status);
      const news = before === undefined ? [] : changesBetween(before, now, wallMs);
      before = now;
      if (news.length > 0) kept = [...news.toReversed(), ...kept].slice(0, longest);
    },
    changes: () => kept,
  };
}

interface Standing {
  readonly subject: string;
  readonly state: string;
  readonly tone: Tone;
  readonly reason: string | undefined;
  /** What else tells two states apart that have the same name. */
  readonly round: number;
}

function standings({ shares, exports = [], volumes = [], restarts }: InstanceStatus): ReadonlyMap<string, Standing> {
  const ofVolumes = new Set(volumes.map(({ target }) => target));
  return new Map([
    ...shares
      .filter(({ target }) => !ofVolumes.has(target))
      .map((share): [string, Standing] => [`share ${share.target}`, standingOfShare(share.target, share)]),
    ...exports.map(({ path, phase, reason }): [string, Standing] => {
      return [`export ${path}`, { subject: path, state: phase, tone: toneOfExport(phase), reason, round: 0 }];
    }),
    ...volumes.map(({ name, target, phase, reason }): [string, Standing] => {
      const share = shares.find((one) => one.target === target);
      if (phase === "mounted" && share !== undefined) return [`volume ${name}`, standingOfShare(name, share)];
      return [`volume ${name}`, { subject: name, state: phase, tone: toneOfVolume(phase), reason, round: 0 }];
    }),
    [
      "process",
      {
        subject: "process",
        state: restarts > 0 ? "started again" : "started",
        tone: "good",
        reason: undefined,
        round: restarts,
      },
    ],
  ]);
}

function standingOfShare(subject: string, { phase, isLost, reason, remounts }: ShareStatus): Standing {
  const state = isLost ? `${phase}, lost` : remounts > 0 && phase === "mounted" ? "mounted afresh" : phase;
  return { subject, state, tone: toneOfShare(phase, isLost), reason, round: remounts };
}

function changesBetween(
  before: ReadonlyMap<string, Standing>,
  now: ReadonlyMap<string, Standing>,
  wallMs: number,
): readonly Change[] {
  const come = [...now].flatMap(([key, { subject, state, tone, reason, round }]): readonly Change[] => {
    const was = before.get(key);
    if (was !== undefined && was.state === state && was.round === round) return [];
    return [{ wallMs, subject, from: was?.state, to: state, tone, reason }];
  });
  const gone = [...before].flatMap(([key, { subject, state }]): readonly Change[] => {
    return now.has(key) ? [] : [{ wallMs, subject, from: state, to: "gone", tone: "idle", reason: undefined }];
  });
  return [...come, ...gone];
}
