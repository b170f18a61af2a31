# Mounts the disk, exports it, and runs PostgreSQL.
set -eu
modprobe nfsd
mkdir -p /data
mountpoint -q /data || mount /dev/nvme0n1p1 /data
mountpoint -q /proc/fs/nfsd || mount -t nfsd nfsd /proc/fs/nfsd
# In the host's network one may be running already.
rpcinfo -p localhost > /dev/null 2>&1 || rpcbind -w
exportfs -ra
rpc.nfsd 8
rpc.mountd
exec su postgres -c "/usr/lib/postgresql/15/bin/postgres -D /var/lib/postgresql/data"
