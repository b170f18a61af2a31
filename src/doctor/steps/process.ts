// May this process mount at all?
import type { Cause } from "../cause.ts";
import { type Check, fails, notApplicable, ok, warning } from "../check.ts";
import { inWordsOf } from "../engine.ts";
import type { DoctorFacts } from "../facts.ts";
import { type Forbidden, hasSysAdmin, isNamespaced, refusalOf } from "../rights.ts";

const forbiddenBecause: Readonly<Record<Forbidden, string>> = {
  capability: "this process lacks the capability CAP_SYS_ADMIN",
  seccomp: "a seccomp profile forbids mount(2), although CAP_SYS_ADMIN is there",
  "user-namespace": "it runs in a user namespace, where the kernel allows no NFS mounts",
  "security-profile": "the security profile of this container forbids mounting NFS",
  "not-permitted": "mount(2) is not permitted here",
};

export function processCauses({ process, engine }: DoctorFacts): readonly Cause[] {
  const refusal = refusalOf(process);
  if (refusal === undefined) return [];
  const { forbidden } = refusal;
  const change: Readonly<Record<Forbidden, string>> = {
    capability: inWordsOf(engine, "add-capability"),
    seccomp: inWordsOf(engine, "allow-mount-in-seccomp"),
    "user-namespace": inWordsOf(engine, "leave-user-namespace"),
    "security-profile": inWordsOf(engine, "allow-mount-in-profile"),
    "not-permitted": inWordsOf(engine, "add-capability"),
  };
  const label = forbidden === "security-profile" && process.securityLabel ? ` (${process.securityLabel})` : "";
  const because = `${forbiddenBecause[forbidden]}${label}`;
  return [{ id: forbidden, share: undefined, isFatal: true, because, change: change[forbidden] }];
}

export function processChecks({ process, engine }: DoctorFacts): readonly Check[] {
  const forbidden = refusalOf(process)?.forbidden;
  const { seccompMode, noNewPrivileges, securityLabel, remountErrno, nfsErrno } = process;
  const mayMount = hasSysAdmin(process);
  const seccomp =
    seccompMode === undefined
      ? "its mode cannot be read"
      : (["off", "strict", "a filter is on"][seccompMode] ?? `mode ${seccompMode}`);
  const label = securityLabel === undefined || securityLabel === "" ? "none" : securityLabel;
  const asked = `mount(2) says ${remountErrno} to a call that can only fail${nfsErrno === undefined ? "" : `, and ${nfsErrno} to one of NFS without a server`}`;
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
      ? fails(
          "security profile",
          `${label} forbids mounting NFS (${asked})`,
          inWordsOf(engine, "allow-mount-in-profile"),
        )
      : ok("security profile", label),
    isNamespaced(process)
      ? forbidden === "user-namespace"
        ? fails(
            "user namespace",
            "ids are mapped, and the kernel allows no NFS there",
            inWordsOf(engine, "leave-user-namespace"),
          )
        : warning("user namespace", "ids are mapped; few kernels allow NFS there")
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
