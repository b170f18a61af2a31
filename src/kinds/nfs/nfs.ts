// NFS as a kind of share: its sources, options and versions, and how a mount of it is known.
import type { MountRecord } from "../../shares/mountinfo.ts";
import { explainHost, parseHost } from "../../shares/host.ts";
import { splitOptions } from "../../shares/options.ts";
import type { Source } from "../../shares/share.ts";
import type { ShareKind } from "../kind.ts";
import { defaultOptions, planOptions, transportProblem } from "./options.ts";
import { formatSource, parseSource } from "./source.ts";
import { agreeOnVersion } from "./versions.ts";

export const nfs: ShareKind = {
  hasVariables: true,
  sources: {
    accepts: "host:/path, [IPv6]:/path, nfs://host/path",
    // What is like nothing else is refused with what a source of NFS looks like.
    isMeant: () => true,
    parse: parseSource,
    format: formatSource,
    host: parseHost,
    explainHost,
  },
  options: {
    defaults: splitOptions(defaultOptions),
    withAccount: undefined,
    problem: transportProblem,
    plan: planOptions,
  },
  versions: {
    byType: new Map([
      ["nfs", "auto"],
      ["nfs3", "3"],
      ["nfs4", "4"],
    ]),
    agree: agreeOnVersion,
  },
  mounts: {
    fstype: "nfs",
    isMounted: ({ fstype }) => fstype === "nfs" || fstype === "nfs4",
    isOf,
    silence: [],
  },
};

/** The same source, or the same path of the same address. */
function isOf(mount: MountRecord, source: Source): boolean {
  if (mount.source === formatSource(source)) return true;
  const path = /^(?:\[[^\]]*\]|[^:]*):(.*)$/s.exec(mount.source)?.[1];
  return path === source.path && mount.superOptions.includes(`addr=${source.host}`);
}
