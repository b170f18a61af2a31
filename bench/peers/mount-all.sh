#!/bin/bash
# The least there is to do about many shares: one mount.nfs each, all at once, then COMMAND.
#   SOURCES, TARGETS: what to mount and where, word by word; VERSION: by which NFS version

read -ra sources <<<"$SOURCES"
read -ra targets <<<"$TARGETS"
mkdir -p "${targets[@]}"

for i in "${!sources[@]}"; do
  mount.nfs "${sources[i]}" "${targets[i]}" -o "vers=$VERSION,hard,nolock" &
  mounts+=("$!")
done
for pid in "${mounts[@]}"; do
  wait "$pid" || exit
done

exec "$@"
