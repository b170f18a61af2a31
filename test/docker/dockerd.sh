# What a script can call on the machine of the tests, c1, where Docker runs; see machine.ts.

docker=/lab/project/node_modules/.cache/nfs-init/docker
export PATH=$docker/usr/sbin:$docker/usr/bin:$PATH

# dockerd_up OPTION...: starts the daemon, and returns when it answers.
dockerd_up() {
  setsid dockerd --iptables=false --ip6tables=false --bridge=none "$@" >>/tmp/dockerd.log 2>&1 </dev/null &
  until docker version >/dev/null 2>&1; do sleep 0.2; done
}

# ended NAME SIGNAL: ends every program of that name, and returns when it is gone.
ended() {
  pkill "-$2" -x "$1"
  while pgrep -x "$1" >/dev/null; do sleep 0.1; done
}

# plugin_up NAME=VALUE...: starts the driver, and returns when it listens.
plugin_up() {
  rm -f /tmp/listening
  mkdir -p /run/docker/plugins
  env NFS_WATCH_INTERVAL=500ms "$@" setsid nfs-init plugin >>/tmp/plugin.log 2>&1 </dev/null &
  until curl -s --max-time 5 --unix-socket /run/docker/plugins/nfs-init.sock -X POST http://plugin/VolumeDriver.List >/dev/null; do sleep 0.1; done
}

# run_ NAME VOLUME SCRIPT OPTION...: a container of its own with the volume on /data, in the background.
run_() {
  local name=$1 volume=$2 script=$3
  shift 3
  docker run -d --name "$name" --network none --stop-signal KILL -v "$volume:/data" "$@" lab /bin/sh -c "$script" >/dev/null
}

# references VOLUME: how many have it, as Docker shows it; state_of VOLUME; mounts: how many volumes the machine has mounted.
references() { docker volume inspect -f '{{.Status.references}}' "$1"; }
state_of() { docker volume inspect -f '{{.Status.state}}' "$1"; }
mounts() { cut -d' ' -f5 /proc/self/mountinfo | grep /volumes/ | sort -u | wc -l; }
