# Runs the jobs that the host sends over the serial line; each is a shell script in /lab/job.
#   host:  run ID | signal ID NAME
#   guest: ready | started ID | done ID STATUS
# A job is a forked copy of this shell, so that it starts without an exec and has lab.sh read already. Its process group is its own;
# its output goes to files on the host. The line's end is the end of the lab.

exec 3<>/dev/ttyS0
stty -F /dev/ttyS0 -echo -opost

. /lab/guest/lab.sh
lab_up

run() {
  # Job control gives the job a process group, and SIGINT and SIGQUIT their default effect back.
  set -m
  (
    exec </dev/null >"/lab/job/$1.out" 2>"/lab/job/$1.err" 3>&-
    set -u
    . "/lab/job/$1.sh"
  ) &
  echo $! >"/lab/state/job.$1"
  echo "started $1" >&3
  wait $!
  echo "done $1 $?" >&3
}

echo ready >&3
while read -r verb id argument <&3; do
  case $verb in
    run) run "$id" & ;;
    signal)
      read -r group <"/lab/state/job.$id"
      kill -s "$argument" -- "-$group"
      ;;
  esac
done
