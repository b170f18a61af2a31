# The loop of a soak in the lab; a job there reads it. Outside the container: the rounds and faults. box.sh is the container's side.
#   soak NAME ROUNDS: writes `round N` after each round, and a line `census N NAME=NUMBER ...` after round 10 and the last one

# ask WORDS...: tells the box to do something; what it answers comes line by line from `answer`.
ask() { echo "$*" >&7; }

# answer: the next line from the box, in $REPLY.
answer() { read -r <&8; }

soak() {
  local name=$1 rounds=$2 n
  rm -f /lab/state/soak.ask /lab/state/soak.told
  mkfifo /lab/state/soak.ask /lab/state/soak.told
  exec 7<>/lab/state/soak.ask 8<>/lab/state/soak.told
  . "/lab/project/soak/parts/$name.sh"
  container c1 --name box -- bash /lab/project/soak/guest/box.sh "$name" </dev/null &
  for ((n = 1; n <= rounds; n++)); do
    outside "$n" || return 1
    echo "round $n"
    [ "$n" != 10 ] && [ "$n" != "$rounds" ] || census "$n"
  done
  ask end
  wait
}

# census N: once what ends by itself has had time to.
census() {
  local open key value unit unreclaimable processes
  pause 3
  ask census
  answer
  read -r open _ </proc/sys/fs/file-nr
  while read -r key value unit; do
    [ "$key" != SUnreclaim: ] || unreclaimable=$value
  done </proc/meminfo
  # Workers of the kernel come and go.
  processes=$(grep -Lsx 'kworker.*' /proc/[0-9]*/comm | wc -l)
  echo "census $1 $REPLY openFiles=$open labProcesses=$processes unreclaimableKb=$unreclaimable"
}
