#!/bin/sh
# The shell entrypoint that nfs-init replaces, as images carry it: one line in fstab, five seconds between two attempts, no way back.
#   NFS_HOST, NFS_MOUNT_POINT, TEST: as nfs-init has them; FSTAB: the file to write, in place of /etc/fstab
#   PAUSE: seconds between two attempts (5)
# NFS_HOST_MOUNT, of a later variant, is the exported path where it is not the mount point.

echo "$NFS_HOST:${NFS_HOST_MOUNT:-$NFS_MOUNT_POINT} $NFS_MOUNT_POINT nfs hard,nolock 0 0" >"${FSTAB:-/etc/fstab}"

while ! mount | grep -q "on $NFS_MOUNT_POINT type" && [ -z "$TEST" ]; do
  sleep "${PAUSE:-5}"
  mount "$NFS_MOUNT_POINT"
done

exec "$@"
