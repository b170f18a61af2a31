#!/bin/bash
# A shell watchdog that heals: a look at the mount point every five seconds; when it fails the child is ended, the share mounted afresh, and
# the child started again.
#   SOURCE, TARGET, VERSION: what to mount, where, and by which NFS version
#   LOOK: how it looks (stat, which the client's cache may answer; stat -f asks the server)

options=vers=$VERSION,hard,nolock
mount -t nfs -o "$options" "$SOURCE" "$TARGET" || exit

"$@" &
child=$!
trap 'kill "$child"; exit' TERM

while sleep 5; do
  timeout 3 ${LOOK:-stat} "$TARGET" >/dev/null && continue
  kill "$child"
  wait "$child"
  # The mount is gone at once, but the call may go on with the server's client for 10 s.
  umount -l "$TARGET" &
  while [[ $(</proc/self/mounts) == *" $TARGET nfs"* ]]; do sleep 0.01; done
  until mount -t nfs -o "$options" "$SOURCE" "$TARGET"; do
    sleep 5
  done
  "$@" &
  child=$!
done
