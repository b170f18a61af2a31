# What a job in the lab can call; jobs.sh reads it once, and every job has it.
#
# Hosts: srv 10.77.0.1, c1 10.77.0.11, c2 10.77.0.12 and, after `dns up`, ns 10.77.0.53, on one bridge. Each has network, mount and UTS
# namespaces of its own, and a /run, /tmp and /mnt of its own; the rest of the file system they share.
# After boot the server is down. `reset` between tests brings everything to one known state: see there.
# A fork costs 15 ms here and a fork with an exec 20 to 50 ms: batch what can be batched (`in_ c1 bash -c '...'`).

SRV=10.77.0.1
declare -rA ADDRESS=([srv]=10.77.0.1 [c1]=10.77.0.11 [c2]=10.77.0.12 [ns]=10.77.0.53)

# --- hosts

# in_ HOST COMMAND...: runs COMMAND on the host.
in_() {
  local pid
  read -r pid <"/lab/state/host.$1"
  echo yes >"/lab/state/used.$1"
  shift
  enter "$pid" -n -m -u "$@"
}

# enter PID OPTION... COMMAND...: runs COMMAND in namespaces of PID. BusyBox starts in half the time, but would take COMMAND for an applet.
enter() {
  local pid=$1 options=()
  shift
  while [[ $1 == -* ]]; do
    options+=("$1")
    shift
  done
  if [[ $1 != */* ]]; then
    hash "$1" || return 127
    set -- "${BASH_CMDS[$1]}" "${@:2}"
  fi
  busybox nsenter -t "$pid" "${options[@]}" "$@"
}

# reset: names and modules as after boot, no faults, clients without mounts, processes and files, and a server that is up with versions 3 to 4.2
# and exports to all /srv/exp (fsid 100, a file system with the file `hello`: hello) and /srv/exp2 (fsid 200, another one, `hello`: hello2).
reset() {
  local host used=() srv
  name reset
  [ ! -s /lab/state/resolv.conf ] || dns down
  for host in srv c1 c2; do
    [ ! -s "/lab/state/unlinked.$host" ] || link "$host" up
    [ ! -s "/lab/state/blackhole.$host" ] || blackhole "$host" off
  done
  for host in c1 c2; do
    [ ! -s "/lab/state/used.$host" ] || used+=("$host")
  done
  read -r srv </lab/state/srv
  # A client of version 4 cannot take its leave of a server that is down, and lingers.
  [ "$srv" != down ] || [ ${#used[@]} = 0 ] || in_ srv rpc.nfsd -N 3 4
  [ ${#used[@]} = 0 ] || fresh "${used[@]}"
  if [ "$srv" != up ]; then
    # With its memory of clients that will not come back it would begin with a grace period.
    [ ! -s /lab/state/used.srv ] || fresh srv
    srv_up
  fi
  in_ srv busybox sh /lab/guest/exports.sh
  [ ! -s /etc/modprobe.d/lab.conf ] || modules show
}

# fresh HOST...: the hosts as they were after boot: no mounts, no processes, no files. Of srv the daemons are gone as well.
fresh() {
  hosts_down "$@"
  hosts_up "$@"
}

hosts_up() {
  local host mac batch=
  for host; do
    # The same for ever, so that nobody has to find it anew.
    printf -v mac 02:00:0a:4d:00:%02x "${ADDRESS[$host]##*.}"
    batch+="netns add $host"$'\n'
    batch+="link add v$host type veth peer name eth0 address $mac netns $host"$'\n'
    batch+="link set v$host master br0 up"$'\n'
  done
  ip -batch - <<<"$batch"
  for host; do
    busybox nsenter --net="/run/netns/$host" /usr/bin/unshare -m -u --propagation private busybox sh /lab/guest/host.sh "$host" "${ADDRESS[$host]}" \
      </dev/null >/dev/null 2>&1 3>&- &
  done
  for host; do read -r <"/lab/state/up.$host"; done
}

hosts_down() {
  local host batch=
  for host; do
    if [ "$host" = srv ]; then
      in_ srv rpc.nfsd 0
      echo down >/lab/state/srv
    fi
    host_kill "$host"
    : >"/lab/state/used.$host"
    : >"/lab/state/unlinked.$host"
    : >"/lab/state/blackhole.$host"
    batch+="link del v$host"$'\n'"netns del $host"$'\n'
  done
  ip -batch - <<<"$batch"
}

# host_kill HOST [PID...]: ends every process of the host but these, and waits a while until they are gone and their mounts with them.
host_kill() {
  local host=$1 pid pids tries
  shift
  pids=" $(ip netns pids "$host") "
  pids=${pids//$'\n'/ }
  for pid; do pids=${pids/ $pid / }; done
  for ((tries = 0; tries < 50; tries++)); do
    kill -KILL $pids || break
    pause 0.02
  done
} 2>/dev/null

# pause SECONDS: sleeps without a fork.
pause() { local REPLY; read -r -t "$1" <>/lab/state/never || :; }

# lab_up: called once, at boot.
lab_up() {
  modprobe -a bridge veth overlay nfs nfsv3 nfsv4 nfsd
  : >/lab/state/hosts.set
  : >/lab/state/dns.set
  : >/lab/state/resolv.conf
  echo down >/lab/state/srv
  name reset
  printf "%s *($EXPORT_OPTIONS,fsid=%s)\n" /srv/exp 100 /srv/exp2 200 >/etc/exports
  # Locks of version 3 could be taken 50 s after boot at the earliest.
  echo 1 >/proc/sys/fs/nfs/nlm_grace_period
  mkfifo /lab/state/up.{srv,c1,c2,ns} /lab/state/never
  ip -batch - <<<$'link add br0 type bridge forward_delay 0\nlink set br0 up'
  hosts_up srv c1 c2
}

# --- the server

EXPORT_OPTIONS=rw,no_root_squash,insecure,no_subtree_check

# srv_up [--v3 | --v4] [rpc.nfsd arguments]: starts the server if it is not up in just this way; --v3 and --v4 restrict it to that version.
# --v4 runs no rpcbind. What was exported before is exported again.
srv_up() {
  local now
  read -r now </lab/state/srv
  [ "$now" != "up${*:+ $*}" ] || return 0
  [ "$now" = down ] || srv_down
  in_ srv sh -c '
    mountd="--port 20048" nfsd=
    case $1 in
      --v3) shift; nfsd="-N 4" ;;
      --v4) shift; nfsd="-N 3"; mountd="$mountd -N 3" ;;
    esac
    [ "$nfsd" = "-N 3" ] || rpcbind -w
    rpc.mountd $mountd
    rpc.nfsd -G 10 -L 10 $nfsd "$@" 4' srv_up "$@" </dev/null
  echo "up${*:+ $*}" >/lab/state/srv
}

# srv_down: stops nfsd and ends all daemons of the server; it refuses connections then, on all ports.
srv_down() {
  local holder nfsdcld
  in_ srv rpc.nfsd 0
  read -r holder </lab/state/host.srv
  read -r nfsdcld </lab/state/nfsdcld
  host_kill srv "$holder" "$nfsdcld"
  echo down >/lab/state/srv
}

# srv_end_grace: after `srv_up` following `srv_down` clients of version 4 may open nothing new until all known ones have come back, or for 10 s.
srv_end_grace() { in_ srv sh -c 'echo Y >/proc/fs/nfsd/v4_end_grace'; }

# srv_export PATH FSID [CLIENT] [OPTIONS]: exports PATH of the server under the file system id FSID to CLIENT (all).
srv_export() { in_ srv exportfs -o "$EXPORT_OPTIONS,fsid=$2${4:+,$4}" "${3:-*}:$1"; }

# srv_unexport PATH [CLIENT]
srv_unexport() { in_ srv sh -c 'exportfs -u "$1"; exportfs -f' srv_unexport "${2:-*}:$1"; }

# srv_stale PATH FSID: exports PATH under another FSID in place of the old one: every handle that clients have goes stale.
srv_stale() {
  in_ srv sh -c 'exportfs -u "*:$1"; exportfs -o "$3,fsid=$2" "*:$1"; exportfs -f' srv_stale "$1" "$2" "$EXPORT_OPTIONS"
}

# statd HOST...: starts what version 3 without nolock needs, on clients and on srv alike.
statd() {
  local host
  for host; do
    in_ "$host" busybox sh -c '
      [ "$(hostname)" = srv ] || mount -t tmpfs -o mode=755 state /var/lib/nfs
      mkdir -p /var/lib/nfs/sm /var/lib/nfs/sm.bak
      chown -R statd /var/lib/nfs/sm /var/lib/nfs/sm.bak
      [ -e /run/rpcbind.lock ] || rpcbind -w
      rpc.statd --no-notify' </dev/null
  done
}

# --- faults

# link HOST up|down: pulls the host's network cable, or plugs it in.
link() {
  ip link set "v$1" "$2"
  printf %s "${2#up}" >"/lab/state/unlinked.$1"
}

# blackhole HOST on [PORT] | off: the host drops what comes in without an answer, or only what comes in for that TCP port.
blackhole() {
  case $2 in
    on)
      echo yes >"/lab/state/blackhole.$1"
      in_ "$1" iptables-legacy -I INPUT -i eth0 ${3:+-p tcp --dport "$3"} -j DROP
      ;;
    off)
      in_ "$1" iptables-legacy -F INPUT
      : >"/lab/state/blackhole.$1"
      ;;
  esac
}

# slow HOST RATE | off: what the host sends goes out at RATE (60mbit, see tc-tbf(8)) and no faster. Gone with a `reset`.
slow() {
  modprobe sch_tbf
  case $2 in
    off) in_ "$1" tc qdisc del dev eth0 root ;;
    *) in_ "$1" tc qdisc replace dev eth0 root tbf rate "$2" burst 128kb latency 50ms ;;
  esac
}

# modules hide [NAME...] | show: unloads modules of the NFS client (nfsv4 nfsv3 nfs) and keeps the kernel from loading them again.
# Nothing may be mounted: after a `reset`.
modules() {
  local action=$1 name text=
  shift
  case $action in
    hide)
      [ $# -gt 0 ] || set -- nfsv4 nfsv3 nfs
      for name; do text+="install $name /bin/false"$'\n'; done
      printf %s "$text" >/etc/modprobe.d/lab.conf
      rmmod "$@"
      ;;
    show)
      : >/etc/modprobe.d/lab.conf
      modprobe -a nfs nfsv3 nfsv4
      ;;
  esac
}

# --- names

# name set NAME ADDRESS | unset NAME | reset: /etc/hosts of everyone, containers that run already as well.
name() {
  local -A names=()
  local key text=$'127.0.0.1 localhost\n'
  names_change hosts.set "$@"
  for key in "${!names[@]}"; do text+="${names[$key]} $key"$'\n'; done
  printf %s "$text" >/lab/state/hosts
}

# dns up | down: a DNS server on the host ns, and /etc/resolv.conf of everyone pointing to it. Fault: `blackhole ns on`.
# dns set NAME ADDRESS | unset NAME: what it answers, from now on, with a time to live of 0. Other names do not exist.
dns() {
  local -A names=()
  local key pid text=
  case $1 in
    up)
      [ -e /run/netns/ns ] || hosts_up ns
      : >>/lab/state/dns
      in_ ns dnsmasq --conf-file=/dev/null --user=root --pid-file=/lab/state/dns.pid --no-resolv --no-hosts --local=/#/ \
        --addn-hosts=/lab/state/dns --local-ttl=0 </dev/null
      printf 'nameserver %s\noptions timeout:1 attempts:1\n' "${ADDRESS[ns]}" >/lab/state/resolv.conf
      ;;
    down)
      hosts_down ns
      : >/lab/state/resolv.conf
      : >/lab/state/dns
      : >/lab/state/dns.set
      ;;
    *)
      names_change dns.set "$@"
      for key in "${!names[@]}"; do text+="${names[$key]} $key"$'\n'; done
      printf %s "$text" >/lab/state/dns
      [ ! -e /run/netns/ns ] || { read -r pid </lab/state/dns.pid && kill -HUP "$pid"; }
      ;;
  esac
}

# names_change FILE set NAME ADDRESS | unset NAME | reset: changes FILE, lines of `NAME ADDRESS`, and leaves them in the caller's array `names`.
names_change() {
  local key address text=
  while read -r key address; do names[$key]=$address; done <"/lab/state/$1"
  case $2 in
    set) names[$3]=$4 ;;
    unset) unset "names[$3]" ;;
    reset) names=() ;;
  esac
  for key in "${!names[@]}"; do text+="$key ${names[$key]}"$'\n'; done
  printf %s "$text" >"/lab/state/$1"
}

# --- containers

# container HOST [OPTION...] -- COMMAND...: runs COMMAND as PID 1 of a new pid namespace, in the host's network, on a root file system of its own
# (an overlay: what it writes anywhere goes with it), and returns its exit status. Several may run at once: `container ... &`.
# Its environment is the caller's: `NFS_SERVER=nas container c1 -- nfs-init`.
#   --name NAME        for the container_ functions; also its host name (default: HOST-box)
#   --setup SCRIPT     shell text to run in it as root before COMMAND, to write an fstab say
#   --drop CAP         take a capability away, e.g. sys_admin; may be repeated
#   --user UID:GID     run COMMAND as this user
#   --userns           run COMMAND as root of a user namespace of its own
container() {
  local host=$1 name=$1-box setup= drop= user= userns= pid
  shift
  while [ $# -gt 0 ]; do
    case $1 in
      --name) name=$2; shift 2 ;;
      --setup) setup=$2; shift 2 ;;
      --drop) drop+=",-$2"; shift 2 ;;
      --user) user=$2; shift 2 ;;
      --userns) userns=1; shift ;;
      --) shift; break ;;
      *) echo "container: unknown option $1" >&2; return 2 ;;
    esac
  done
  read -r pid <"/lab/state/host.$host"
  echo yes >"/lab/state/used.$host"
  BOX_NAME=$name BOX_SETUP=$setup BOX_DROP=${drop#,} BOX_USER=$user BOX_USERNS=$userns \
    enter "$pid" -n -m -u unshare -m -p -f -u --kill-child --propagation private busybox sh /lab/guest/container.sh "$@"
}

# container_pid NAME: the process id of its PID 1, seen from outside.
container_pid() { cat "/lab/state/container.$1"; }

# container_signal NAME SIGNAL: sends a signal to its PID 1.
container_signal() {
  local pid
  read -r pid <"/lab/state/container.$1"
  kill -s "$2" "$pid"
}

# container_exec NAME COMMAND...: runs COMMAND in it as root.
container_exec() {
  local pid
  read -r pid <"/lab/state/container.$1"
  shift
  enter "$pid" -n -m -u -p "$@"
}
