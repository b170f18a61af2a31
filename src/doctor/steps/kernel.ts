// The kernel's NFS client, and fstab.
import { type Check, fails, notApplicable, ok, warning } from "../check.ts";
import type { DoctorFacts } from "../facts.ts";

export function kernelChecks({ kernel, shares }: DoctorFacts): readonly Check[] {
  const ofNfs = shares.filter(({ service }) => service === undefined);
  if (shares.length > 0 && ofNfs.length === 0) return [notApplicable("NFS in the kernel", "no share is of NFS")];
  const { filesystems, loaded, onDisk, release = "unknown" } = kernel;
  const doesNotDecide = "which does not decide: mount(2) has the host load its modules";
  const errnos = ofNfs.flatMap(({ trial }) => (trial.kind === "tried" ? trial.calls : []));
  const isMissing = errnos.length > 0 && errnos.every(({ errno }) => errno === "ENODEV");
  const seen =
    filesystems.length === 0 ? "no nfs in /proc/filesystems" : `${filesystems.join(", ")} in /proc/filesystems`;
  const modules = loaded.length === 0 ? "no NFS module in /proc/modules" : `${loaded.join(", ")} loaded`;
  const disk =
    onDisk === undefined
      ? "/lib/modules is not to be seen"
      : onDisk.length === 0
        ? "none in /lib/modules"
        : `${onDisk.join(", ")} in /lib/modules`;
  const fact = `Linux ${release}: ${seen}, ${modules}, ${disk}`;
  const next = "load nfs, nfsv3 and nfsv4 on the host";
  if (isMissing) return [fails("NFS in the kernel", `${fact}; mount(2) says ENODEV`, next)];
  return [
    filesystems.length === 0
      ? warning("NFS in the kernel", `${fact}, ${doesNotDecide}`)
      : ok("NFS in the kernel", fact),
  ];
}

export function fstabCheck({ fstab: { path, unwritable } }: DoctorFacts): Check {
  if (path === "none") return notApplicable("fstab", "none is kept (NFS_FSTAB)");
  if (unwritable === undefined) return ok("fstab", `${path} can be written`);
  return warning(
    "fstab",
    `${path} cannot be written (${unwritable}), mounting goes on without it`,
    "set NFS_FSTAB=none, or make it writable",
  );
}
