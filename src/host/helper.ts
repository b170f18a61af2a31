// Helper programs of nfs-utils and kmod: mount.nfs, modprobe.
import * as native from "native";
import { errnoOf, messageOf } from "../errors.ts";
import { SIGKILL } from "../init/signals.ts";
import type { HelperEnd } from "../mount/ports.ts";
import { awaitChild, isOwnChild, sendQuietly } from "./children.ts";

/** Longest text of a helper that is kept. */
const longestTextBytes = 8_192;

/** From SIGTERM to SIGKILL for a helper that ran out of time. */
const killedMs = 500;
const SIGTERM = 15;

/** Runs a helper with its messages in English. `signal` kills it, and it is not waited for then. */
export function runHelper(file: string, args: readonly string[], signal: AbortSignal): Promise<HelperEnd> {
  const path = findHelper(file);
  if (path === undefined) return Promise.resolve({ kind: "not-started", reason: "not found" });
  let started: Started;
  try {
    started = start(path, [file, ...args]);
  } catch (error) {
    const isAbsent = errnoOf(error) === "ENOENT";
    return Promise.resolve({ kind: "not-started", reason: isAbsent ? "not found" : messageOf(error) });
  }
  const { pid, text, onTextEnd, close } = started;
  return new Promise((resolve) => {
    const kill = () => {
      // SIGTERM ends a blocked mount.nfs; SIGKILL ends what ignores it. A helper may outlive both in the kernel for a while,
      // so it is waited for only a moment: long enough for a mount that was just made to show.
      sendQuietly(pid, SIGTERM);
      setTimeout(() => {
        if (isOwnChild(pid)) sendQuietly(pid, SIGKILL);
        settle({ kind: "killed", stderr: text() });
      }, killedMs);
    };
    let isSettled = false;
    const settle = (end: HelperEnd) => {
      if (isSettled) return;
      isSettled = true;
      close();
      resolve(end);
    };
    awaitChild(pid, ({ ended, value }) => {
      const wasKilled = signal.aborted;
      signal.removeEventListener("abort", kill);
      const end = () =>
        settle(
          wasKilled
            ? { kind: "killed", stderr: text() }
            : { kind: "exited", exitCode: ended === "exited" ? value : 1, stderr: text() },
        );
      if (wasKilled || (ended === "exited" && value === 0)) return end();
      // Its pipe may stay open in a grandchild: once the helper itself has ended, its text is waited for a moment only.
      onTextEnd(end);
      setTimeout(end, 100);
    });
    if (signal.aborted) kill();
    else signal.addEventListener("abort", kill, { once: true });
  });
}

interface Started {
  readonly pid: number;
  /** What it has written to stderr so far. */
  readonly text: () => string;
  readonly onTextEnd: (call: () => void) => void;
  readonly close: () => void;
}

function start(path: string, argv: readonly string[]): Started {
  const nothing = openNothing();
  let ends: ReturnType<typeof native.pipe>;
  try {
    ends = native.pipe(0);
  } catch (error) {
    native.close(nothing);
    throw error;
  }
  const { readEnd, writeEnd } = ends;
  let pid: number;
  try {
    pid = native.spawn({
      file: path,
      argv,
      env: ["LC_ALL=C", `PATH=${helperFolders().join(":")}`],
      directory: "/",
      stdin: nothing,
      stdout: nothing,
      stderr: writeEnd,
      newGroup: false,
    });
  } catch (error) {
    native.close(readEnd);
    throw error;
  } finally {
    native.close(writeEnd);
    native.close(nothing);
  }
  const chunks: string[] = [];
  let length = 0;
  let isClosed = false;
  let onEnd = () => {};
  const close = () => {
    if (isClosed) return;
    isClosed = true;
    native.unwatch(readEnd);
    native.close(readEnd);
    onEnd();
  };
  native.watch(readEnd, native.POLLIN, () => {
    const bytes = native.read(readEnd, longestTextBytes);
    if (bytes.byteLength === 0) return close();
    if (length < longestTextBytes) chunks.push(native.decodeLatin1(bytes));
    length += bytes.byteLength;
  });
  return {
    pid,
    text: () => native.decodeUtf8(native.encodeLatin1(chunks.join(""))),
    onTextEnd: (call) => {
      if (isClosed) call();
      else onEnd = call;
    },
    close,
  };
}

/** /dev/null, or where there is none the end of a pipe that nobody else has. */
function openNothing(): number {
  try {
    return native.open("/dev/null", native.O_RDWR);
  } catch {
    const { readEnd, writeEnd } = native.pipe(0);
    native.close(writeEnd);
    return readEnd;
  }
}

/** Where helpers are looked up besides PATH: mount.nfs lies in /sbin, which a service's PATH may lack. */
export function helperFolders(): readonly string[] {
  const path = native
    .environ()
    .map((entry) => native.decodeUtf8(entry))
    .find((entry) => entry.startsWith("PATH="));
  const own = path?.slice("PATH=".length) ?? "/usr/local/bin:/usr/bin:/bin";
  return `${own}:/usr/local/sbin:/usr/sbin:/sbin`.split(":").filter((folder) => folder !== "");
}

/** Where a helper lies; undefined where it is not installed. */
export function findHelper(name: string): string | undefined {
  return helperFolders()
    .map((folder) => `${folder}/${name}`)
    .find((path) => {
      try {
        native.access(path, native.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}

/** Longest time modprobe is waited for. */
const modprobeMs = 10_000;

/** Loads the NFS client's modules where the host's are to be seen; that they are not there is no failure. */
export async function loadModules(names: readonly string[]): Promise<void> {
  await runHelper("modprobe", ["-a", ...names], AbortSignal.timeout(modprobeMs));
}
