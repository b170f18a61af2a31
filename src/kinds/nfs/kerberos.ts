// Shares that are mounted with Kerberos.
import { optionValue } from "../../shares/options.ts";
import type { Share } from "../../shares/share.ts";

/** The flavor a share asks for, where it is one of Kerberos: `krb5p`, or several in turn, `krb5p:krb5i` (nfs(5), "sec="). */
export function kerberosFlavor({ options }: Pick<Share, "options">): string | undefined {
  const flavor = optionValue(options, "sec");
  return flavor !== undefined && /(?:^|:)krb5[ip]?(?:$|:)/.test(flavor) ? flavor : undefined;
}
