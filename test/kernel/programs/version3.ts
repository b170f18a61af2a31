// Serves clients of version 3 beside a nfsd that somebody else started, with the rooms of src: `version3 STATE_DIRECTORY`, until TERM.
import "../../../src/host/globals.ts";
import * as native from "native";
import type { MountError } from "../../../src/export/v3/mount-service.ts";
import { startVersion3 } from "../../../src/export/v3/version3.ts";
import { writeAll } from "../../../src/host/children.ts";
import { takeFaults } from "../../../src/host/faults.ts";
import { openSignalInbox } from "../../../src/host/signals.ts";
import { version3World } from "../../../src/host/version3.ts";

const [, stateDirectory = "/run"] = native.argv().map((bytes) => native.decodeUtf8(bytes));
const say = (text: string) => writeAll(1, native.encodeUtf8(`${text}\n`));

/** One export to all, by the bits of linux/nfsd/export.h: insecure, no_subtree_check, a file system id (100). */
const exported = { path: "/srv/exp", fsid: 100, flags: 0x2 | 0x400 | 0x2000 };
const forever = 2_000_000_000;

function tell(channel: string, line: string): void {
  const fd = native.open(`/proc/net/rpc/${channel}/channel`, native.O_WRONLY);
  try {
    native.write(fd, native.encodeUtf8(`${line}\n`));
  } finally {
    native.close(fd);
  }
}

function askHandle(path: string, mostBytes: number): Uint8Array {
  const fd = native.open("/proc/fs/nfsd/filehandle", native.O_RDWR);
  try {
    native.write(fd, native.encodeUtf8(`* ${path} ${mostBytes}\n`));
    const hex = native.decodeUtf8(native.read(fd, 4_096)).trim().replace("\\x", "");
    return Uint8Array.from(hex.match(/../g) ?? [], (byte) => Number.parseInt(byte, 16));
  } finally {
    native.close(fd);
  }
}

function setLockManager(path: string, text: string): void {
  const fd = native.open(path, native.O_WRONLY);
  try {
    native.write(fd, native.encodeUtf8(`${text}\n`));
  } finally {
    native.close(fd);
  }
}

const refused: MountError = { kind: "mount-error", status: "ACCES" };

const world = version3World({
  stateDirectory,
  mount: {
    allow: ({ address }, path) => {
      if (path !== exported.path && !path.startsWith(`${exported.path}/`)) return Promise.resolve(refused);
      tell("auth.unix.ip", `nfsd ${address} ${forever} *`);
      tell("nfsd.export", `* ${exported.path} ${forever} ${exported.flags} 65534 65534 ${exported.fsid}`);
      tell("nfsd.fh", `* 1 \\x64000000 ${forever} ${exported.path}`);
      return Promise.resolve({ kind: "allowed", domain: "*", path });
    },
    fileHandle: (_domain, path, mostBytes) => {
      try {
        return Promise.resolve({ kind: "handle", handle: askHandle(path, mostBytes) });
      } catch (error) {
        say(`no handle of ${path}: ${String(error)}`);
        return Promise.resolve({ kind: "mount-error", status: "NOENT" });
      }
    },
    exports: () => [{ path: exported.path, clients: [] }],
  },
  ownAddresses: [],
  setLocalState: (state) => setLockManager("/proc/sys/fs/nfs/nsm_local_state", String(state)),
  endLockGrace: () => setLockManager("/proc/fs/lockd/nlm_end_grace", "Y"),
  onEvent: (event) => say(JSON.stringify(event)),
  onFault: (error) => say(`fault: ${String(error)}`),
});

takeFaults();
const started = await startVersion3(world, { mountd: 20_048, statd: 32_765 });
say(started.kind === "failed" ? started.reason : `serving, portmapper ${started.portmapper}`);
if (started.kind === "failed") native.exit(1);
openSignalInbox();
native.onSignal((signal) => {
  // SIGUSR1: nfsd serves. SIGTERM: the end.
  if (signal === 10) void started.announce();
  if (signal === 15) void started.close().then(() => native.exit(0));
});
