# A round of the soak nested: a share and one that lies on it, a writer on each, and a loss of the one, the other or both, drawn by lot
# (NFS_INIT_SOAK_SEED as in mixed). After each both are there again, and no record is anywhere but on the export it was meant for.
# Every ten rounds nfs-init ends, every record whose writer was told that it is written must be there, and it starts in other versions.

OTHER=10.77.0.2

# COMMAND: two writers; each record is made and synced through one descriptor, and noted once that has succeeded.
WRITERS='rm -f /lab/state/soak.enough; n=$START
write() {
  while [ ! -e /lab/state/soak.enough ]; do
    n=$((n + 1))
    if echo "$1 $n" | dd of="$2" oflag=append conv=notrunc,fsync status=none 2>/dev/null; then echo "$1 $n" >>"/lab/state/soak.$1"; fi
    sleep 0.1
  done
}
write above /data/records & write below /data/sub/records &
trap ": >/lab/state/soak.enough; wait; exit 5" TERM
wait'

# In the container. `start VERSION VERSION NUMBER` starts nfs-init, `works` tells as soon as both shares can be read, `detach PATH` is a
# fault, `end-it` ends nfs-init and tells what is left, files under the mount point included.
inside() {
  local until found code
  case $1 in
    start,*)
      IFS=, read -r _ above below number <<<"$1"
      START=$number NFS_MOUNTS="10.77.0.1:/srv/exp /data nfs hard,nolock,vers=$above; $OTHER:/srv/exp2 /data/sub nfs hard,nolock,vers=$below" \
        NFS_WATCH=remount NFS_WATCH_INTERVAL=300ms NFS_WATCH_TIMEOUT=1s NFS_ATTEMPT_TIMEOUT=5s NFS_FSTAB=none NFS_LOG_LEVEL=info \
        nfs-init -- bash -c "$WRITERS" 2>>/lab/state/soak.err &
      init=$!
      ;;
    works)
      until=$((SECONDS + 40))
      while [ "$SECONDS" -lt "$until" ]; do
        found=$(timeout -s KILL 2 sh -c 'grep -q " /data/sub .* - nfs" /proc/self/mountinfo && cat /data/hello /data/sub/hello' 2>/dev/null)
        [ "$found" != $'hello\nhello2' ] || { nfs-init check --ready >/dev/null && break; }
        sleep 0.2
      done
      tell "works" $found
      ;;
    detach,*) umount -l "${1#*,}"; tell detached ;;
    end-it)
      kill -TERM "$init"
      wait "$init"
      code=$?
      tell "$code $(grep -c -e ' - nfs' -e nfs-init-guard -e nfs-init-aside /proc/self/mountinfo) $(ls -A /data | wc -l)"
      ;;
  esac
}

# stale PATH: another fsid for an export. With -i: exportfs would give the other export back what /etc/exports says of it.
stale() {
  fsid=$((fsid + 1))
  in_ srv sh -c 'exportfs -u "*:$1"; exportfs -i -o "$3,fsid=$2" "*:$1"; exportfs -f' stale "$1" "$fsid" "$EXPORT_OPTIONS"
}

withdraw() { in_ srv sh -c 'exportfs -u "*:$1"; exportfs -f' withdraw "$1"; }

fault() {
  local faults=(above below both withdrawn-above withdrawn-below away-below away-both link detached-above detached-below) seconds=$((RANDOM % 4))
  what=${faults[RANDOM % ${#faults[@]}]}
  case $what in
    above) stale /srv/exp ;;
    below) stale /srv/exp2 ;;
    both) stale /srv/exp; stale /srv/exp2 ;;
    withdrawn-above) withdraw /srv/exp; pause "$seconds"; stale /srv/exp ;;
    withdrawn-below) withdraw /srv/exp2; stale /srv/exp; pause "$seconds"; stale /srv/exp2 ;;
    # The server of the one below alone does not answer, while the one above is lost.
    away-below)
      in_ srv iptables-legacy -I INPUT -d $OTHER -j DROP
      stale /srv/exp
      pause $((seconds + 3))
      in_ srv iptables-legacy -F INPUT
      ;;
    away-both)
      in_ srv iptables-legacy -I INPUT -d $OTHER -j DROP
      stale /srv/exp; stale /srv/exp2
      pause $((seconds + 2)); stale /srv/exp; pause 2
      in_ srv iptables-legacy -F INPUT
      ;;
    link) link srv down; stale /srv/exp; pause "$seconds"; link srv up ;;
    detached-above) ask round detach,/data; answer ;;
    detached-below) ask round detach,/data/sub; answer ;;
  esac
}

# placed: nothing is where it does not belong.
placed() {
  local found
  found=$(in_ srv sh -c 'ls -A /srv/exp/sub; grep -hv "^above " /srv/exp/records; grep -hv "^below " /srv/exp2/records' 2>/dev/null)
  [ -z "$found" ] || { echo "in a wrong place: $found" >&2; return 1; }
}

# complete: what the writers were told is written is there.
complete() {
  local name path missing
  told=0
  for name in above below; do
    path=/srv/exp; [ "$name" = above ] || path=/srv/exp2
    in_ srv cat "$path/records" >"/lab/state/soak.there"
    missing=$(grep -Fxvf /lab/state/soak.there "/lab/state/soak.$name" | head -3)
    [ -z "$missing" ] || { echo "written and not there, $name: $missing" >&2; return 1; }
    told=$((told + $(wc -l <"/lab/state/soak.$name")))
  done
}

outside() {
  local versions=(4.2,4.2 3,3 4.2,3 3,4.2 4.2,4.2)
  if [ "$1" = 1 ]; then
    RANDOM=${NFS_INIT_SOAK_SEED:-1} fsid=300
    rm -f /lab/state/soak.above /lab/state/soak.below
    : >/lab/state/soak.err >/lab/state/soak.above >/lab/state/soak.below
    in_ srv ip addr add $OTHER/24 dev eth0
  fi
  [ $(($1 % 10)) != 1 ] || ask round "start,${versions[$1 / 10 % 5]},$(($1 * 100000))"
  ask round works
  answer
  [ "$REPLY" = 'works hello hello2' ] || { echo "before the fault: $REPLY" >&2; cat /lab/state/soak.err >&2; return 1; }
  fault 2>/dev/null
  ask round works
  answer
  [ "$REPLY" = 'works hello hello2' ] || { echo "after the fault $what: $REPLY" >&2; cat /lab/state/soak.err >&2; return 1; }
  placed || { echo "after the fault $what" >&2; cat /lab/state/soak.err >&2; return 1; }
  if [ $(($1 % 10)) = 0 ]; then
    ask round end-it
    answer
    # What the last fault has dropped is sent again until the connections can end.
    for ((try = 0; try < 100; try++)); do
      in_ c1 grep -q -v -e ' sl ' -e ':.* [0-9A-F]*:[0-9A-F]* 06 ' /proc/net/tcp || break
      pause 0.3
    done
    [ "$REPLY" = '5 0 0' ] || { echo "it ended with, and left: $REPLY" >&2; cat /lab/state/soak.err >&2; return 1; }
    placed && complete || return 1
    : >/lab/state/soak.err
    echo "note $told records after round $1, each where it belongs"
  fi
}
