// Which of its mount options the kernel refuses, looked for only once it has refused a mount for them.
import { mountingOf } from "../kinds/mountings.ts";
import type { RefusedOption, KernelMount } from "../kinds/mounting.ts";
import { splitOptions } from "../shares/options.ts";
import type { Share } from "../shares/share.ts";
import type { OptionsRead } from "./ports.ts";

export interface OptionPorts {
  /** Has the kernel read the words of a call one by one (fsconfig(2), Linux 5.6 for NFS). */
  readonly readOptions: (
    call: Pick<KernelMount, "fstype" | "source">,
    words: readonly string[],
  ) => Promise<OptionsRead>;
  /**
   * Mounts where nobody sees it, one call after another until one works, and takes that down at once: the errno of each, "" of
   * the one that works. Fewer than the calls, or none, where it cannot be tried.
   */
  readonly tryCalls: (share: Share, version: string, calls: readonly KernelMount[]) => Promise<readonly string[]>;
}

/** Whether an errno of mount(2) is about its options. */
export function isOptionErrno(errno: string): boolean {
  return errno === "EINVAL" || errno === "ERANGE";
}

/** The option that a call is refused for; undefined where that cannot be found out. */
export async function findRefusedOption(
  ports: OptionPorts,
  share: Share,
  version: string,
  call: KernelMount,
): Promise<RefusedOption | undefined> {
  const words = splitOptions(call.data);
  // Not what nfs-init itself has added.
  const isOwn = (word: string) => !mountingOf(share).options.isAdded(word);
  const named = (word: string | undefined, said: string | undefined): RefusedOption | undefined =>
    word === undefined || !isOwn(word) ? undefined : { word, said };
  const read = await ports.readOptions(call, words);
  switch (read.kind) {
    case "refused":
      return named(words[read.index], read.said.at(-1));
    case "failed": {
      const said = read.said.at(-1);
      const word = said === undefined ? undefined : words.find((one) => isOwn(one) && isNamedIn(one, said));
      if (word !== undefined) return named(word, said);
      break;
    }
    case "accepted":
    case "unknown":
      break;
  }
  const own = words.filter(isOwn);
  const ours = words.filter((word) => !isOwn(word));
  return named(await firstRefused(ports, share, version, call, { own, ours }), undefined);
}

/** Whether the kernel's words name an option, or its value: "Unsupported transport protocol udp". */
function isNamedIn(word: string, said: string): boolean {
  const [name = "", value = ""] = word.split("=");
  const said_ = new Set(said.split(/[^\w.-]+/));
  return said_.has(name) || said_.has(value);
}

/**
 * Where the kernel does not tell: the word with which it begins to refuse, found by leaving out one more from the end each time. A
 * call that is refused for an option goes no further than this kernel; one that works is a mount for a moment.
 */
async function firstRefused(
  { tryCalls }: OptionPorts,
  share: Share,
  version: string,
  call: KernelMount,
  { own, ours }: { readonly own: readonly string[]; readonly ours: readonly string[] },
): Promise<string | undefined> {
  const counts = Array.from({ length: own.length + 1 }, (_, left) => own.length - left);
  const calls = counts.map((count) => ({ ...call, data: [...own.slice(0, count), ...ours].join(",") }));
  const errnos = await tryCalls(share, version, calls);
  const taken = errnos.findIndex((errno) => !isOptionErrno(errno));
  // With all of them it must be refused, or there is nothing to find.
  return taken <= 0 ? undefined : own[own.length - taken];
}
