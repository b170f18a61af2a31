// Containers as a user starts them: capabilities, restart policy, what they logged, and how they ended.
import { getContainerRuntimeClient } from "testcontainers";
import { onTestFinished } from "vitest";

/** How many times longer things may take here than on an ordinary machine. */
const slowness = Number(process.env["TEST_SLOWNESS"] ?? 1);

/** For states that containers come to by themselves. */
export const patience = { timeoutMs: 30_000 * slowness, intervalMs: 100 * slowness };

export interface ContainerOptions {
  readonly image: string;
  readonly command?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  /** In place of the image's. */
  readonly entrypoint?: readonly string[];
  readonly network?: string;
  /** Whose network and volumes are its own too: on one machine with it. */
  readonly on?: Running;
  /** Directories that are volumes of its own. */
  readonly volumes?: readonly string[];
  readonly aliases?: readonly string[];
  readonly restart?: "no" | "always";
  /** What mounting needs: CAP_SYS_ADMIN, and no AppArmor. */
  readonly mayMount?: boolean;
  /** All that it has, as a pod's securityContext says it: these capabilities, no AppArmor, a root that is read-only, a /run. */
  readonly onlyCapabilities?: readonly string[];
  readonly privileged?: boolean;
  /** Who removes it at the end of a test; for a container that many tests use, `false`. */
  readonly autoCleanup?: boolean;
}

export interface Running {
  readonly id: string;
  /** Both streams, of all its starts. */
  readonly logs: () => Promise<string>;
  readonly inspect: () => Promise<State>;
  /** Runs a script, or where the image has no shell a program with its arguments. */
  readonly exec: (script: string | readonly string[]) => Promise<string>;
  /** As docker kill: its PID 1 gets SIGKILL; a restart policy is not asked. */
  readonly kill: () => Promise<void>;
  /** As docker start. */
  readonly startAgain: () => Promise<void>;
  /** As docker stop. */
  readonly stop: (timeoutSeconds: number) => Promise<void>;
  readonly remove: () => Promise<void>;
}

export interface State {
  readonly running: boolean;
  readonly exitCode: number;
  readonly restarts: number;
  readonly health: string | undefined;
  /** When it was started the last time, and when its health check first said that it is healthy; since 1970. */
  readonly startedMs: number;
  readonly healthyMs: number | undefined;
}

/** Starts a container; it is gone when the test has finished. */
export async function start(options: ContainerOptions): Promise<Running> {
  const client = await getContainerRuntimeClient();
  const { image, entrypoint, command, environment, network, aliases, on, volumes, restart } = options;
  const container = await client.container.create({
    Image: image,
    ...(entrypoint !== undefined && { Entrypoint: [...entrypoint] }),
    ...(command !== undefined && { Cmd: [...command] }),
    Volumes: Object.fromEntries((volumes ?? []).map((path) => [path, {}])),
    Env: Object.entries(environment ?? {}).map(([name, value]) => `${name}=${value}`),
    HostConfig: {
      RestartPolicy: { Name: restart ?? "no" },
      ...rightsOf(options),
      NetworkMode: on === undefined ? (network ?? process.env["TEST_NETWORK"] ?? "bridge") : `container:${on.id}`,
      ...(on !== undefined && { VolumesFrom: [on.id] }),
    },
    ...(network !== undefined && {
      NetworkingConfig: { EndpointsConfig: { [network]: { Aliases: [...(aliases ?? [])] } } },
    }),
  });
  await container.start();

  let isRemoved = false;
  const remove = async () => {
    if (isRemoved) return;
    isRemoved = true;
    await container.remove({ force: true, v: true });
  };
  if (options.autoCleanup !== false) onTestFinished(remove);
  return {
    id: container.id,
    kill: async () => {
      await container.kill();
    },
    startAgain: async () => {
      await container.start();
    },
    logs: async () => textOfLog(await container.logs({ stdout: true, stderr: true })),
    inspect: async () => {
      const { State: state, RestartCount: restarts } = await container.inspect();
      const healthy = state.Health?.Log.find(({ ExitCode }) => ExitCode === 0);
      return {
        running: state.Running,
        exitCode: state.ExitCode,
        restarts,
        health: state.Health?.Status,
        startedMs: Date.parse(state.StartedAt),
        healthyMs: healthy === undefined ? undefined : Date.parse(healthy.End),
      };
    },
    exec: async (script) => {
      const words = typeof script === "string" ? ["sh", "-c", script] : [...script];
      const { exitCode, output } = await client.container.exec(container, words);
      if (exitCode !== 0) throw new Error(`in ${image}: ${words.join(" ")}: exit code ${exitCode}: ${output}`);
      return output.trim();
    },
    stop: async (timeoutSeconds) => {
      await container.stop({ t: timeoutSeconds });
    },
    remove,
  };
}

function rightsOf({ mayMount, onlyCapabilities, privileged }: ContainerOptions) {
  if (onlyCapabilities !== undefined) {
    return {
      CapDrop: ["ALL"],
      CapAdd: [...onlyCapabilities],
      SecurityOpt: ["apparmor=unconfined"],
      ReadonlyRootfs: true,
      Tmpfs: { "/run": "" },
    };
  }
  return {
    CapAdd: mayMount === true ? ["SYS_ADMIN"] : [],
    SecurityOpt: mayMount === true ? ["apparmor=unconfined"] : [],
    Privileged: privileged ?? false,
  };
}

/** Docker Engine API, "Attach to a container": frames of a header of eight bytes, of which the last four are the length of what follows. */
function textOfLog(frames: Buffer): string {
  const parts: Buffer[] = [];
  for (let at = 0; at + 8 <= frames.length; at += 8 + frames.readUInt32BE(at + 4)) {
    parts.push(frames.subarray(at + 8, at + 8 + frames.readUInt32BE(at + 4)));
  }
  return Buffer.concat(parts).toString();
}
