// Shares that are mounted with Kerberos: what that needs on this host, which the kernel's errno does not tell.
import { optionValue } from "../../shares/options.ts";
import type { Share } from "../../shares/share.ts";
import type { MountFailure } from "../failure.ts";

/** The flavor a share asks for, where it is one of Kerberos: `krb5p`, or several in turn, `krb5p:krb5i` (nfs(5), "sec="). */
export function kerberosFlavor({ options }: Pick<Share, "options">): string | undefined {
  const flavor = optionValue(options, "sec");
  return flavor !== undefined && /(?:^|:)krb5[ip]?(?:$|:)/.test(flavor) ? flavor : undefined;
}

/** What Kerberos needs here, a clause. */
export const kerberosNeeds = "rpc.gssd, the module rpcsec_gss_krb5 and a keytab (/etc/krb5.keytab) on the host";

/** What a lack of these shows itself by; the server has often not even been asked. */
const kerberosCauses: ReadonlySet<string | undefined> = new Set([
  "EACCES",
  "EPERM",
  "EINVAL",
  "ERANGE",
  "EKEYEXPIRED",
  "EKEYREVOKED",
  "ENOKEY",
]);

/** `failure` with the hint that fits a share with Kerberos: "check that the server exports" leads astray there. */
export function withKerberosHint(share: Pick<Share, "options">, failure: MountFailure): MountFailure {
  const flavor = kerberosFlavor(share);
  if (flavor === undefined || !kerberosCauses.has(failure.cause)) return failure;
  const hint = `sec=${flavor} needs ${kerberosNeeds}, and the export must offer it (sec= in /etc/exports on the server); or remove sec= from NFS_OPTIONS`;
  return { ...failure, hint };
}
