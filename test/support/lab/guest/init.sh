# PID 1 of the lab's kernel, read by BusyBox: brings the machine up and hands over to jobs.sh.
# The kernel's command line has mounted the folder of this run (hostfs, writable) at /mnt already.

export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
. /mnt/settings # PROJECT, GUEST and BINARY: folders of the host; LIMIT: seconds

mount --move /mnt /lab/job
mount -t hostfs -o "$GUEST" none /lab/guest
mount -t hostfs -o "$PROJECT" none /lab/project
if [ -n "$BINARY" ]; then
  mount -t hostfs -o "$BINARY" none /lab/binary
  mount -o remount,ro /lab/binary
fi
mount -o remount,ro /lab/guest
mount -o remount,ro /lab/project
mount -t tmpfs -o mode=755 lab /lab/state
mount -t tmpfs -o mode=755 run /run
mount -t tmpfs -o mode=1777 tmp /tmp
mount -t sysfs sys /sys
mkdir -p /dev/pts /dev/shm
mount -t devpts -o newinstance,ptmxmode=666,mode=620,gid=5 devpts /dev/pts
mount -t tmpfs -o mode=1777 shm /dev/shm
ln -sf pts/ptmx /dev/ptmx
ln -sf /proc/self/fd /dev/fd
ln -sf fd/0 /dev/stdin
ln -sf fd/1 /dev/stdout
ln -sf fd/2 /dev/stderr
hostname lab
ip link set lo up

# Whatever becomes of the tests, this machine does not outlive its time.
(sleep "$LIMIT"; echo o >/proc/sysrq-trigger) &

# Not with the parameters of the kernel, which came here as variables.
env -i PATH="$PATH" HOME=/root LANG=C.UTF-8 TERM=dumb bash /lab/guest/jobs.sh

# The host has closed the line. Nothing here is worth saving: no sync.
echo o >/proc/sysrq-trigger
while :; do sleep 1000; done
