#!/bin/busybox sh
# The least there is to do: a shell that is told the moment at which the server is there, and mounts once.
#   TOLD: a pipe on which it is told; SOURCE, TARGET, VERSION: what to mount, where, and by which NFS version

read -r _ <"$TOLD"
mount.nfs "$SOURCE" "$TARGET" -o "retry=0,vers=$VERSION,hard,nolock" || exit

exec "$@"
