#!/bin/bash
# The least there is to do about a share whose server came back as another one, or that has gone stale: a shell that is told the moment, and
# mounts afresh.
#   TOLD: a pipe on which it is told; SOURCE, TARGET, VERSION: what to mount, where, and by which NFS version

mount.nfs "$SOURCE" "$TARGET" -o "vers=$VERSION,hard,nolock" || exit

"$@" &
read -r _ <"$TOLD"
# The mount is gone at once, but the call may go on with the server's client for 10 s.
umount -l "$TARGET" &
while [[ $(</proc/self/mounts) == *" $TARGET nfs"* ]]; do sleep 0.01; done
mount.nfs "$SOURCE" "$TARGET" -o "retry=0,vers=$VERSION,hard,nolock" || exit
wait
