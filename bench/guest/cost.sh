# What a container's processes have cost so far; read by bash in the lab.
#   cost PID: writes the CPU time of its PID 1 and all that came from it in ticks, of those that have ended too, then of those that run
#   their resident and private dirty memory in KiB, and the voluntary context switches of each thread as THREAD:COUNT;
#   COMMAND, a sleep or a waiter, is left out

cost() {
  local waiting=("$1") pid task line comm ticks=0 switches= resident=0 private=0 children fields
  while [ ${#waiting[@]} -gt 0 ]; do
    pid=${waiting[0]}
    waiting=("${waiting[@]:1}")
    read -r comm 2>/dev/null <"/proc/$pid/comm" || continue
    for task in /proc/"$pid"/task/*; do
      read -r children 2>/dev/null <"$task/children" || :
      waiting+=($children)
    done
    [[ $comm != @(sleep|waiter) ]] || continue
    read -r line 2>/dev/null <"/proc/$pid/stat" || continue
    fields=(${line##*) })
    ticks=$((ticks + fields[11] + fields[12] + fields[13] + fields[14]))
    for task in /proc/"$pid"/task/*; do
      while read -r line; do
        [[ $line != voluntary_ctxt_switches:* ]] || switches+=" ${task##*/}:${line##*[!0-9]}"
      done 2>/dev/null <"$task/status"
    done
    while read -r line; do
      line=${line% kB}
      case $line in
        Rss:*) resident=$((resident + ${line##* })) ;;
        # What it shares with a child, a look that goes on, is neither's alone, and counts once.
        Pss_Dirty:*) private=$((private + ${line##* })) ;;
      esac
    done 2>/dev/null <"/proc/$pid/smaps_rollup"
  done
  echo "$ticks $resident $private$switches"
}
