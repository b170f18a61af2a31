# A container that is to serve again after its share was lost; read by bash in the lab.
#   serve START...: runs reader.sh on the share's file `hello` behind START in the container "box", and the container again when it ends with 75;
#     returns once the file has been read. The share's variables are those of the call.
#   has_read TEXT SECONDS: whether reader.sh has read TEXT, by SECONDS from now or a little later; leaves the time in `first`
#   serve_no_more: ends the container

serve() {
  rm -f /lab/state/read /lab/state/told
  : >/lab/state/read
  mkfifo /lab/state/told
  supervise "$@" &
  supervisor=$!
  has_read hello 60
}

supervise() {
  # The pause, and that the container is made anew: what a container engine does about one that has ended.
  while
    container c1 --name box --setup 'mkdir /mnt/share' -- \
      "$@" /lab/project/bench/guest/reader.sh /mnt/share/hello /lab/state/read
    [ $? = 75 ]
  do pause 0.1; done
}

has_read() {
  local until=$((SECONDS + $2 + 1)) time text
  while [ $SECONDS -lt $until ]; do
    while read -r time text; do
      [ "$text" != "$1" ] || { first=$time; return; }
    done </lab/state/read
    pause 0.2
  done
  return 1
}

serve_no_more() {
  container_signal box KILL
  wait $supervisor
}
