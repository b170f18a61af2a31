// This machine for what version 3 needs beside nfsd: sockets, the records of the status monitor, and lockd's state number.
import * as native from "native";
import { formatRecords, parseRecords } from "../export/v3/monitor-records.ts";
import type { MountPort } from "../export/v3/mount-service.ts";
import type { Version3Event, Version3World } from "../export/v3/version3.ts";
import { readRegular } from "./bounded-file.ts";
import { clock } from "./clock.ts";
import { replaceDurably } from "./durable-file.ts";
import { resolveName } from "./names.ts";
import { rpcServer } from "./rpc-server.ts";
import { dial } from "./sockets.ts";

export interface Version3Given {
  /** The directory of the server's records, which exists. */
  readonly stateDirectory: string;
  readonly mount: MountPort;
  /** Addresses that clients may have mounted from beside the one that this machine answers from: a virtual one. */
  readonly ownAddresses: readonly string[];
  readonly onEvent: (event: Version3Event) => void;
  /** A fault of ours in an answer. */
  readonly onFault: (error: unknown) => void;
}

/** Four thousand hosts with names of a thousand bytes. */
const longestRecordsBytes = 8 * 1024 * 1024;
const localStatePath = "/proc/sys/fs/nfs/nsm_local_state";

export function version3World(given: Version3Given): Version3World {
  const path = `${given.stateDirectory}/status-monitor.json`;
  const server = rpcServer(given.onFault);
  return {
    dial,
    listen: server.listen,
    closeAll: server.close,
    mount: given.mount,
    loadRecords: () => {
      const content = readRegular(path, longestRecordsBytes);
      return content.kind === "read" ? parseRecords(native.decodeUtf8(content.bytes)) : undefined;
    },
    saveRecords: (records) => replaceDurably(path, formatRecords(records)),
    setLocalState,
    onEvent: given.onEvent,
    timeOfDayMs: () => Date.now(),
    nowMs: native.bootTimeMs,
    pause: (ms, signal) => clock.sleep(ms, signal).catch(() => {}),
    resolve: async (name, signal) => {
      const found = await resolveName(name, signal);
      return found.kind === "addresses" ? found.addresses : [];
    },
    ownNames: [...given.ownAddresses, native.uname().nodename],
  };
}

/** Peers tell by it that a lock was asked for after a restart; where /proc/sys cannot be written they do without. */
function setLocalState(state: number): void {
  let fd: number | undefined;
  try {
    fd = native.open(localStatePath, native.O_WRONLY);
    native.write(fd, native.encodeUtf8(`${state}\n`));
  } catch {
    // As said.
  } finally {
    if (fd !== undefined) native.close(fd);
  }
}
