#!/bin/bash
# The plain way to mount many shares: one mount.nfs after the other, then COMMAND.
#   SOURCES, TARGETS: what to mount and where, word by word; VERSION: by which NFS version

read -ra sources <<<"$SOURCES"
read -ra targets <<<"$TARGETS"
mkdir -p "${targets[@]}"

for i in "${!sources[@]}"; do
  mount.nfs "${sources[i]}" "${targets[i]}" -o "vers=$VERSION,hard,nolock" || exit
done

exec "$@"
