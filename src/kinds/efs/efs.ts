// EFS as a kind of share: NFS 4.1 from a file system of Amazon's, which is named by its id.
import { isIP } from "../../address.ts";
import { hasOption, nameOf, optionValue } from "../../shares/options.ts";
import { shown } from "../../text/shown.ts";
import type { ParsedSource, ShareKind, SourceProblem } from "../kind.ts";
import { nfs } from "../nfs/nfs.ts";
import { isId, isRegion, regionOfZone } from "./names.ts";

/** What Amazon recommends (Amazon EFS User Guide, "Recommended NFS mount settings"). */
const recommended: readonly string[] = [
  "rsize=1048576",
  "wsize=1048576",
  "hard",
  "timeo=600",
  "retrans=2",
  "noresvport",
];

/** Options that Amazon's own mount helper answers by a tunnel. */
const tunnel =
  /^(?:tls|iam|accesspoint|awsprofile|awscredsuri|rolearn|jwtpath|cafile|ocsp|noocsp|tlsport|verify|stunnel|crossaccount|fips)(?:=|$)/;

export const efs: ShareKind = {
  hasVariables: false,
  sources: {
    accepts: "fs-0123abcd[:/path] (EFS)",
    isMeant,
    parse,
    format: nfs.sources.format,
    host: (text) => (isId(text) ? text : undefined),
    explainHost: nfs.sources.explainHost,
  },
  options: {
    defaults: recommended,
    withAccount: undefined,
    problem: optionProblem,
    plan: nfs.options.plan,
  },
  versions: {
    byType: new Map([
      ["efs", "auto"],
      ["nfs", "auto"],
      ["nfs4", "4"],
    ]),
    agree: (stated, options) => {
      const agreed = nfs.versions.agree(stated, options);
      if (agreed.kind !== "version" || /^4\.[01]$/.test(agreed.version)) return agreed;
      if (agreed.version === "auto" || agreed.version === "4") return { kind: "version", version: "4.1" };
      return { kind: "contradiction", problem: `EFS speaks NFS 4.1 and 4.0, and not ${agreed.version}` };
    },
  },
  mounts: nfs.mounts,
};

/** An id, in capitals too, or an access point's: no other server has such a name. */
function isMeant(text: string): boolean {
  return isId((text.split(":")[0] ?? "").toLowerCase().replace(/^fsap-/, "fs-"));
}

function parse(text: string): ParsedSource | SourceProblem {
  const host = text.split(":")[0] ?? "";
  if (/^fsap-/i.test(host)) {
    return { problem: `"${shown(host)}" is an access point, which needs the tunnel of Amazon's own mount helper` };
  }
  if (!isId(host)) return { problem: `"${shown(host)}" is no id of EFS: that is in small letters` };
  return nfs.sources.parse(text.includes(":") ? text : `${text}:/`);
}

function optionProblem(options: readonly string[], host: string): string | undefined {
  const tunneled = options.find((option) => tunnel.test(option));
  if (tunneled !== undefined) {
    return `${nameOf(tunneled)} needs the tunnel of Amazon's own mount helper (amazon-efs-utils), which nfs-init does not have; remove it, or let that helper mount the file system`;
  }
  if (hasOption(options, "x-nfs-init.helper")) return "mount.nfs knows no ids of EFS; remove x-nfs-init.helper";
  const region = optionValue(options, "region");
  if (region !== undefined && !isRegion(region)) return `region=${region} names no region; write one such as eu-west-1`;
  const zone = optionValue(options, "az");
  const ofZone = zone === undefined ? undefined : regionOfZone(zone);
  if (zone !== undefined && ofZone === undefined) return `az=${zone} names no zone; write one such as eu-west-1a`;
  if (region !== undefined && ofZone !== undefined && region !== ofZone)
    return `az=${zone} is not in region=${region}; remove one`;
  const fallback = optionValue(options, "mounttargetip");
  if (fallback !== undefined && isIP(fallback) === 0) return `mounttargetip=${fallback} is no address`;
  return nfs.options.problem(options, host);
}
