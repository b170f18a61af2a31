#!/bin/busybox sh
# The best that a shell can do to wait for an NFS server: ask for the NFS service every 50 ms, and mount when it answers.
#   SERVER, SOURCE, TARGET, VERSION: what to mount, where, and by which NFS version

until rpcinfo -n 2049 -t "$SERVER" 100003 "${VERSION%.*}" >/dev/null &&
  mount.nfs "$SOURCE" "$TARGET" -o "retry=0,vers=$VERSION,hard,nolock"; do
  sleep 0.05
done

exec "$@"
