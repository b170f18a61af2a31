// The device of examples/balena as its files say it, in one network namespace: what an update of its server costs, and a server elsewhere.
import { Network, type StartedNetwork } from "testcontainers";
import { afterAll, beforeAll, expect, it } from "vitest";
import { readComposition } from "../examples/uses.ts";
import { eventually } from "../support/eventually.ts";
import { patience, start, type ContainerOptions, type Running } from "./containers.ts";
import { buildService } from "./images.ts";

const { services } = readComposition("examples/balena/docker-compose.yml");
type Service = "storage" | "web" | "api";

let network: StartedNetwork;
const images: Record<Service, string> = { storage: "", web: "", api: "" };

beforeAll(async () => {
  network = await new Network().start();
  for (const name of ["storage", "web", "api"] as const) images[name] = await buildService(`examples/balena/${name}`);
});
afterAll(async () => {
  await network.stop();
});

/** Stands for the host: its network and its disk outlive the services. */
const startDevice = async (name: string) =>
  start({
    image: images.api,
    entrypoint: ["nfs-init", "--"],
    command: ["sleep", "1000000"],
    network: network.getName(),
    aliases: [name],
    // The disk is there already, so that no device is mounted on it.
    volumes: ["/data", "/var/lib/postgresql/data", "/var/lib/nfs-init"],
  });

/** Starts a service as the file says, beside what is set on the dashboard. */
async function startService(on: Running, name: Service, dashboard: ContainerOptions["environment"] = {}) {
  const environment = { ...services[name]?.environment, ...dashboard };
  const rights = name === "storage" ? { privileged: true } : { mayMount: true };
  return start({ image: images[name], on, restart: "always", environment, ...rights });
}

const said = async (container: Running, words: string) =>
  eventually(`"${words}"`, async () => (await container.logs()).includes(words), patience);

/** A pause of the server is seen until the next probe. */
const ready = async (container: Running) =>
  eventually(
    "its being ready",
    async () =>
      container.exec("nfs-init check --ready").then(
        () => true,
        () => false,
      ),
    patience,
  );

/** What nginx answers to a request for a file, once that is another text than `before`. A file that is being written is empty for a moment. */
async function fetched(web: Running, file: string, before = ""): Promise<string> {
  const url = `http://localhost/${file}`;
  const fetch = `if command -v curl >/dev/null; then curl -sf ${url}; else wget -qO- ${url}; fi`;
  const answered = async () => {
    const text = await web.exec(fetch).catch(() => "");
    return text !== "" && text !== before ? text : undefined;
  };
  return eventually(`what nginx has of ${url}`, answered, patience);
}

/** The file that the API writes again and again. */
async function apiFile(storage: Running): Promise<string> {
  const find = async () => /^api-\S+$/m.exec(await storage.exec("ls /data"))?.[0];
  return eventually("the API's file", find, patience);
}

it("serves its disk to clients that were there before, and an update or a kill of its server is a pause for them", async () => {
  const device = await startDevice("device");
  const web = await startService(device, "web");
  const api = await startService(device, "api");
  await said(web, "waiting for the server");
  await said(api, "waiting for the server");

  const before = await startService(device, "storage");
  await said(before, "database system is ready to accept connections");
  await ready(before);
  const file = await apiFile(before);
  const starts = async () => Promise.all([web, api].map(async (client) => (await client.inspect()).startedMs));
  const startsBefore = await starts();
  const goesOn = async () => {
    await fetched(web, file, await fetched(web, file));
    expect(await starts()).toEqual(startsBefore);
    for (const client of [web, api]) await ready(client);
  };
  await goesOn();

  // As the supervisor does it: the old container is stopped and removed, and a new one is made.
  await before.stop(30);
  expect(await before.inspect()).toMatchObject({ running: false, exitCode: 0 });
  expect(await before.logs()).toContain("database system is shut down");
  await before.remove();
  const after = await startService(device, "storage");
  await said(after, "Skipping initialization");
  await goesOn();

  await after.kill();
  await eventually("its end", async () => !(await after.inspect()).running, patience);
  await after.startAgain();
  await goesOn();

  await api.stop(30);
  await web.stop(30);
  await after.stop(30);
});

it("has a server elsewhere by variables of the clients alone", async () => {
  const nas = await startDevice("nas");
  const there = await startService(nas, "storage");
  await said(there, "database system is ready to accept connections");
  await there.exec("mkdir /data/sub && echo elsewhere >/data/sub/index.html");

  const device = await startDevice("device");
  const dashboard = { NFS_HOST: "nas", NFS_HOST_MOUNT: "/data/sub" };
  const storage = await startService(device, "storage", dashboard);
  const web = await startService(device, "web", dashboard);
  await said(storage, "database system is ready to accept connections");
  expect(await fetched(web, "")).toBe("elsewhere");
  await web.stop(30);
  await storage.stop(30);
  await there.stop(30);
});
