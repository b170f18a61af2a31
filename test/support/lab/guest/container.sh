# Makes a container around itself and becomes its COMMAND; read by BusyBox as PID 1 of a new pid namespace, in new mount and UTS namespaces.
#   BOX_NAME, BOX_SETUP, BOX_DROP, BOX_USER, BOX_USERNS: see `container` in lab.sh
#   container.sh COMMAND...

# This /proc still belongs to the namespace outside, and so do the numbers in it.
read -r pid rest </proc/self/stat
mount -t tmpfs -o mode=755 box /mnt
mkdir -p /mnt/upper /mnt/work /mnt/root
mount -t overlay -o lowerdir=/,upperdir=/mnt/upper,workdir=/mnt/work overlay /mnt/root
cd /mnt/root
mount -o rbind /dev dev
mount -o rbind /lab lab
mount -o rbind /sys sys
mount -t proc proc proc
# The old root comes to lie on top of the new one, from where it is taken away: see pivot_root(2).
pivot_root . .
umount -l .
cd /
echo "$BOX_NAME" >/proc/sys/kernel/hostname
eval "$BOX_SETUP"
echo "$pid" >"/lab/state/container.$BOX_NAME"
[ -z "$BOX_DROP" ] || set -- /usr/bin/setpriv --bounding-set "$BOX_DROP" -- "$@"
[ -z "$BOX_USER" ] || set -- /usr/bin/setpriv --reuid "${BOX_USER%:*}" --regid "${BOX_USER#*:}" --clear-groups -- "$@"
[ -z "$BOX_USERNS" ] || set -- /usr/bin/unshare --user --map-root-user --mount -- "$@"
unset OLDPWD BOX_NAME BOX_SETUP BOX_DROP BOX_USER BOX_USERNS
# With env because BusyBox would take its own mount, say, for COMMAND, and because a job's background commands ignore SIGINT and SIGQUIT.
exec /usr/bin/env --default-signal=INT,QUIT "$@"
