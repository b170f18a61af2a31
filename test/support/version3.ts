// Clients of version 3 served in the lab by the rooms of src, beside a nfsd that the lab's rpc.nfsd has started.
import { beforeAll } from "vitest";
import { buildExecutable } from "../../scripts/native/executable.ts";
import { machineCpu } from "../../scripts/native/pins.ts";
import { server } from "./box.ts";
import { eventually } from "./eventually.ts";
import type { Job, Lab } from "./lab/lab.ts";

export interface Version3Suite {
  /** Starts ours on the server, then nfsd; locks of clients may be taken back for `grace` seconds. */
  readonly serve: (options?: { readonly rpcbind?: boolean; readonly grace?: number }) => Promise<Job>;
  /** Starts ours once more. Its process id lies in /lab/state/version3. */
  readonly startOurs: () => Promise<Job>;
}

/** `name` keeps test files that build at the same time apart. */
export function version3Suite(lab: () => Lab, name: string): Version3Suite {
  const program = `.build/test-version3-${name}`;
  beforeAll(async () => {
    await buildExecutable({ target: machineCpu(), outfile: program, entry: "test/kernel/programs/version3.ts" });
  });
  const startOurs = async (): Promise<Job> => {
    const job = lab().start(`echo up >/lab/state/srv
      exec 3>&-; in_ srv sh -c 'echo $$ >/lab/state/version3; exec /lab/project/${program} /var/lib/nfs'`);
    await eventually("ours serves", () => job.stdout().includes("serving"), { timeoutMs: 20_000 });
    await lab().sh("in_ srv rpc.nfsd -G 10 -L 10 4; kill -USR1 $(cat /lab/state/version3)");
    return job;
  };
  return {
    startOurs,
    serve: async ({ rpcbind = false, grace = 1 } = {}) => {
      const before = rpcbind ? "in_ srv rpcbind -w" : ":";
      await lab().sh(`srv_down; ${before}; echo ${grace} >/proc/sys/fs/nfs/nlm_grace_period`);
      return startOurs();
    },
  };
}

/** Mounts the share at /mnt. */
export const mountVersion3 = (options: string) => `mount -t nfs -o vers=3,retry=0,${options} ${server}:/srv/exp /mnt`;
