// How good or bad a state is for whoever looks at a page.
import type { ExportStatus, SharePhase, VolumeStatus } from "../watch/status.ts";

/** `idle`: neither. */
export type Tone = "good" | "wait" | "bad" | "idle";

const tones: Readonly<Record<SharePhase, Tone>> = {
  waiting: "wait",
  mounted: "good",
  healthy: "good",
  "read-only": "wait",
  unresponsive: "wait",
  "server-gone": "wait",
  stale: "bad",
  missing: "bad",
  replaced: "bad",
};

export function toneOfShare(phase: SharePhase, isLost: boolean): Tone {
  return isLost ? "bad" : tones[phase];
}

const exportTones: Readonly<Record<ExportStatus["phase"], Tone>> = {
  starting: "wait",
  served: "good",
  "not-served": "bad",
};

export function toneOfExport(phase: ExportStatus["phase"]): Tone {
  return exportTones[phase];
}

const volumeTones: Readonly<Record<VolumeStatus["phase"], Tone>> = {
  unused: "idle",
  waiting: "wait",
  mounted: "good",
  lost: "bad",
};

export function toneOfVolume(phase: VolumeStatus["phase"]): Tone {
  return volumeTones[phase];
}
