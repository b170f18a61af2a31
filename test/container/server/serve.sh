# Serves what /etc/exports names until it is told to stop.
set -eu
chown 1000:1000 /srv/data /srv/media
mkdir -p /run/rpcbind /var/lib/nfs/v4recovery /var/lib/nfs/rpc_pipefs

# Version 4 shows clients a tree that begins at the root. A container's own root is an overlay, which cannot be exported, so the tree
# gets a root of its own: nfs.conf(5), rootdir. Both versions see the paths of /etc/exports.
mkdir -p /export /etc/nfs.conf.d
mount -t tmpfs -o mode=755 export /export
for share in /srv/data /srv/media; do
  mkdir -p "/export$share"
  mount --bind "$share" "/export$share"
done
printf '[exports]\nrootdir=/export\n' > /etc/nfs.conf.d/rootdir.conf

mountpoint -q /proc/fs/nfsd || mount -t nfsd nfsd /proc/fs/nfsd

stop() {
  rpc.nfsd 0
  exportfs -au
  exit 0
}
trap stop TERM INT

rpcbind -w
exportfs -ra
# A short grace period: clients of a server that is started for the first time have nothing to reclaim.
rpc.nfsd --grace-time 10 --lease-time 10 8
rpc.mountd --port 20048
echo "serving $(exportfs -s | wc -l) exports"
while :; do
  sleep 3600 &
  wait $!
done
