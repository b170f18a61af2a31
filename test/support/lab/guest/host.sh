# Makes a host of the lab out of new network, mount and UTS namespaces, then stays as the process that holds them; read by BusyBox.
#   host.sh NAME ADDRESS

echo "$1" >/proc/sys/kernel/hostname
mount -t tmpfs -o mode=755 run /run
mount -t tmpfs -o mode=1777 tmp /tmp
mount -t tmpfs -o mode=755 mnt /mnt
if [ "$1" = srv ]; then
  mount -t tmpfs -o mode=755 state /var/lib/nfs
  mount -t tmpfs -o mode=755 srv /srv
  mkdir -p /srv/exp /srv/exp2 /var/lib/nfs/nfsdcld /var/lib/nfs/v4recovery /run/rpc_pipefs
  : >/var/lib/nfs/etab
  : >/var/lib/nfs/rmtab
  mount -t nfsd nfsd /proc/fs/nfsd
  . /lab/guest/exports.sh
  mount -t rpc_pipefs pipefs /run/rpc_pipefs
  # Version 4's memory of its clients over a restart. Started long before nfsd, which waits a moment only for it and then for a grace period.
  nfsdcld -F >/dev/null 2>&1 &
  echo $! >/lab/state/nfsdcld
fi
ip link set lo up
ip addr add "$2/24" dev eth0
ip link set eth0 up
echo $$ >"/lab/state/host.$1"
echo up >"/lab/state/up.$1"
exec sleep 1000000
