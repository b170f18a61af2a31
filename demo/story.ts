// The story that the demo tells: nginx on two clients, on a share whose server comes late.

import type { Scene, Step, Who } from "./scene.ts";

interface Client {
  readonly who: Who;
  /** The host in the lab, and the name of its container. */
  readonly name: "c1" | "c2";
  readonly address: string;
}

const first: Client = { who: "client 1", name: "c1", address: "10.77.0.11" };
const second: Client = { who: "client 2", name: "c2", address: "10.77.0.12" };
const both = (stepsOf: (client: Client, other: Client) => readonly Step[]) => [
  ...stepsOf(first, second),
  ...stepsOf(second, first),
];

const share = "10.77.0.1:/srv/exp on /srv/www";
const environment = "NFS_HOST=10.77.0.1 NFS_HOST_MOUNT=/srv/exp NFS_MOUNT_POINT=/srv/www";
const entrypoint = "nfs-init -- nginx -g 'daemon off;' -c /etc/nginx/nginx.conf";
const files = "/lab/project/demo";

/** The container's /etc/fstab is a file that outlives it, as with `docker run -v`. */
const fstab = ({ name }: Client) => `/lab/state/fstab.${name}`;

const start = (client: Client): Step => ({
  kind: "start",
  who: client.who,
  says: `${environment} \\\n  ${entrypoint}`,
  script: `
    cp -n ${files}/fstab ${fstab(client)}
    export ${environment}
    container ${client.name} --name ${client.name} --setup '
      cp ${files}/nginx.conf /etc/nginx/nginx.conf
      mount --bind ${fstab(client)} /etc/fstab
    ' -- ${entrypoint}`,
});

const lookAtProcesses = ({ who, name }: Client, nginx: number): Step => ({
  kind: "look",
  who,
  says: "processes",
  script: `container_exec ${name} busybox sh -c 'echo "$(cat /proc/1/comm) is PID 1, $(pgrep -x nginx | wc -l) are nginx"'`,
  expected: `nfs-init is PID 1, ${nginx} are nginx`,
});

const curl = (from: Client, to: Client, path: string, body: string): Step => ({
  kind: "look",
  who: from.who,
  says: `curl http://${to.address}${path} (${to.who})`,
  script: `in_ ${from.name} curl --silent --show-error --max-time 5 http://${to.address}${path}`,
  expected: body,
});

const lookAtLeftovers = (client: Client): Step => ({
  kind: "look",
  who: client.who,
  says: "left behind",
  script: `
    processes=$(ip netns pids ${client.name} | grep -cvxf /lab/state/host.${client.name})
    mounts=$(in_ ${client.name} grep -c ^v /proc/fs/nfsfs/volumes)
    changes=$(busybox diff -U0 ${files}/fstab ${fstab(client)} | sed 1,2d)
    changed=$(grep -c ^- <<<"$changes")
    added=$(grep -c ^+ <<<"$changes")
    echo "$processes processes, $mounts NFS mounts; fstab: $changed foreign lines changed, $added lines of nfs-init"`,
  expected: "0 processes, 0 NFS mounts; fstab: 0 foreign lines changed, 3 lines of nfs-init",
});

export const story: readonly Scene[] = [
  {
    title: "A network of three hosts",
    steps: [
      {
        kind: "look",
        who: "lab",
        says: "one server, two clients",
        script: `echo "$(for host in srv c1 c2; do in_ $host hostname; done | xargs) on Linux $(uname -r)"`,
        expected: /^srv c1 c2 on Linux \d+\.\d+\S*$/,
      },
    ],
  },
  {
    title: "nginx is started before the server of its files exists",
    steps: [
      ...both((client) => [start(client)]),
      ...both(({ who }) => [
        {
          kind: "log",
          who,
          expected: `waiting for the server: ${share}, port 2049 of 10.77.0.1: connection refused`,
        },
      ]),
      ...both((client) => [lookAtProcesses(client, 0)]),
      {
        kind: "look",
        who: "lab",
        says: "different namespaces of the server and the containers",
        script: `
          for pid in "$(cat /lab/state/host.srv)" "$(container_pid c1)" "$(container_pid c2)"; do
            readlink "/proc/$pid/ns/"{net,mnt,pid}
          done | sort -u | cut -d: -f1 | uniq -c | xargs`,
        expected: "3 mnt 3 net 3 pid",
      },
    ],
  },
  {
    title: "The server comes",
    steps: [
      {
        kind: "act",
        who: "server",
        says: "echo 'hello from the server' >/srv/exp/hello.txt",
        script: `in_ srv busybox sh -c 'echo "hello from the server" >/srv/exp/hello.txt'`,
      },
      { kind: "act", who: "server", says: "NFS is up", script: "srv_up" },
      ...both(({ who }) => [
        { kind: "log", who, expected: `mounted: ${share}, NFS 4.2`, since: "after the server was up" },
      ]),
      ...both((client) => [lookAtProcesses(client, 2)]),
      ...both((client, other) => [curl(client, other, "/hello.txt", "hello from the server")]),
    ],
  },
  {
    title: "What one client writes, the other serves",
    steps: [
      {
        kind: "act",
        who: first.who,
        says: "echo 'hello from client 1' >/srv/www/news.txt",
        script: `container_exec ${first.name} busybox sh -c 'echo "hello from client 1" >/srv/www/news.txt'`,
      },
      curl(first, second, "/news.txt", "hello from client 1"),
    ],
  },
  {
    title: "The export is replaced: every handle that the clients hold goes stale",
    steps: [
      {
        kind: "act",
        who: "server",
        says: "exports the same path under another file system id",
        script: "srv_stale /srv/exp 101",
      },
      ...both(({ who }) => [
        { kind: "log", who, expected: /^a share is lost: .*its handle is stale/, since: "after that" },
        { kind: "exit", who, exitCode: 75 },
      ]),
      // What a container engine does with a container whose restart policy says so.
      ...both((client) => [start(client)]),
      ...both(({ who }) => [{ kind: "log", who, expected: `mounted: ${share}, NFS 4.2` }]),
      ...both((client, other) => [curl(client, other, "/news.txt", "hello from client 1")]),
    ],
  },
  {
    title: "The containers are stopped",
    steps: both((client) => [
      {
        kind: "act",
        who: client.who,
        says: "SIGTERM to PID 1, as docker stop does",
        script: `container_signal ${client.name} TERM`,
      },
      { kind: "log", who: client.who, expected: "the process has ended: exit code 0" },
      { kind: "log", who: client.who, expected: `unmounted: ${share}` },
      { kind: "exit", who: client.who, exitCode: 0 },
      lookAtLeftovers(client),
    ]),
  },
];
