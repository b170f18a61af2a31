# The container's side of a soak: its PID 1, which runs nfs-init again and again in one and the same container.
#   box.sh NAME

. "/lab/project/soak/parts/$1.sh"

# tell WORDS...: a line for the loop outside.
tell() { echo "$*" >>/lab/state/soak.told; }

count() { find "$@" 2>/dev/null | wc -l; }

# The TCP connections that are not about to end by themselves: FIN_WAIT, TIME_WAIT, LAST_ACK and CLOSING are 4, 5, 6, 9 and B.
connections() {
  local here there
  grep -hv -e ' sl ' -e ':.* [0-9A-F]*:[0-9A-F]* 0[4569B] ' /proc/net/tcp /proc/net/tcp6 |
    while read -r _ here there _; do echo "$here $there"; done | sort
}

# Takes stock with as few processes as can be; it counts itself the same each time. Of processes and connections those count that
# last: a look at a share, or a question to its server, may be going on at any moment, and is over in the next.
census() {
  local mounts process processes connected lasting=0 inodes free blocks free_blocks
  mapfile -t mounts </proc/self/mountinfo
  processes=(/proc/[0-9]*)
  connected=$(connections)
  sleep 1
  for process in "${processes[@]}"; do [ ! -d "$process" ] || lasting=$((lasting + 1)); done
  connected=$(comm -12 <(echo "$connected") <(connections) | grep -c .)
  # What the container has written lies on a file system of its own.
  read -r inodes free blocks free_blocks <<<"$(stat -f -c '%c %d %b %f' /)"
  tell "mounts=${#mounts[@]} processes=$lasting files=$((inodes - free)) blocks=$((blocks - free_blocks))" \
    "utabLines=$(cat /run/mount/utab 2>/dev/null | wc -l)" \
    "stateFiles=$(count /run/nfs-init -mindepth 1) temporaryFiles=$(count /tmp /var/tmp /dev/shm -mindepth 1)" \
    "connections=$connected nfsServers=$(grep -c ^v /proc/fs/nfsfs/servers) nfsVolumes=$(grep -c ^v /proc/fs/nfsfs/volumes)"
}

while read -r verb argument; do
  case $verb in
    round) inside "$argument" ;;
    census) census ;;
    end) exit 0 ;;
  esac
done <>/lab/state/soak.ask
