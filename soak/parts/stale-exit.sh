# A round of the soak stale-exit: nfs-init mounts, its share goes stale, it ends with 75. Version 3 and 4.2 in turn.

# In the container: runs nfs-init to its end; COMMAND tells when it runs.
inside() {
  local versions=(3 4.2)
  NFS_HOST=10.77.0.1 NFS_HOST_MOUNT=/srv/exp NFS_MOUNT_POINT=/data NFS_VERSION=${versions[$1 % 2]} \
    NFS_WATCH_INTERVAL=100ms NFS_STOP_GRACE=5s \
    nfs-init -- sh -c 'cat /data/hello >/dev/null && echo up >>/lab/state/soak.told; exec sleep 60' 2>/lab/state/soak.err
  tell "ended $?"
}

# Outside: makes the share stale once COMMAND runs, and expects 75.
outside() {
  ask round "$1"
  answer
  if [ "$REPLY" = up ]; then
    srv_stale /srv/exp $((101 + $1 % 2))
    answer
  fi
  [ "$REPLY" != "ended 75" ] || return 0
  echo "$REPLY, and not with 75:" >&2
  cat /lab/state/soak.err >&2
  return 1
}
