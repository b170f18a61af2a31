// NFS as a kind of share.
import type { MountRecord } from "../../shares/mountinfo.ts";
import { splitOptions } from "../../shares/options.ts";
import type { Source } from "../../shares/share.ts";
import type { ShareKind } from "../kind.ts";
import { withKerberosHint } from "./kerberos.ts";
import { isAddedToCall, waysToMount } from "./mount-data.ts";
import { optionHint } from "./option-hints.ts";
import { defaultOptions, planOptions, transportProblem } from "./options.ts";
import { formatSource, parseSource } from "./source.ts";
import { agreeOnVersion } from "./versions.ts";

export const nfs: ShareKind = {
  title: "NFS",
  hasVariables: true,
  sources: {
    accepts: "host:/path, [IPv6]:/path, nfs://host/path",
    // What is like nothing else is refused with what a source of NFS looks like.
    isMeant: () => true,
    parse: parseSource,
    format: formatSource,
  },
  options: {
    defaults: splitOptions(defaultOptions),
    problem: transportProblem,
    plan: planOptions,
    isAdded: isAddedToCall,
    hint: optionHint,
    manual: "nfs(5)",
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
    ways: waysToMount,
    withHint: withKerberosHint,
    modules: ["nfs", "nfsv3", "nfsv4"],
    harmless: { fstype: "nfs", data: "vers=3" },
    profileRule: "mount fstype=nfs*,",
  },
};

/** The same source, or the same path of the same address. */
function isOf(mount: MountRecord, source: Source): boolean {
  if (mount.source === formatSource(source)) return true;
  const path = /^(?:\[[^\]]*\]|[^:]*):(.*)$/s.exec(mount.source)?.[1];
  return path === source.path && mount.superOptions.includes(`addr=${source.host}`);
}
