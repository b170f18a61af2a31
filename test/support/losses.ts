// The ways in which a share is lost in the lab: the fault that brings each about, and the state that it is to be known by.

/** Drops what the client's established connection sends: the mount hangs while new questions to the server are answered. */
const freezeMount = `port=$(in_ c1 busybox netstat -tn | sed -n 's/.*10\\.77\\.0\\.11:\\([0-9]*\\) *10\\.77\\.0\\.1:2049 *ESTABLISHED.*/\\1/p' | head -1)
[ -n "$port" ] || { echo "no connection" >&2; exit 1; }
in_ srv iptables-legacy -I INPUT -p tcp --sport $port -j DROP`;

export const moveServer = `in_ srv ip addr add 10.77.0.2/24 dev eth0
name set nas.lab 10.77.0.2; in_ srv iptables-legacy -I INPUT -d 10.77.0.1 -j DROP`;

/** Undoes what `reset` does not. */
export const undoFaults = `in_ srv iptables-legacy -F INPUT; in_ srv ip addr del 10.77.0.2/24 dev eth0 2>/dev/null || :`;

export interface Loss {
  /** For people: the share is lost when ... */
  readonly name: string;
  /** Shell text for the lab; MOUNT_POINT in it stands for the mount point in the container "box". */
  readonly fault: string;
  readonly state: string;
  /** What nfs-init needs besides. */
  readonly env?: Readonly<Record<string, string>>;
  /** Shell text for the lab, before nfs-init starts. */
  readonly before?: string;
}

export const losses: readonly Loss[] = [
  { name: "its export gets another fsid", fault: "srv_stale /srv/exp 101", state: "stale" },
  { name: "its export is withdrawn", fault: "srv_unexport /srv/exp", state: "stale" },
  {
    name: "its directory is deleted and made anew",
    before: "in_ srv mkdir /srv/exp/dir; srv_export /srv/exp/dir 300",
    env: { NFS_HOST_MOUNT: "/srv/exp/dir" },
    fault:
      "in_ srv sh -c 'mv /srv/exp/dir /srv/exp/gone; rmdir /srv/exp/gone; mkdir /srv/exp/dir'; in_ srv exportfs -f",
    state: "stale",
  },
  {
    name: "its server is gone for longer than NFS_SERVER_GONE_AFTER",
    env: { NFS_SERVER_GONE_AFTER: "3s" },
    fault: "link srv down",
    state: "server-gone",
  },
  {
    name: "it does not answer although its server does, for longer than NFS_UNRESPONSIVE_AFTER",
    env: { NFS_UNRESPONSIVE_AFTER: "3s" },
    fault: freezeMount,
    state: "unresponsive",
  },
  {
    name: "its server has moved to another address behind the same name",
    before: "name set nas.lab $SRV",
    env: { NFS_HOST: "nas.lab" },
    fault: moveServer,
    state: "server-gone",
  },
  { name: "it is unmounted from outside", fault: "container_exec box umount -l MOUNT_POINT", state: "missing" },
  {
    name: "something is mounted over it",
    fault: "container_exec box mount -t tmpfs over MOUNT_POINT",
    state: "replaced",
  },
];
