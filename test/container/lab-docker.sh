# Starts Docker in the lab, and makes the image "lab" of the lab's own root.
set -eu
docker=/lab/project/node_modules/.cache/nfs-init/docker
export PATH=$docker/usr/sbin:$docker/usr/bin:$PATH
# For runc, which keeps nothing of its environment when it starts itself anew.
cp -a "$docker"/usr/lib/x86_64-linux-gnu/libseccomp.so.2* /usr/lib/x86_64-linux-gnu/

# As Debian has it: some programs know rpcbind's socket by the one name, some by the other.
rm -rf /var/run
ln -s /run /var/run
mkdir -p /sys/fs/cgroup
mount -t cgroup2 cgroup2 /sys/fs/cgroup
modprobe -a overlay bridge veth nfs nfsv3 nfsv4 nfsd 2> /dev/null || true
mkdir -p /var/lib/docker /srv/data /srv/media
setsid dockerd --iptables=false --ip6tables=false > /tmp/dockerd.log 2>&1 < /dev/null &
for _ in $(seq 120); do
  [ ! -S /var/run/docker.sock ] || break
  sleep 0.5
done
docker version > /dev/null || { cat /tmp/dockerd.log; exit 1; }
tar -C / --one-file-system --exclude=./usr/lib/uml --exclude=./var/lib/docker --exclude=./lab --exclude=./usr/local/bin/nfs-init -c . 2> /dev/null |
  docker import -c 'CMD ["/bin/bash"]' - lab
