#!/bin/busybox sh
# The plain way to wait for an NFS server: try to mount until it works, with 50 ms between two attempts.
#   SOURCE, TARGET, VERSION: what to mount, where, and by which NFS version

until mount.nfs "$SOURCE" "$TARGET" -o "retry=0,vers=$VERSION,hard,nolock"; do
  sleep 0.05
done

exec "$@"
