// What mount(2) is given for a share: the flags and the text that mount.nfs would make of its options.
import type { KernelMount, MountAddresses, MountHelper, MountWay } from "../mounting.ts";
import { takeFlags } from "../mount-flags.ts";
import { classifyErrno, classifyFailure } from "./failures.ts";
import { saysWhere } from "../efs/names.ts";
import { hasOption, lastOf, optionValue } from "../../shares/options.ts";
import { mountCallOptions } from "./options.ts";
import { versionsToTry, type ExactVersion } from "./versions.ts";
import type { Share } from "../../shares/share.ts";

/** Options that mount.nfs resolves or acts on itself and the kernel does not know, or that say nothing. */
const notForKernel = /^(?:retry=|mounthost=|mountaddr=|addr=|defaults$)/;

/**
 * The call for one version. The kernel wants addresses where mount.nfs takes names: `addr=`, and `mountaddr=` for version 3
 * where mountd is elsewhere. What else it needs it finds by itself: ports from rpcbind, and since Linux 3.4 the address for the
 * callbacks of version 4 (linux fs/nfs/fs_context.c, nfs4client.c; nfs-utils utils/mount/stropts.c).
 */
export function kernelMount(
  share: Pick<Share, "label" | "options">,
  version: ExactVersion,
  { server, mountd }: MountAddresses,
): KernelMount {
  const { flags, others } = takeFlags(mountCallOptions(share.options, version));
  const texts = others.filter(
    (option) => option !== "sloppy" && !notForKernel.test(option) && !saysWhere(share.label, option),
  );
  texts.push(`addr=${server}`);
  // The kernel reads its text in order, and forgives what it does not know from here on.
  if (others.includes("sloppy")) texts.unshift("sloppy");
  if (version === "3" && mountd !== undefined) texts.push(`mountaddr=${mountd}`);
  return { source: share.label, fstype: version === "3" ? "nfs" : "nfs4", flags, data: texts.join(",") };
}

/** The ways to mount a share, the newest version first, without those that its server does not speak. */
export function waysToMount(
  share: Pick<Share, "label" | "options" | "version">,
  unspoken: readonly string[],
): readonly MountWay[] {
  return versionsToTry(share.version)
    .filter((version) => !unspoken.includes(version))
    .map((version) => ({
      version,
      helper: wantsHelper(share, version) ? mountNfs(share, version) : undefined,
      call: (addresses) => kernelMount(share, version, addresses),
      failure: classifyErrno,
    }));
}

/** mount.nfs for one version, in one attempt. */
function mountNfs({ label, options }: Pick<Share, "label" | "options">, version: ExactVersion): MountHelper {
  return {
    file: "mount.nfs",
    // -n: without a note in /run/mount/utab, which nobody would take away again.
    argumentsFor: (target) => [label, target, "-n", "-o", mountCallOptions(options, version).join(",")],
    failure: classifyFailure,
    missingHint:
      "version 3 with locks and the option x-nfs-init.helper need it: install nfs-utils (Alpine) or nfs-common (Debian, Ubuntu) in the image, or use nolock",
  };
}

/** Whether a word of a call is not the user's. */
export function isAddedToCall(word: string): boolean {
  return /^(?:addr|mountaddr|vers)=/.test(word);
}

/**
 * Whether a share wants mount.nfs: `x-nfs-init.helper` asks for it, and version 3 with locks needs rpc.statd, which mount.nfs
 * starts.
 */
export function wantsHelper({ options }: Pick<Share, "options">, version: ExactVersion): boolean {
  if (hasOption(options, "x-nfs-init.helper")) return true;
  if (version !== "3") return false;
  // flock locks alone being local leaves fcntl locks to the server.
  return lastOf(options, "lock", "nolock") !== "nolock" && optionValue(options, "local_lock") !== "all";
}
