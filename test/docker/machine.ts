// A machine in the lab on which a real Docker runs, with the lab's NFS server beside it: Debian's docker.io, without a network of its own.
import { afterAll, beforeAll, beforeEach, expect, onTestFailed } from "vitest";
import { eventually } from "../support/eventually.ts";
import { bootLab, type Job, type Lab } from "../support/lab/lab.ts";
import { onDockerMachine, prepareDocker } from "./docker-lab.ts";

export interface DockerMachine {
  readonly lab: () => Lab;
  /** Runs a bash script that must succeed on the machine, with what dockerd.sh offers; gives what it said. */
  readonly sh: (script: string) => Promise<string>;
  /** Starts one in the background. */
  readonly start: (script: string) => Job;
  /** Waits until a script says this. */
  readonly says: (script: string, text: string) => Promise<void>;
  /** Waits until a file below the server's /srv/exp, or another directory of it, has more lines than it has now. */
  readonly growing: (file: string, directory?: string) => Promise<void>;
  /** Removes every container and every volume; fails where one of these is mounted then. */
  readonly cleared: () => Promise<void>;
}

/** A container's work: a line each half second, into a file of its volume. */
export function writing(file: string): string {
  return `while :; do echo line >>/data/${file}; sleep 0.5; done`;
}

/** Everything is slow in the lab: a container takes six seconds to start, a daemon half a minute to come back. */
const runMs = 180_000;
const patience = { timeoutMs: 120_000, intervalMs: 500 };

/** A machine with Docker for the tests of this file, which leave no container and no volume. */
export function dockerMachine(): DockerMachine {
  let booted: Lab | undefined;
  const lab = () => {
    if (booted === undefined) throw new Error("the lab is not up");
    return booted;
  };
  const sh = (script: string) => lab().sh(onDockerMachine(script), { timeoutMs: runMs });
  beforeAll(async () => {
    booted = await bootLab({ binary: process.env["NFS_INIT_BINARY"] ?? "dist/nfs-init", memory: "2G" });
    await prepareDocker(booted);
  });
  beforeEach(() => {
    onTestFailed(async () => {
      console.log(
        await sh("tail -n 30 /tmp/plugin.log /tmp/dockerd.log; docker ps -a; docker volume ls").catch(String),
      );
    });
  });
  afterAll(async () => {
    await booted?.stop();
  });
  const linesOf = async (path: string) => Number(await lab().sh(`in_ srv sh -c 'cat ${path} | wc -l'`));
  return {
    lab,
    sh,
    growing: async (file, directory = "/srv/exp") => {
      const path = `${directory}/${file}`;
      const before = await linesOf(path);
      await eventually(`more lines in ${path}`, async () => (await linesOf(path)) > before, patience);
    },
    cleared: async () => {
      await sh("docker ps -aq | xargs -r docker rm -f; docker volume ls -q | xargs -r docker volume rm");
      expect(await sh("mounts")).toBe("0");
    },
    start: (script) => lab().start(onDockerMachine(script)),
    says: async (script, text) => {
      await eventually(`"${text}" of ${script}`, async () => (await sh(script)) === text, patience);
    },
  };
}
