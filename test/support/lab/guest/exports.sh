# The server's file systems, made anew: two, for a handle of one is never good for the other; in RAM, so that their files go with the mounts.
# Read by BusyBox.

grep -q ' /srv/exp ' /proc/mounts && umount -l /srv/exp /srv/exp2
mount -t tmpfs -o mode=777 exp /srv/exp
mount -t tmpfs -o mode=777 exp2 /srv/exp2
mkdir /srv/exp/sub
echo hello >/srv/exp/hello
echo hello2 >/srv/exp2/hello
exportfs -ra
