# A round of the soak mixed: one fault, drawn by lot, then the share must be there again for the process, and nothing left over.
# The lots come from a seed (NFS_INIT_SOAK_SEED, 1 unless given): the same seed brings the same faults in the same order.

MIXED_ENV=(NFS_HOST=10.77.0.1 NFS_HOST_MOUNT=/srv/exp NFS_MOUNT_POINT=/data NFS_FSTAB=none NFS_WATCH_INTERVAL=300ms
  NFS_WATCH_TIMEOUT=1s NFS_STOP_GRACE=2s NFS_ATTEMPT_TIMEOUT=5s NFS_LOG_LEVEL=warn)

# In the container. `start VERSION WATCH` starts nfs-init, `works` tells as soon as a process reads the share, `stop`, `kill` and
# `unmount` are faults.
inside() {
  local try hello
  case $1 in
    start,*)
      IFS=, read -r _ version watch <<<"$1"
      env "${MIXED_ENV[@]}" "NFS_VERSION=$version" "NFS_WATCH=$watch" \
        nfs-init -- sh -c 'trap "exit 5" TERM; while :; do sleep 0.5; done' 2>>/lab/state/soak.err &
      init=$!
      ;;
    works)
      # By a process that can be killed: it may be blocked on a server that has just gone.
      for ((try = 0; try < 120; try++)); do
        # What has ended for a lost share is started again, as a container's restart policy does.
        [ -e "/proc/$init" ] || inside "start,$version,$watch"
        hello=$(timeout -s KILL 2 sh -c 'grep -q " /data .* - nfs" /proc/self/mountinfo && cat /data/hello' 2>/dev/null)
        [ "$hello" != hello ] || { nfs-init check --ready >/dev/null && break; }
        sleep 0.2
      done
      tell "works $hello"
      ;;
    stop) kill -TERM "$init"; wait "$init"; tell "stopped $?" ;;
    kill) kill -KILL "$init"; wait "$init" 2>/dev/null; pkill -KILL -f 'trap "exit 5" TERM'; tell killed ;;
    unmount) umount -l /data; tell unmounted ;;
    end-it)
      local code
      kill -TERM "$init"
      wait "$init"
      code=$?
      # What an instance that was killed has left, the next one uses and leaves.
      env "${MIXED_ENV[@]}" nfs-init unmount 2>>/lab/state/soak.err
      tell "$code $? $(grep -c -e ' - nfs' -e nfs-init-guard /proc/self/mountinfo)"
      ;;
  esac
}

# restart: nfs-init as it would be started again, in another version and way each time.
restart() {
  local versions=(3 4.2 auto) watches=(exit restart remount)
  ask round "start,${versions[RANDOM % 3]},${watches[RANDOM % 3]}"
}

fault() {
  local faults=(stale withdrawn link blackhole server unmount stop kill quick) seconds=$((RANDOM % 5))
  what=${faults[RANDOM % ${#faults[@]}]}
  case $what in
    stale) srv_stale /srv/exp $((101 + RANDOM % 50)) ;;
    withdrawn) srv_unexport /srv/exp; pause "$seconds"; srv_export /srv/exp $((101 + RANDOM % 50)) ;;
    link) link srv down; pause "$seconds"; link srv up ;;
    blackhole) blackhole srv on; pause "$seconds"; blackhole srv off ;;
    server) srv_down; pause "$seconds"; srv_up; srv_end_grace 2>/dev/null || : ;;
    quick) srv_stale /srv/exp 160; pause 0.7; srv_stale /srv/exp 161; pause 0.7; srv_stale /srv/exp 162 ;;
    unmount) ask round unmount; answer ;;
    stop)
      ask round stop
      answer
      case $REPLY in
        'stopped 5' | 'stopped 75' | 'stopped 143') restart ;;
        *) echo "$REPLY when it was to end" >&2; return 1 ;;
      esac
      ;;
    kill) ask round kill; answer; restart ;;
  esac
}

outside() {
  if [ "$1" = 1 ]; then
    RANDOM=${NFS_INIT_SOAK_SEED:-1}
    : >/lab/state/soak.err
    restart
  fi
  ask round works
  answer
  [ "$REPLY" = 'works hello' ] || { echo "before the fault: $REPLY" >&2; cat /lab/state/soak.err >&2; return 1; }
  what='none yet'
  # Where it is counted, everything is as it was at the start.
  if [ "$1" = 10 ] || [ "$1" = "$rounds" ]; then
    ask round end-it
    answer
    [ "$REPLY" = '5 0 0' ] || { echo "it ended with, and left: $REPLY" >&2; cat /lab/state/soak.err >&2; return 1; }
    ask round start,4.2,remount
  else
    fault || return 1
  fi
  ask round works
  answer
  [ "$REPLY" = 'works hello' ] && return 0
  echo "after the fault $what: $REPLY" >&2
  cat /lab/state/soak.err >&2
  return 1
}
