// This machine for what version 3 needs beside nfsd: sockets, and the records of the status monitor.
import * as native from "native";
import { formatRecords, parseRecords } from "../export/v3/monitor-records.ts";
import type { MountPort } from "../export/v3/mount-service.ts";
import type { Version3Event, Version3World } from "../export/v3/version3.ts";
import { readRegular } from "./bounded-file.ts";
import { clock } from "./clock.ts";
import { replaceDurably } from "./whole-file.ts";
import { resolveName } from "./names.ts";
import { rpcServer } from "./rpc-server.ts";
import { dial } from "./sockets.ts";

export interface Version3Given {
  /** The directory of the server's records, which exists. */
  readonly stateDirectory: string;
  readonly mount: MountPort;
  /** Addresses that clients may have mounted from beside the one that this machine answers from: a virtual one. */
  readonly ownAddresses: readonly string[];
  readonly setLocalState: (state: number) => void;
  readonly endLockGrace: () => void;
  readonly onEvent: (event: Version3Event) => void;
  /** A fault of ours in an answer. */
  readonly onFault: (error: unknown) => void;
}

/** Four thousand hosts with names of a thousand bytes. */
const longestRecordsBytes = 8 * 1024 * 1024;

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
    setLocalState: given.setLocalState,
    endLockGrace: given.endLockGrace,
    onEvent: given.onEvent,
    clock,
    resolve: async (name, signal) => {
      const found = await resolveName(name, signal);
      return found.kind === "addresses" ? found.addresses : [];
    },
    ownNames: [...given.ownAddresses, native.uname().nodename],
  };
}
