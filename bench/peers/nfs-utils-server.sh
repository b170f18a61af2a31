#!/bin/bash
# Serves /data by the programs of nfs-utils, as an image's start script does: as the root of version 4, since the container's own root, an
# overlay, cannot be that.
#   STATE: where client records are kept

mount --bind "$STATE" /var/lib/nfs
mkdir -p /var/lib/nfs/nfsdcld /var/lib/nfs/v4recovery /run/rpc_pipefs
touch /var/lib/nfs/etab /var/lib/nfs/rmtab
mount -t nfsd nfsd /proc/fs/nfsd
mount -t rpc_pipefs pipefs /run/rpc_pipefs
echo '/data *(rw,insecure,no_subtree_check,fsid=0)' >/etc/exports
rpcbind -w
nfsdcld
exportfs -r
rpc.mountd
rpc.nfsd 8
exec sleep infinity
