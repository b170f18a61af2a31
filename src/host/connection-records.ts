// Which connections clients have to the virtual address: looked up from time to time, and kept with the client records.
import * as native from "native";
import type { ServerSettings } from "../export/server.ts";
import {
  connectionsIn,
  formatConnections,
  parseConnections,
  without,
  type ClientConnection,
} from "../export/vip/connections.ts";
import { clock } from "./clock.ts";
import { textAgain } from "./proc-table.ts";
import { openInTurn } from "./written-in-turn.ts";

/** Four thousand connections of IPv6 take less than half of it. */
const longestRecordsBytes = 1024 * 1024;
/** A hundred thousand connections of a machine, of which these are some. */
const longestTableBytes = 16 * 1024 * 1024;
/** Connections come in groups, and each look may write to the disk. */
const lookEveryMs = 2_000;
/** Those of before are not overwritten while their clients are told. */
const afterLossMs = 5_000;

export interface ConnectionRecords {
  /** Somebody may have come or gone. */
  readonly stir: () => void;
  /** Looks, where it is time to. Gives how long it is until the next time; -1 while nobody stirs. */
  readonly look: () => number;
  /** Those of an instance before that are not there now. Nothing is kept before it was asked for. */
  readonly lost: () => readonly ClientConnection[];
}

const none: ConnectionRecords = { stir: () => {}, look: () => -1, lost: () => [] };

/** Opens what it needs, by which it goes from then on, whatever the root becomes. */
export function openConnectionRecords({
  movingAddress: address,
  stateDirectory,
  port,
  lockPort,
}: ServerSettings): ConnectionRecords {
  if (address === undefined) return none;
  const served = { address, ports: [port, lockPort] };
  const table = native.open(`/proc/self/net/${address.includes(":") ? "tcp6" : "tcp"}`, native.O_RDONLY);
  const fileNames = ["connections.0", "connections.1"] as const;
  const parse = (text: string) => parseConnections(text, served);
  const { found, keep } = openInTurn(stateDirectory, fileNames, longestRecordsBytes, parse);
  const before = found?.connections ?? [];
  const now = () => connectionsIn(textAgain(table, longestTableBytes), served);
  const textOf = (all: readonly ClientConnection[], sequence = 0) => formatConnections(sequence, address, all);
  let kept = textOf(before);
  let firstMs = Infinity;
  let dueMs = Infinity;
  let nextMs = 0;
  return {
    stir: () => {
      dueMs = Math.min(dueMs, Math.max(clock.nowMs(), firstMs, nextMs));
    },
    look: () => {
      const nowMs = clock.nowMs();
      if (dueMs <= nowMs) {
        dueMs = Infinity;
        nextMs = nowMs + lookEveryMs;
        const all = now();
        const text = textOf(all);
        // What cannot be written is tried again at the next look.
        if (text !== kept && keep((sequence) => textOf(all, sequence)) === undefined) kept = text;
      }
      return dueMs === Infinity ? -1 : Math.ceil(dueMs - nowMs);
    },
    lost: () => {
      const lost = without(before, now());
      firstMs = clock.nowMs() + (lost.length > 0 ? afterLossMs : 0);
      dueMs = firstMs;
      return lost;
    },
  };
}
