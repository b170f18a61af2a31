# A round of the soak remounts: two shares, of version 3 and 4.2, go stale under one process, and one nfs-init mounts both afresh:
# 500 rounds are 1000 remounts. It lives through all rounds, so what it holds itself is compared too.

# In the container: the first round starts nfs-init, whose log goes to the loop outside; every round reads both shares.
inside() {
  if [ "$1" = 1 ]; then
    NFS_MOUNTS='10.77.0.1:/srv/exp /data nfs hard,nolock,vers=3; 10.77.0.1:/srv/exp2 /data2 nfs hard,nolock,vers=4.2' \
      NFS_WATCH=remount NFS_WATCH_INTERVAL=200ms NFS_FSTAB=none \
      nfs-init -- sh -c 'exec sleep 1000000' 2>/lab/state/soak.log &
    init=$!
    tell started
    return
  fi
  local first second
  read -r first </data/hello && read -r second </data2/hello
  tell "$first $second $(holdings)"
}

# What nfs-init holds: memory of its own in kB, descriptors, threads and children.
holdings() {
  local key value unit dirty=0 fds tasks children
  while read -r key value unit; do
    [ "$key" != Private_Dirty: ] || dirty=$value
  done <"/proc/$init/smaps_rollup"
  fds=("/proc/$init/fd"/*) tasks=("/proc/$init/task"/*)
  read -ra children <"/proc/$init/task/$init/children"
  echo "$dirty ${#fds[@]} ${#tasks[@]} ${#children[@]}"
}

# said COUNT TEXT: reads the log until it has said this so often.
said() {
  local left=$1
  while [ "$left" -gt 0 ]; do
    read -r -t 40 line <&9 || { echo "nfs-init did not say: $2" >&2; return 1; }
    case $line in
      *"$2"*) left=$((left - 1)) ;;
      *'"level":"fatal"'*) echo "$line" >&2; return 1 ;;
    esac
  done
}

# Outside: makes both shares stale and expects them mounted afresh, and the process to read them.
outside() {
  if [ "$1" = 1 ]; then
    rm -f /lab/state/soak.log
    mkfifo /lab/state/soak.log
    exec 9<>/lab/state/soak.log
    ask round 1
    answer
    said 1 'starting the process' || return 1
  fi
  # With -i: exportfs would give the other export back what /etc/exports says of it.
  in_ srv sh -c '
    for export in "/srv/exp:$1" "/srv/exp2:$2"; do
      exportfs -u "*:${export%:*}"
      exportfs -i -o "$3,fsid=${export#*:}" "*:${export%:*}"
    done
    exportfs -f' stale $((101 + $1 % 2)) $((201 + $1 % 2)) "$EXPORT_OPTIONS"
  said 2 'was mounted afresh' || return 1
  ask round $(($1 + 1))
  answer
  case $REPLY in
    'hello hello2 '*) read -r _ _ dirty fds tasks children <<<"$REPLY" ;;
    *) echo "the process reads: $REPLY" >&2; return 1 ;;
  esac
  # Much of what the engine takes at first it takes once. Its memory rises and falls by megabytes between two collections: what
  # it cannot do without shows in the least of many rounds.
  if [ "$1" = $((rounds / 4 + 1)) ]; then before=($dirty $fds $tasks $children) least=$dirty; fi
  [ "$1" -le $((rounds / 4)) ] || [ "$dirty" -ge "$least" ] || least=$dirty
  if [ "$1" = $((rounds / 2)) ]; then before[0]=$least; fi
  if [ "$1" = $((rounds - rounds / 4)) ]; then least=$dirty; fi
  [ "$1" = "$rounds" ] || return 0
  dirty=$least
  echo "after $rounds rounds nfs-init holds $dirty kB, $fds descriptors, $tasks threads, $children children; before: ${before[*]}"
  if [ "$dirty" -gt $((before[0] + 2048)) ] || [ "$fds" -gt $((before[1] + 2)) ] || [ "$tasks" -gt $((before[2] + 2)) ] || [ "$children" -gt $((before[3] + 1)) ]; then
    echo "nfs-init has grown: from ${before[*]} to $dirty $fds $tasks $children (kB of its own, descriptors, threads, children)" >&2
    return 1
  fi
}
