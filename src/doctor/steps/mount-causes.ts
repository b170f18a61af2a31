// Why mount(2) fails although the server would serve: what this kernel lacks, refuses, or cannot do.
import { kerberosFlavor } from "../../kinds/nfs/kerberos.ts";
import { inSameNetwork, securityNeeds, type SecurityNeeds } from "../../kinds/nfs/security.ts";
import { describeRefusedOption } from "../../mount/option-told.ts";
import { classifyErrno } from "../../kinds/nfs/failures.ts";
import type { Cause } from "../cause.ts";
import { inWordsOf } from "../engine.ts";
import type { DoctorFacts, SecurityFacts, ShareFacts, TrialCall } from "../facts.ts";

type Found = Omit<Cause, "share" | "isFatal">;

/** The server would serve, and the kernel here does not mount. */
export function failedMount({ engine }: Pick<DoctorFacts, "engine">, { version, errno, refused }: TrialCall): Found {
  const module = version === "3" ? "nfsv3" : "nfsv4";
  const load = inWordsOf(engine, "load-modules");
  switch (errno) {
    case "ENODEV":
      return {
        id: "kernel-no-nfs",
        because: "the host's kernel has no NFS client: mount(2) says No such device (ENODEV)",
        change: `load the modules nfs, nfsv3 and nfsv4 on the host (${load})`,
      };
    case "EPROTONOSUPPORT":
    case "EOPNOTSUPP":
      return {
        id: "kernel-no-version",
        because: `the host's kernel lacks the module ${module}: mount(2) says Protocol not supported (${errno}) for version ${version}, which the server speaks`,
        change: `load ${module} on the host (${load}), or set NFS_VERSION to one that the kernel has`,
      };
    case "EINVAL":
    case "ERANGE": {
      const told = refused === undefined ? undefined : describeRefusedOption(refused, { kind: "nfs" });
      return {
        id: "option-unknown",
        because: told?.reason ?? `the kernel does not accept the mount options (${errno})`,
        change: told?.hint ?? "check NFS_OPTIONS against nfs(5)",
      };
    }
    case "ETIMEDOUT":
      return {
        id: "mount-hangs",
        because: `mount(2) of version ${version} does not end although the server answers RPC`,
        change: "look at the server's load and log, and whether a firewall lets large packets through (MTU)",
      };
    default: {
      const { reason, hint } = classifyErrno(errno);
      return {
        id: "mount-failed",
        because: `mount(2) of version ${version} says ${reason} although the server's answers show nothing against it`,
        change: hint ?? "look at the kernel's log (dmesg) on this host and at the server's",
      };
    }
  }
}

/** Flavors of RPC by number, as mountd lists them (RFC 2623, section 2.4). */
const flavorNames: Readonly<Record<number, string>> = {
  0: "none",
  1: "sys",
  390_003: "krb5",
  390_004: "krb5i",
  390_005: "krb5p",
};

/** What a share with Kerberos or TLS lacks where mount(2) fails for one of the reasons that this lack shows itself by. */
export function securityCause(
  { share, addresses, security }: ShareFacts,
  { version, errno, refused }: TrialCall,
): Found | undefined {
  const needs = securityNeeds(share);
  // The kernel may refuse the whole for another of its options.
  if (refused !== undefined && refused.word !== needs?.option) return undefined;
  if (needs === undefined || !(needs.causes.test(errno) || /^(?:ENOENT|ETIMEDOUT)$/.test(errno))) return undefined;
  const listed = addresses
    .flatMap(({ path3 }) => (path3?.asMounted.kind === "mounted" ? path3.asMounted.flavors : []))
    .map((number) => flavorNames[number] ?? `${number}`);
  const offered = [...new Set(listed)];
  const flavor = kerberosFlavor(share);
  if (flavor !== undefined && offered.length > 0 && !flavor.split(":").some((one) => offered.includes(one))) {
    return {
      id: "flavor-not-offered",
      because: `the export offers ${offered.join(", ")} and not ${flavor}, which sec= in the options asks for`,
      change: `add ${flavor} to sec= of the export on the server, or set sec=${offered[0] ?? "sys"} in NFS_OPTIONS`,
    };
  }
  const { option, words, kind, program, server } = needs;
  const name = option.split("=")[0];
  const lacks = security === undefined ? [] : lackOf(needs, security);
  const seen = lacks.length === 0 ? "" : `; ${lacks.join(", ")}`;
  const offers = kind === "kerberos" && offered.length > 0 ? `; the export offers ${offered.join(", ")}` : "";
  return {
    id: `${kind}-here`,
    because: `${option} needs ${words}, and mount(2) of version ${version} says ${errno}${seen}${offers}`,
    change:
      lacks.length === 0
        ? `look at the log of ${program}: ${server}; or remove ${name}= from NFS_OPTIONS`
        : `start ${program} ${inSameNetwork}; ${server}; or remove ${name}= from NFS_OPTIONS`,
  };
}

/** What is missing, as far as it can be seen from here: a clause each. */
function lackOf({ program, module, since }: SecurityNeeds, facts: SecurityFacts): readonly string[] {
  const [major = 0, minor = 0] = facts.release.split(".").map(Number);
  const isOld = since !== undefined && (major < since[0] || (major === since[0] && minor < since[1]));
  return [
    ...(isOld ? [`this kernel is ${facts.release}`] : []),
    ...(module !== undefined && !facts.hasModule ? [`${module} is not loaded`] : []),
    ...(facts.program === "unseen" ? [`no ${program} is seen from here`] : []),
    ...(facts.program === "elsewhere" ? [`${program} runs in another network than this`] : []),
    ...facts.missing.map((file) => `there is no ${file}`),
  ];
}
