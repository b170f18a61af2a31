// The servers of examples/kubernetes with the rights that their manifests name and no more, in the image of nfs-init alone, and clients of each.
import { getContainerRuntimeClient, Network, type StartedNetwork } from "testcontainers";
import { afterAll, beforeAll, expect, it } from "vitest";
import { readManifests, type Container } from "../examples/uses.ts";
import { eventually } from "../support/eventually.ts";
import { patience, start, type Running } from "./containers.ts";
import { buildAlone, buildClient } from "./images.ts";

let network: StartedNetwork;
let clientImage = "";
let serverImage = "";

beforeAll(async () => {
  network = await new Network().start();
  clientImage = await buildClient("ubuntu");
  serverImage = await buildAlone();
});
afterAll(async () => {
  await network.stop();
});

function containerIn(file: string): Container {
  const containers = readManifests(file).flatMap(({ spec }) => spec?.template?.spec?.containers ?? []);
  if (containers[0] === undefined) throw new Error(`${file} has no container`);
  return containers[0];
}

/** Starts the container of a manifest in this network, where everybody may mount; `environment` is what this network asks for. */
async function startPod(file: string, alias: string, environment: Readonly<Record<string, string>>): Promise<Running> {
  const { command = [], env = [], securityContext } = containerIn(file);
  const pod = await start({
    image: serverImage,
    network: network.getName(),
    aliases: [alias],
    entrypoint: command,
    command: [],
    environment: {
      ...Object.fromEntries(env.map(({ name, value = "" }) => [name, value])),
      NFS_EXPORT_CLIENTS: "*",
      ...environment,
    },
    volumes: ["/export/data", "/export/state"],
    onlyCapabilities: securityContext?.capabilities?.add ?? [],
  });
  const isReady = async () =>
    pod
      .exec(["nfs-init", "check", "--ready"])
      .then(() => true)
      .catch(() => false);
  await eventually("its being ready", isReady, patience);
  return pod;
}

async function expectServed(pod: Running, host: string): Promise<void> {
  const clientSays = async (script: string) => {
    const client = await start({
      image: clientImage,
      network: network.getName(),
      mayMount: true,
      command: ["sh", "-c", script],
      environment: { NFS_HOST: host, NFS_HOST_MOUNT: "/export/data", NFS_MOUNT_POINT: "/data" },
    });
    await eventually("its end", async () => !(await client.inspect()).running, patience);
    return client.logs();
  };
  expect(await clientSays("echo written >/data/by-client; echo done")).toContain("done");
  expect(await clientSays("cat /data/by-client")).toMatch(/^written$/m);
  await pod.stop(30);
  expect(await pod.inspect()).toMatchObject({ running: false, exitCode: 0 });
}

it("server.yaml serves with its rights alone", async () => {
  // The client is root, who writes to a volume that is root's.
  const pod = await startPod("examples/kubernetes/server/server.yaml", "files", {});
  await expectServed(pod, "files");
});

it("server-address.yaml serves under its address with its rights alone", async () => {
  const { container } = await getContainerRuntimeClient();
  const described = (await container.dockerode.getNetwork(network.getId()).inspect()) as {
    readonly IPAM: { readonly Config: readonly { readonly Subnet: string }[] };
  };
  const [, front, prefix] = /^(\d+\.\d+)\.\d+\.\d+\/(\d+)$/.exec(described.IPAM.Config[0]?.Subnet ?? "") ?? [];
  const pod = await startPod("examples/kubernetes/server-address.yaml", "outside", {
    NFS_SERVER_VIP: `${front}.200.9/${prefix}`,
    NFS_EXPORT_OPTIONS: "rw,no_root_squash",
  });
  await expectServed(pod, `${front}.200.9`);
});
