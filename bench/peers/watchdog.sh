#!/bin/bash
# The shell watchdog that nfs-init replaces: a look at each mount point every five seconds, and the child is ended when one fails.
#   SOURCE, TARGET, VERSION: what to mount, where, and by which NFS version; without SOURCE nothing is mounted
#   TARGETS: the mount points to look at (TARGET); LOOK: how (stat, which the client's cache may answer; stat -f asks the server)

[ -z "${SOURCE-}" ] || mount.nfs "$SOURCE" "$TARGET" -o "vers=$VERSION,hard,nolock" || exit

"$@" &
child=$!
trap 'kill "$child"' TERM

while sleep 5 && kill -0 "$child"; do
  for target in ${TARGETS:-$TARGET}; do
    timeout 3 ${LOOK:-stat} "$target" >/dev/null && continue
    kill "$child"
    wait "$child"
    exit 75
  done
done
