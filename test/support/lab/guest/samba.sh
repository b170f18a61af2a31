# A file server of Samba on the host srv; a job that needs it reads this file first. See samba.ts for where it comes from.

SAMBA=/lab/project/.lab/samba

# smb_up [HOST [SHARE]]: starts it with the shares `media` (for the user app, with the password in /lab/state/smb.password) and `open` (for anybody).
# SHARE, and what stands behind it, is left out. SMB_GLOBAL and SMB_SHARES are lines more for its configuration, of all and of shares.
# Its files are /srv/exp/smb and /srv/exp/smb-open. It runs in a mount namespace of its own, with its libraries over those of the lab.
smb_up() {
  SMB_GLOBAL=${SMB_GLOBAL-} SMB_SHARES=${SMB_SHARES-} in_ "${1:-srv}" unshare -m bash -c '
    set -e
    for folder in usr lib; do
      over=/usr; [ $folder = usr ] || over=/usr/lib
      mount -t overlay -o "lowerdir='$SAMBA'/$folder:$over" overlay $over
    done
    mkdir -p /run/samba/{private,lock,state,cache,pid,rpc} /srv/exp/smb /srv/exp/smb-open
    chmod 777 /srv/exp/smb /srv/exp/smb-open
    echo hello >/srv/exp/smb/hello
    echo open >/srv/exp/smb-open/hello
    cat >/run/samba/smb.conf <<END
[global]
server role = standalone server
map to guest = Bad User
private dir = /run/samba/private
lock directory = /run/samba/lock
state directory = /run/samba/state
cache directory = /run/samba/cache
pid directory = /run/samba/pid
ncalrpc dir = /run/samba/rpc
log file = /run/samba/log
disable spoolss = yes
load printers = no
smb ports = 445
$SMB_GLOBAL
[media]
path = /srv/exp/smb
read only = no
valid users = app
[open]
path = /srv/exp/smb-open
read only = no
guest ok = yes
$SMB_SHARES
END
    [ -z "$1" ] || sed -i "/^\[$1\]/,\$d" /run/samba/smb.conf
    [ -e /run/samba/private/passdb.tdb ] || {
      IFS= read -r password </lab/state/smb.password || [ -n "$password" ]
      printf "%s\n%s\n" "$password" "$password" | smbpasswd -c /run/samba/smb.conf -s -a app
    }
    smbd -D -s /run/samba/smb.conf' smb_up "${2:-}" </dev/null >/lab/state/smb.out 2>&1
}

# smb_wait [HOST]: until it takes connections.
smb_wait() { in_ "${1:-srv}" busybox sh -c 'for i in $(seq 200); do busybox nc -w 1 127.0.0.1 445 </dev/null >/dev/null 2>&1 && exit; sleep 0.05; done; exit 1'; }

# smb_down [HOST]: ends it at once, with every connection.
smb_down() { in_ "${1:-srv}" bash -c 'kill -KILL $(pgrep -x smbd || busybox pidof smbd)'; }

# smb_password PASSWORD: the password of the user app, for those who log on from now on.
smb_password() {
  in_ srv bash -c 'printf "%s\n%s\n" "$1" "$1" | nsenter -t "$(cat /run/samba/pid/smbd.pid)" -m smbpasswd -c /run/samba/smb.conf -s app' smb_password "$1"
}
