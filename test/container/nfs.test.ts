// The images with an NFS server in a container: what users see of versions, late servers, stale handles, stops and replicas.
import { Network, type StartedNetwork } from "testcontainers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { eventually } from "../support/eventually.ts";
import { patience, start, type ContainerOptions, type Running } from "./containers.ts";
import { buildClient, buildServer, clientImages } from "./images.ts";

let network: StartedNetwork;
let serverImage = "";

beforeAll(async () => {
  network = await new Network().start();
  serverImage = await buildServer();
});
afterAll(async () => {
  await network.stop();
});

/** Every server has a name of its own: what one test leaves in the kernel is nothing to the next. */
let servers = 0;
async function startServer(name: string): Promise<Running> {
  const server = await start({
    image: serverImage,
    network: network.getName(),
    aliases: [name],
    privileged: true,
  });
  await eventually("the server", async () => (await server.logs()).includes("serving 2 exports"), patience);
  return server;
}

describe.each(clientImages)("the image of Dockerfile.%s", (clientName) => {
  let image = "";
  beforeAll(async () => {
    image = await buildClient(clientName);
  });

  const client = async (host: string, options: Partial<ContainerOptions> = {}) =>
    start({
      image,
      network: network.getName(),
      mayMount: true,
      command: ["sh", "-c", "echo started; date > /data/$HOSTNAME; while :; do sleep 0.5; done"],
      ...options,
      environment: {
        NFS_HOST: host,
        NFS_HOST_MOUNT: "/srv/data",
        NFS_MOUNT_POINT: "/data",
        NFS_WATCH_INTERVAL: "1s",
        ...options.environment,
      },
    });
  const nextServer = () => `server${(servers += 1)}`;

  it.each(["3", "4.2"])("mounts by version %s", async (version) => {
    const name = nextServer();
    const server = await startServer(name);
    const container = await client(name, { environment: { NFS_VERSION: version } });
    await eventually("the command", async () => (await container.logs()).includes("started"), patience);
    expect(await container.exec("grep ' /data nfs' /proc/mounts")).toContain(`vers=${version}`);
    await eventually("its file", async () => (await server.exec("ls /srv/data")).trim() !== "", patience);
    await container.stop(20);
    await server.stop(20);
  });

  it("waits for a server that comes later, without a restart", async () => {
    const name = nextServer();
    const container = await client(name);
    await eventually("its waiting", async () => (await container.logs()).includes("waiting for the server"), patience);
    const server = await startServer(name);
    await eventually("the command", async () => (await container.logs()).includes("started"), patience);
    expect(await container.inspect()).toMatchObject({ running: true, restarts: 0 });
    await container.stop(20);
    await server.stop(20);
  });

  it("is healthy while it waits and ready once it is mounted", async () => {
    const name = nextServer();
    const container = await client(name);
    await eventually("its health", async () => (await container.inspect()).health === "healthy", patience);
    await expect(container.exec("nfs-init check --ready")).rejects.toThrow(/exit code 1/);
    const server = await startServer(name);
    await eventually("the command", async () => (await container.logs()).includes("started"), patience);
    await container.exec("nfs-init check --ready");
    await container.stop(20);
    await server.stop(20);
  });

  it("is healthy by its own health check, which the engine asks", async () => {
    const name = nextServer();
    const server = await startServer(name);
    const container = await client(name);
    await eventually("the command", async () => (await container.logs()).includes("started"), patience);
    const healthyMs = await eventually("its health", async () => (await container.inspect()).healthyMs, patience);
    await container.exec("nfs-init check --ready");
    // For docs/installing.md. The engine asks for the first time when an interval of the health check has passed.
    const { startedMs } = await container.inspect();
    const seconds = (ms: number) => `${((ms - startedMs) / 1_000).toFixed(1)} s after its start`;
    const commandMs = timeOf(await container.logs(), "starting the process");
    console.log(
      `Dockerfile.${clientName}: the command on the mounted share ${seconds(commandMs)}, healthy ${seconds(healthyMs)}`,
    );
    await container.stop(20);
    await server.stop(20);
  });

  it("is started again on a fresh mount when its handle has gone stale", async () => {
    const name = nextServer();
    const server = await startServer(name);
    const container = await client(name, { restart: "always" });
    await eventually("the command", async () => (await container.logs()).includes("started"), patience);
    await server.exec("sed -i s/fsid=1,/fsid=11,/ /etc/exports && exportfs -ra && exportfs -f");
    await eventually("the second start", async () => (await container.inspect()).restarts === 1, patience);
    await eventually("the fresh mount", async () => (await container.logs()).split("started").length === 3, patience);
    await container.exec("date > /data/fresh");
    expect(await server.exec("ls /srv/data")).toContain("fresh");
    await container.stop(20);
    await server.stop(20);
  });

  it("stops cleanly and in time: docker stop unmounts and keeps what was written", async () => {
    const name = nextServer();
    const server = await startServer(name);
    const script = "trap 'echo last > /data/last; exit 0' TERM QUIT; echo started; while :; do sleep 0.1; done";
    const container = await client(name, { command: ["sh", "-c", script] });
    await eventually("the command", async () => (await container.logs()).includes("started"), patience);
    await container.stop(60);
    expect(await container.inspect()).toMatchObject({ running: false, exitCode: 0 });
    await eventually("the unmount", async () => (await container.logs()).includes("unmounted"), patience);
    expect(await server.exec("cat /srv/data/last")).toBe("last");
    await server.stop(20);
  });

  it("runs the command as NFS_USER, without the capability to mount", async () => {
    const name = nextServer();
    const server = await startServer(name);
    const script = "id -u; grep CapEff /proc/self/status; echo mine > /data/mine; sleep 1000";
    const container = await client(name, { command: ["sh", "-c", script], environment: { NFS_USER: "1000:1000" } });
    await eventually("its file", async () => (await server.exec("ls /srv/data")).includes("mine"), patience);
    expect(await container.logs()).toMatch(/^1000$/m);
    expect(await container.logs()).toMatch(/CapEff:\s0+$/m);
    await container.stop(20);
    await server.stop(20);
  });

  it.each([2, 8])("%i replicas write at once", { timeout: 600_000 }, async (count) => {
    const name = nextServer();
    const server = await startServer(name);
    const script = "for i in 1 2 3 4 5; do echo $HOSTNAME $i >> /data/of-$HOSTNAME; done; echo started; sleep 1000";
    const replicas = await Promise.all(
      Array.from({ length: count }, () => client(name, { command: ["sh", "-c", script] })),
    );
    for (const replica of replicas)
      await eventually("a replica", async () => (await replica.logs()).includes("started"), patience);
    expect(Number(await server.exec("cat /srv/data/of-* | wc -l"))).toBe(5 * count);
    expect(Number(await server.exec("ls /srv/data/of-* | wc -l"))).toBe(count);
    await Promise.all(replicas.map((replica) => replica.stop(20)));
    for (const replica of replicas) expect((await replica.inspect()).running).toBe(false);
    await server.stop(20);
  });
});

/** When a line of the log was written, since 1970. */
function timeOf(logs: string, message: string): number {
  const line = logs.split("\n").find((one) => one.includes(`"msg":"${message}"`));
  if (line === undefined) throw new Error(`the log has no line "${message}":\n${logs}`);
  return Date.parse((JSON.parse(line) as { readonly time: string }).time);
}
