# Client hosts beside c1 and c2, as many as there are to be; read by bash in the lab.
#   clients_up COUNT: makes the hosts k1, k2, ... with the addresses 10.77.0.101, 10.77.0.102, ...; `container k1 ...` runs in one
#   client_packets HOST: writes how many IP packets the host has received and sent so far, without a fork

clients_up() {
  local number batch=
  for ((number = 1; number <= $1; number++)); do
    mkfifo "/lab/state/up.k$number"
    batch+="netns add k$number"$'\n'
    batch+="link add vk$number type veth peer name eth0 netns k$number"$'\n'
    batch+="link set vk$number master br0 up"$'\n'
  done
  ip -batch - <<<"$batch"
  for ((number = 1; number <= $1; number++)); do
    busybox nsenter --net="/run/netns/k$number" /usr/bin/unshare -m -u --propagation private \
      busybox sh /lab/guest/host.sh "k$number" "10.77.0.$((100 + number))" </dev/null >/dev/null 2>&1 &
  done
  for ((number = 1; number <= $1; number++)); do read -r <"/lab/state/up.k$number"; done
}

client_packets() {
  local pid name forwarding received sent _
  read -r pid <"/lab/state/host.$1"
  while read -r name forwarding _ received _ _ _ _ _ _ sent _; do
    # The line of names begins alike.
    [[ $name$forwarding != Ip:[0-9]* ]] || echo $((received + sent))
  done <"/proc/$pid/net/snmp"
}
