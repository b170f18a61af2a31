// Shares with Kerberos or TLS: what that takes on this machine, which the kernel's errno does not tell.
import { optionValue } from "../../shares/options.ts";
import type { Share } from "../../shares/share.ts";
import type { MountFailure } from "../failure.ts";
import { kerberosFlavor } from "./kerberos.ts";

/**
 * What an option takes. The kernel asks the program, and only one in the network namespace of the mount (linux
 * net/sunrpc/rpc_pipe.c, net/handshake/netlink.c).
 */
export interface SecurityNeeds {
  readonly kind: "kerberos" | "tls";
  readonly option: string;
  /** A clause that goes on from "needs". */
  readonly words: string;
  readonly program: string;
  readonly module: string | undefined;
  readonly files: readonly string[];
  /** The oldest kernel: 6.5 as [6, 5]. */
  readonly since: readonly [number, number] | undefined;
  /** What the server has to do: a clause. */
  readonly server: string;
  /** What a lack shows itself by; the server has often not even been asked. */
  readonly causes: RegExp;
}

/** What the options of a share take, where that is more than the kernel and the server. */
export function securityNeeds(share: Pick<Share, "options">): SecurityNeeds | undefined {
  const policy = optionValue(share.options, "xprtsec");
  if (policy === "tls" || policy === "mtls") {
    return {
      kind: "tls",
      option: `xprtsec=${policy}`,
      words: `Linux 6.5 and tlshd (ktls-utils)${policy === "mtls" ? " with a certificate of this client" : ""}`,
      program: "tlshd",
      module: undefined,
      files: [],
      since: [6, 5],
      server: "the server must offer TLS (tlshd there, xprtsec= in /etc/exports)",
      causes:
        /^(?:EACCES|EPERM|EINVAL|ERANGE|ESRCH|EPROTO|EPROTONOSUPPORT|EOPNOTSUPP|EKEYREJECTED|EKEYEXPIRED|EKEYREVOKED|ENOKEY|EIO|ETIMEDOUT|ECONNRESET)$/,
    };
  }
  const flavor = kerberosFlavor(share);
  return flavor === undefined
    ? undefined
    : {
        kind: "kerberos",
        option: `sec=${flavor}`,
        words: "rpc.gssd, the module rpcsec_gss_krb5 and a keytab (/etc/krb5.keytab)",
        program: "rpc.gssd",
        module: "rpcsec_gss_krb5",
        files: ["/etc/krb5.keytab", "/etc/krb5.conf"],
        since: undefined,
        server: "the export must offer it (sec= in /etc/exports on the server)",
        causes: /^(?:EACCES|EPERM|EINVAL|ERANGE|EKEYEXPIRED|EKEYREVOKED|ENOKEY)$/,
      };
}

/** Where the program has to run. */
export const inSameNetwork =
  "on the host, with the host's network for this container (network_mode: host, hostNetwork)";

/** `failure` with the hint that fits a share with Kerberos or TLS: "check that the server exports" leads astray there. */
export function withSecurityHint(share: Pick<Share, "options">, failure: MountFailure): MountFailure {
  const needs = securityNeeds(share);
  if (needs === undefined || !needs.causes.test(failure.cause ?? "")) return failure;
  const { option, words, server } = needs;
  const hint = `${option} needs ${words} ${inSameNetwork}, and ${server}; or remove ${option.split("=")[0]}= from NFS_OPTIONS`;
  return { ...failure, hint };
}
