// What doctor asks of a machine that is to serve: all that a start does before it changes anything, in a child of its own.
import * as native from "native";
import type { Preparation } from "../config/exports.ts";
import type { ServerDoctorPorts } from "../doctor/server/collect.ts";
import type { ExportFacts, PortFact, ServerMachineFacts, ServerTrial } from "../doctor/server/facts.ts";
import { errnoOf } from "../errors.ts";
import { channelNames } from "../export/channels.ts";
import type { ServerSettings } from "../export/server.ts";
import { hasPortmapper } from "../export/v3/registration.ts";
import { mountAround, topMountOn } from "../shares/mountinfo.ts";
import { findDevice } from "./block-devices.ts";
import { inChild } from "./children.ts";
import { whyUnwritable } from "./export-directories.ts";
import { clock } from "./clock.ts";
import { readMounts } from "./mounts.ts";
import { claimNetwork } from "./network-claim.ts";
import { networksHere } from "./networks.ts";
import { checkExports, openChannel, readControl } from "./nfsd-child.ts";
import { makePlace, PlaceTrouble } from "./nfsd-place.ts";
import { closing } from "./opened.ts";
import { lookAt, nearestThere } from "./small-files.ts";
import { dial } from "./sockets.ts";

const portmapperMs = 2_000;

export const serverDoctorPorts: ServerDoctorPorts = {
  dial,
  clock,
  attachedNetworks: networksHere,
  tryServer: async (settings, timeoutMs) => {
    const answer = await inChild(() => tryServer(settings), timeoutMs);
    if (answer.kind === "answer") return answer.value;
    if (answer.kind === "no-answer") return { kind: "no-answer" };
    const errno = answer.kind === "failed" ? answer.errno : "EAGAIN";
    return { kind: "trouble", trouble: { kind: "failed", step: "a trial", errno } };
  },
  tryPort,
  isClaimed: () => {
    const release = claimNetwork();
    release?.();
    return release === undefined;
  },
  hasPortmapper: () => hasPortmapper(dial, AbortSignal.timeout(portmapperMs)),
  stateFact,
  directory: async (one, timeoutMs) => {
    const mounts = readMounts();
    const own = topMountOn(mounts, one.path);
    const around = own ?? mountAround(mounts, one.path);
    const answer = await inChild(() => lookAtDirectory(one, own !== undefined), timeoutMs);
    const mount =
      around === undefined ? undefined : { isOwn: own !== undefined, fstype: around.fstype, root: around.root };
    if (answer.kind !== "answer") return { directory: "no-answer", mount, device: undefined };
    const { directory, device } = answer.value;
    return { directory, mount, device: device ?? undefined };
  },
};

/** As far as a start goes before it writes to the kernel's server. */
function tryServer(settings: ServerSettings): ServerTrial {
  try {
    const mounts = native.open("/proc/self/mountinfo", native.O_RDONLY);
    const place = makePlace(settings);
    const channels = channelNames.map((name) => openChannel(place, name));
    place.enter();
    checkExports(settings.table, channels, mounts);
    const [versions, threads] = ["versions", "threads"].map((name) => readControl(place.control, name));
    return { kind: "fit", versions: versions ?? "", threads: Number(threads) };
  } catch (error) {
    if (!(error instanceof PlaceTrouble)) throw error;
    return { kind: "trouble", trouble: error.trouble };
  }
}

function lookAtDirectory(
  { path, device }: Preparation,
  isMounted: boolean,
): { readonly directory: ExportFacts["directory"]; readonly device: ExportFacts["device"] | null } {
  const there = lookAt(path);
  const directory = there === undefined ? "absent" : there.type === "directory" ? "there" : "no-directory";
  if (device === undefined || isMounted) return { directory, device: null };
  const found = findDevice(device);
  return { directory, device: found === undefined ? { kind: "absent" } : { kind: "found", source: found.source } };
}

/** Whether a start could listen there. */
function tryPort(port: number): PortFact {
  try {
    return closing(native.socket(native.AF_INET, native.SOCK_STREAM), (fd) => {
      native.setsockopt(fd, native.SOL_SOCKET, native.SO_REUSEADDR, 1);
      native.bind(fd, { address: "0.0.0.0", port });
      native.listen(fd, 1);
      return { kind: "free" };
    });
  } catch (error) {
    const errno = errnoOf(error) ?? "EIO";
    return errno === "EADDRINUSE" ? { kind: "taken" } : { kind: "refused", errno };
  }
}

/** Where the records of clients lie, or would: the nearest directory that is there tells. */
function stateFact(path: string): ServerMachineFacts["state"] {
  const fstype = mountAround(readMounts(), path)?.fstype ?? "unknown";
  return { path, fstype, unwritable: whyUnwritable(nearestThere(path)) };
}
