// What packages say of nfs-init and of who answers for it.
export const about = {
  maintainer: "the nfs-init authors <nfs-init@packages.invalid>",
  summary: "mount NFS shares before a process starts, and watch them",
  description: [
    "Waits until the servers of all configured shares answer, mounts the",
    "shares, and runs a process as its init, in a container or without. When",
    "a share is lost the process is ended, so that whoever supervises it",
    "starts it again on a fresh mount. It is an NFS server and a driver of",
    "Docker volumes as well: one static executable that needs nothing else.",
  ],
} as const;
