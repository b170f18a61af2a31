// May this process mount at all?
import type { Cause } from "../cause.ts";
import { type Check, fails, notApplicable, ok, warning } from "../check.ts";
import type { KindMounting } from "../../kinds/mounting.ts";
import { type Engine, inWordsOf } from "../engine.ts";
import type { DoctorFacts } from "../facts.ts";
import { type Forbidden, hasSysAdmin, isNamespaced, kindOfFirst, refusalOf } from "../rights.ts";

export function processCauses({ process, engine, shares }: DoctorFacts): readonly Cause[] {
  const kind = kindOfFirst(shares.map(({ share }) => share));
  const refusal = refusalOf(process, kind);
  if (refusal === undefined) return [];
  const forbiddenBecause: Readonly<Record<Forbidden, string>> = {
    capability: "this process lacks the capability CAP_SYS_ADMIN",
    seccomp: "a seccomp profile forbids mount(2), although CAP_SYS_ADMIN is there",
    "user-namespace": `it runs in a user namespace, where the kernel allows no ${kind.title} mounts`,
    "security-profile": `the security profile of this container forbids mounting ${kind.title}`,
    "not-permitted": "mount(2) is not permitted here",
  };
  const { forbidden } = refusal;
  const change: Readonly<Record<Forbidden, string>> = {
    capability: inWordsOf(engine, "add-capability"),
    seccomp: inWordsOf(engine, "allow-mount-in-seccomp"),
    "user-namespace": inWordsOf(engine, "leave-user-namespace"),
    "security-profile": inProfile(engine, kind),
    "not-permitted": inWordsOf(engine, "add-capability"),
  };
  const label = forbidden === "security-profile" && process.securityLabel ? ` (${process.securityLabel})` : "";
  const because = `${forbiddenBecause[forbidden]}${label}`;
  return [{ id: forbidden, share: undefined, isFatal: true, because, change: change[forbidden] }];
}

/** How to allow it in a profile of AppArmor. */
function inProfile(engine: Engine, { profileRule }: Pick<KindMounting, "profileRule">): string {
  return inWordsOf(engine, "allow-mount-in-profile").replace("mount fstype=nfs*,", profileRule);
}

export function processChecks({ process, engine, shares }: DoctorFacts): readonly Check[] {
  const kind = kindOfFirst(shares.map(({ share }) => share));
  const forbidden = refusalOf(process, kind)?.forbidden;
  const { seccompMode, noNewPrivileges, securityLabel, remountErrno, nfsErrno } = process;
  const mayMount = hasSysAdmin(process);
  const seccomp =
    seccompMode === undefined
      ? "its mode cannot be read"
      : (["off", "strict", "a filter is on"][seccompMode] ?? `mode ${seccompMode}`);
  const label = securityLabel === undefined || securityLabel === "" ? "none" : securityLabel;
  const asked = `mount(2) says ${remountErrno} to a call that can only fail${nfsErrno === undefined ? "" : `, and ${nfsErrno} to one of ${kind.title} without a server`}`;
  return [
    mayMount === undefined
      ? notApplicable("CAP_SYS_ADMIN", "/proc/self/status cannot be read")
      : mayMount
        ? ok("CAP_SYS_ADMIN", "this process has it")
        : fails("CAP_SYS_ADMIN", "this process lacks it", inWordsOf(engine, "add-capability")),
    forbidden === "seccomp"
      ? fails("seccomp", `${seccomp} and forbids mount (${asked})`, inWordsOf(engine, "allow-mount-in-seccomp"))
      : forbidden === undefined
        ? ok("seccomp", `${seccomp}; ${asked}`)
        : notApplicable("seccomp", seccomp),
    forbidden === "security-profile"
      ? fails("security profile", `${label} forbids mounting ${kind.title} (${asked})`, inProfile(engine, kind))
      : ok("security profile", label),
    isNamespaced(process)
      ? forbidden === "user-namespace"
        ? fails(
            "user namespace",
            `ids are mapped, and the kernel allows no ${kind.title} there`,
            inWordsOf(engine, "leave-user-namespace"),
          )
        : warning("user namespace", `ids are mapped; few kernels allow ${kind.title} there`)
      : ok("user namespace", "that of the host"),
    ok(
      "no_new_privs",
      noNewPrivileges === undefined
        ? "cannot be read"
        : noNewPrivileges
          ? "set; mounting does not need it clear"
          : "not set",
    ),
  ];
}
