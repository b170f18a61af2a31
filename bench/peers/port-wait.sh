#!/bin/bash
# The usual way to wait for an NFS server: until its port is open; then one mount after the other, then COMMAND.
#   SERVER; SOURCES, TARGETS: what to mount and where, word by word; VERSION: by which NFS version

until (exec 3<>"/dev/tcp/$SERVER/2049") 2>/dev/null; do
  sleep 0.5
done

read -ra sources <<<"$SOURCES"
read -ra targets <<<"$TARGETS"
for i in "${!sources[@]}"; do
  mount -t nfs -o "vers=$VERSION,hard,nolock" "${sources[i]}" "${targets[i]}" || exit
done

exec "$@"
