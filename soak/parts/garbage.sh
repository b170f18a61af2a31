# A round of the soak garbage: two thousand calls that no honest client makes to each port of a server of ours, half of them as datagrams
# where it takes any, drawn by lot (NFS_INIT_SOAK_SEED), while another client appends synced records with a lock held. Five hundred rounds are
# a million at each port. The server must answer honest calls all the time, hold no more memory than after ten rounds, and say nothing.

COUNT=2000
PROGRAM=/lab/project/.build/soak-garbage

# The writer on c2: numbered records, each said with the time once it is on the server's disk.
APPEND='mkdir -p /tmp/m; mount -t nfs -o vers=4.2 10.77.0.1:/data /tmp/m; exec 9>>/tmp/m/log; flock 9; n=0
while [ ! -e /lab/state/soak.enough ]; do
  n=$((n + 1)); echo $n | dd conv=fsync status=none >&9 || break; read -r up idle </proc/uptime; echo $n $up
done; exec 9>&-; umount /tmp/m; echo done'

# The box has no part in it but to be counted.
inside() { :; }

start() {
  local nfsdcld
  srv_down
  read -r nfsdcld </lab/state/nfsdcld; kill "$nfsdcld"
  mkdir -p /lab/state/disk /lab/state/records
  rm -f /lab/state/soak.enough
  in_ srv sh -c 'mount -t tmpfs disk /lab/state/disk; mkdir -m 777 /lab/state/disk/data'
  NFS_EXPORT=/data NFS_EXPORT_CLIENTS='*' NFS_SERVER_STATE=/lab/state/records \
    container srv --name server --setup 'mkdir -p /data; mount --bind /lab/state/disk/data /data' -- nfs-init serve 2>/lab/state/soak.err &
  server=$!
  until grep -q '"serving"' /lab/state/soak.err; do kill -0 "$server" || return 1; pause 0.2; done
  in_ c2 bash -c "$APPEND" >/lab/state/soak.records 2>>/lab/state/soak.err &
  writer=$!
  longest=0
}

# resident: kB of the server and of the process that answers the kernel, in $held.
resident() {
  local pid key value unit
  read -r pid <"/lab/state/container.server"
  held=0
  for pid in "$pid" $(pgrep -P "$pid"); do
    while read -r key value unit; do [ "$key" != VmRSS: ] || held=$((held + value)); done <"/proc/$pid/status"
  done
}

records() { wc -l </lab/state/soak.records; }

outside() {
  local seed=$((${NFS_INIT_SOAK_SEED:-1} * 100000 + $1)) before port transport many said slowest pause
  if [ "$1" = 1 ]; then start || { cat /lab/state/soak.err >&2; return 1; }; fi
  before=$(records)
  for port in 111 20048 32765 32768 2049; do
    many=$((COUNT / 2)) said=
    [ "$port" = 2049 ] && many=$COUNT || said=udp
    for transport in $said tcp; do
      said=$(in_ c1 "$PROGRAM" 10.77.0.1 "$port" "$transport" "$many" "$seed") || { echo "$said" >&2; cat /lab/state/soak.err >&2; return 1; }
      slowest=${said##*:} slowest=${slowest%%[.\}]*}
      [ "$slowest" -le "$longest" ] || longest=$slowest
    done
  done
  kill -0 "$server" || { echo "the server has ended" >&2; cat /lab/state/soak.err >&2; return 1; }
  for ((try = 0; try < 200; try++)); do [ "$(records)" -le "$before" ] || break; pause 0.1; done
  [ "$(records)" -gt "$before" ] || { echo "the client that writes is stuck" >&2; return 1; }
  resident
  [ "$1" != 10 ] || held_before=$held
  [ "$1" = "$rounds" ] || return 0
  : >/lab/state/soak.enough
  wait "$writer"
  sed '$d' /lab/state/soak.records | cut -d ' ' -f 1 >/lab/state/soak.expected
  in_ srv cat /lab/state/disk/data/log | busybox cmp - /lab/state/soak.expected >&2 || { echo "records are not as they were written" >&2; return 1; }
  pause=$(sed '$d' /lab/state/soak.records | awk 'NR > 1 && $2 - last > most { most = $2 - last } { last = $2 } END { print most }')
  echo "note $((rounds * COUNT)) messages at each port; slowest answer to an honest call $longest ms; $held kB resident, $held_before kB after 10 rounds;" \
    "$(records) records of the client that writes, longest pause $pause s"
  [ "$held" -lt $((held_before + 1024)) ] || { echo "it has grown" >&2; return 1; }
  # One line in ten seconds about a client that says it has started again.
  [ "$(wc -l </lab/state/soak.err)" -lt $((20 + SECONDS / 10)) ] || { echo "it says too much" >&2; cat /lab/state/soak.err >&2; return 1; }
  container_signal server TERM
  wait "$server" || { echo "it ended with $?" >&2; cat /lab/state/soak.err >&2; return 1; }
}
