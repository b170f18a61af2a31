#!/bin/bash
# A shell watchdog that heals: a look at the mount point every five seconds; when it fails the child is ended, the share mounted afresh, and
# the child started again.
#   SOURCE, TARGET, VERSION: what to mount, where, and by which NFS version

options=vers=$VERSION,hard,nolock
mount -t nfs -o "$options" "$SOURCE" "$TARGET" || exit

"$@" &
child=$!
trap 'kill "$child"; exit' TERM

while sleep 5; do
  timeout 3 stat "$TARGET" >/dev/null && continue
  kill "$child"
  wait "$child"
  umount -l "$TARGET"
  until mount -t nfs -o "$options" "$SOURCE" "$TARGET"; do
    sleep 5
  done
  "$@" &
  child=$!
done
