// The server of examples/compose in an ordinary container with CAP_SYS_ADMIN and no more, and its writers.
import { Network, type StartedNetwork } from "testcontainers";
import { afterAll, beforeAll, expect, it } from "vitest";
import { readComposition } from "../examples/uses.ts";
import { eventually } from "../support/eventually.ts";
import { patience, start } from "./containers.ts";
import { buildClient, buildStandIn } from "./images.ts";

const { services } = readComposition("examples/compose/compose.yaml");
const { server, writer } = services;

let network: StartedNetwork;
const images = { server: "", writer: "" };

beforeAll(async () => {
  network = await new Network().start();
  const base = (await buildStandIn()) ?? "postgres:17-bookworm";
  images.server = await buildClient("ubuntu", { base, name: "nfs-init-test-compose-server" });
  images.writer = await buildClient("ubuntu");
});
afterAll(async () => {
  await network.stop();
});

it.each(["3", "4.2"])("serves writers that were started before it, by version %s", async (version) => {
  const name = `server${version}`;
  const writers = await Promise.all(
    [1, 2].map(async () =>
      start({
        image: images.writer,
        network: network.getName(),
        mayMount: true,
        // Compose makes one sign of two.
        command: (writer?.command ?? []).map((word) => word.replaceAll("$$", "$")),
        environment: { ...writer?.environment, NFS_HOST: name, NFS_VERSION: version },
      }),
    ),
  );
  const serving = await start({
    image: images.server,
    network: network.getName(),
    aliases: [name],
    mayMount: true,
    entrypoint: server?.entrypoint ?? [],
    command: server?.command ?? [],
    environment: server?.environment ?? {},
    volumes: ["/var/lib/postgresql/data", "/srv/data", "/srv/media", "/var/lib/nfs-init"],
  });
  const ready = async () => (await serving.logs()).includes("database system is ready to accept connections");
  await eventually("the database", ready, patience);
  // Each has a file of its own, named after its host.
  const files = async () => (await serving.exec("ls /srv/data")).split("\n").filter((line) => line !== "");
  await eventually("both files", async () => (await files()).length === 2, patience);
  expect(await serving.exec("stat -c %u:%g /srv/data/* /srv/media")).toBe("1000:1000\n1000:1000\n1000:1000");
  const mounted = await writers[0]?.exec("grep ' /data nfs' /proc/mounts");
  expect(mounted).toContain(`vers=${version}`);
  await Promise.all(writers.map((one) => one.stop(20)));
  await serving.stop(30);
  expect(await serving.inspect()).toMatchObject({ running: false, exitCode: 0 });
});
