// A server and a client in the lab that have much to show, and their pages of status for a browser outside of it.
import { createServer, type Socket } from "node:net";
import { logged, quote } from "./box.ts";
import { eventually } from "./eventually.ts";
import { bootLab, type Job, type Lab } from "./lab/lab.ts";

export interface StatusScene {
  /** Addresses of the pages: that of `serve`, and that of `run` on the first client, whose shares are of that server. */
  readonly serverUrl: string;
  readonly clientUrl: string;
  readonly stop: () => Promise<void>;
}

const port = 8_080;
const environment = (variables: Readonly<Record<string, string>>) =>
  Object.entries(variables)
    .map(([name, value]) => `${name}=${quote(value)}`)
    .join(" ");

/** Two exports on disks of their own; a client with both of them and one that never comes; another client that holds a lock. */
export async function openStatusScene(): Promise<StatusScene> {
  const lab = await bootLab({ binary: process.env["NFS_INIT_BINARY"] ?? "dist/nfs-init" });
  try {
    // The lab's own keeper of client records would answer in place of ours.
    await lab.sh(`read -r nfsdcld </lab/state/nfsdcld; kill $nfsdcld
name set nas.lan 10.77.0.1; name set archive.lan 10.77.0.1; name set web-2 10.77.0.12`);
    const disks = `for disk in postgres:96m media:64m; do
  mkdir -p /export/\${disk%:*}; mount -t tmpfs -o size=\${disk#*:},mode=777 disk /export/\${disk%:*}
done; head -c 41m /dev/zero >/export/media/film.mkv; head -c 9m /dev/zero >/export/postgres/base; chmod 666 /export/*/*`;
    const serve = environment({
      NFS_EXPORT: "/export/postgres",
      NFS_2_EXPORT: "/export/media",
      NFS_EXPORT_CLIENTS: "10.77.0.0/16",
      NFS_SERVER_CHECK_INTERVAL: "2s",
      NFS_LISTEN: `:${port}`,
    });
    const server = lab.start(`${serve} container srv --name nas --setup ${quote(disks)} -- nfs-init serve`);
    await logged(server, "serving");
    const holding = "mount -t nfs -o vers=4.1 nas.lan:/export/media /mnt && exec 8<>/mnt/film.mkv 9>>/mnt/playing.lock";
    const other = lab.start(`in_ c2 bash -c ${quote(`${holding} && flock 9 && echo held && exec sleep 1000`)}`);
    await says(other, "held");
    const run = environment({
      NFS_MOUNTS: `nas.lan:/export/postgres /var/lib/postgresql nfs hard,vers=4.2
nas.lan:/export/media /srv/media nfs ro,hard,vers=4.2
archive.lan:/cold /srv/archive nfs hard,nofail,port=2050`,
      NFS_WATCH: "remount",
      NFS_WATCH_INTERVAL: "1s",
      NFS_FSTAB: "none",
      NFS_LISTEN: `:${port}`,
    });
    const command = `cd /var/lib/postgresql; exec 7>>wal 8<>base; echo started
while read -r -t 0.2 <>/lab/state/never || :; do date >>wal; sync wal; cat base /srv/media/film.mkv >/dev/null; done`;
    const client = lab.start(`${run} container c1 --name postgres -- nfs-init -- bash -c ${quote(command)}`);
    await says(client, "started");
    const relays = [await relayTo(lab, "srv"), await relayTo(lab, "c1")] as const;
    const stop = async () => {
      for (const { close } of relays) close();
      await lab.stop();
    };
    return { serverUrl: relays[0].url, clientUrl: relays[1].url, stop };
  } catch (error) {
    await lab.stop();
    throw error;
  }
}

/** Waits for a word of a job; where the job ends before, for nothing. */
async function says(job: Job, word: string): Promise<void> {
  const waited = eventually(`the word ${word}`, () => job.stdout().includes(word), { timeoutMs: 60_000 });
  const ended = job.done.then(({ exitCode, stderr }) => {
    if (!job.stdout().includes(word)) throw new Error(`ended with ${exitCode} before it said ${word}: ${stderr}`);
  });
  await Promise.race([waited, ended]);
}

/** Passes requests into the lab, which has no network with others, and what is answered out of it as it comes. */
function relayTo(lab: Lab, host: string): Promise<{ readonly url: string; readonly close: () => void }> {
  const sockets = new Set<Socket>();
  const relay = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {}).on("close", () => sockets.delete(socket));
    socket.once("data", (head) => {
      const [, path = "/"] = /^GET (\S+) /.exec(String(head)) ?? [];
      const curl = `exec curl -siN --raw http://127.0.0.1:${port}${path}`;
      pass(lab.start(`in_ ${host} bash -c ${quote(curl)}`), socket);
    });
  });
  return new Promise((resolve) => {
    relay.listen(0, "127.0.0.1", () => {
      const address = relay.address();
      const url = `http://127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}/`;
      const close = () => {
        relay.close();
        for (const socket of sockets) socket.destroy();
      };
      resolve({ url, close });
    });
  });
}

function pass(job: Job, socket: Socket): void {
  let passed = 0;
  const more = () => {
    const said = job.stdout();
    if (said.length > passed) socket.write(said.slice(passed));
    passed = said.length;
  };
  const timer = setInterval(more, 100);
  socket.on("close", () => {
    clearInterval(timer);
    void job.signal("SIGKILL").catch(() => {});
  });
  job.done.then(
    () => {
      more();
      socket.end();
    },
    () => socket.destroy(),
  );
}
