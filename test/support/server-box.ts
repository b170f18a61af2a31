// A server of ours in the lab, `nfs-init serve` in a container of its own, with a disk that outlives its containers.
import { beforeEach } from "vitest";
import { logged, quote, server } from "./box.ts";
import type { Job, JobResult, Lab } from "./lab/lab.ts";

/** A disk of the server: a file system of its own that outlives its containers. */
export const disk = "/lab/state/disk";
/** Where its client records are. */
export const records = "/lab/state/records";

export interface Serve {
  readonly env?: Readonly<Record<string, string>>;
  /** Further options of `container`. */
  readonly options?: string;
  /** Shell text that runs in the container before. */
  readonly setup?: string;
  /** Behind `serve`. */
  readonly args?: string;
  readonly host?: "srv" | "c2";
  /** The container's name. */
  readonly name?: string;
}

export interface ServerBox {
  /** Runs a script where the server's disks are mounted. */
  readonly onServer: (script: string) => Promise<string>;
  readonly start: (serve?: Serve) => Job;
  /** Starts one and waits until it serves. */
  readonly serving: (serve?: Serve) => Promise<Job>;
  /** Sends TERM to the container called "server" and waits for its end. */
  readonly stop: (job: Job) => Promise<JobResult>;
  /** What a client says to a script; $m is a fresh mount point. */
  readonly client: (script: string, host?: "c1" | "c2") => Promise<JobResult>;
}

const exported = { NFS_EXPORT: "/data", NFS_SERVER_STATE: records, NFS_EXPORT_CLIENTS: "*" };
/** The disk's data as /data of the container. */
export const bind = `mkdir -p /data; mount --bind ${disk}/data /data`;

/** Version 3 without locks: those need a status monitor on the client. */
export const mount = (version: string, path = "/data", address = server) =>
  `mount -t nfs -o vers=${version}${version === "3" ? ",nolock" : ""} ${address}:${path} $m`;

/** A fresh disk before each test, and no server. */
export function serverBox(lab: () => Lab): ServerBox {
  const onServer = (script: string) => lab().sh(`in_ srv bash -c ${quote(script)}`);
  beforeEach(async () => {
    // The lab's own keeper of client records would answer in place of ours.
    await lab().sh(`srv_down; read -r nfsdcld </lab/state/nfsdcld; kill $nfsdcld
rm -rf ${records}; mkdir -p ${disk} ${records}`);
    await onServer(`umount ${disk} 2>/dev/null; mount -t tmpfs disk ${disk}; cd ${disk}
mkdir data; chmod 777 data; echo hello >data/hello`);
  });
  const start = ({ env = {}, options = "", setup = bind, args = "", host = "srv", name = "server" }: Serve = {}) => {
    const variables = Object.entries({ ...exported, ...env })
      .map(([variable, value]) => `${variable}=${quote(value)}`)
      .join(" ");
    return lab().start(
      `${variables} container ${host} --name ${name} --setup ${quote(setup)} ${options} -- nfs-init serve ${args}`,
    );
  };
  return {
    onServer,
    start,
    serving: async (serve) => {
      const job = start(serve);
      await logged(job, "serving");
      return job;
    },
    stop: async (job) => {
      await lab().sh("container_signal server TERM");
      return job.done;
    },
    client: (script, host = "c1") =>
      lab().run(`in_ ${host} bash -c ${quote(`m=$(mktemp -d); ${script}`)}`, { timeoutMs: 60_000 }),
  };
}
