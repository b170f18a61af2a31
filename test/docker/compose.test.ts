// The driver of volumes under Compose, with the example's file.
import { existsSync, renameSync } from "node:fs";
import { afterEach, beforeAll, expect, it } from "vitest";
import { execa } from "execa";
import { fetchPinned } from "../../scripts/debian/pinned.ts";
import { server } from "../support/box.ts";
import { dockerMachine } from "./machine.ts";

const { lab, sh, growing, cleared } = dockerMachine();

/** Compose as Debian trixie has it; it needs nothing but a C library. */
const compose = {
  path: "pool/main/d/docker-compose/docker-compose_2.26.1-4_amd64.deb",
  sha256: "47681197cb2b1ab88206b42a1a92fc75f50d9530a6322d03494a473eed0408ea",
};
const cache = "node_modules/.cache/nfs-init";
const files = "-f /lab/project/examples/docker-volumes/compose.yaml -f /tmp/here.yaml";
const run = `/lab/project/${cache}/docker-compose/usr/libexec/docker/cli-plugins/docker-compose ${files}`;
/** Of the example only what is not here: its images, a network, its server. */
const here = {
  services: Object.fromEntries(
    ["writer", "reader"].map((name) => [name, { image: "lab", network_mode: "none", stop_signal: "KILL" }]),
  ),
  volumes: Object.fromEntries(["data", "own"].map((name) => [name, { driver_opts: { share: `${server}:/srv/exp` } }])),
};

afterEach(cleared);
beforeAll(async () => {
  const folder = `${cache}/docker-compose`;
  if (!existsSync(folder)) {
    await execa("dpkg-deb", ["-x", await fetchPinned(compose, `${cache}/fetched`), `${folder}.new`]);
    renameSync(`${folder}.new`, folder);
  }
  await sh(`plugin_up
echo '${JSON.stringify(here)}' >/tmp/here.yaml`);
});

it("makes the volumes of a file, has its services write to them, and keeps them until it is told otherwise", async () => {
  await sh(`${run} up -d`);
  const volumes = "nfs-init-volumes-example_data\nnfs-init-volumes-example_own";
  expect(await sh("docker volume ls -q")).toBe(volumes);
  expect(await sh("references nfs-init-volumes-example_data; mounts")).toBe("3\n2");
  const writers = (await sh("docker ps -q --filter name=writer")).split("\n");
  expect(writers).toHaveLength(2);
  for (const writer of writers) await growing(`${writer}.log`);
  await growing("example/own/all");
  expect(await lab().sh("in_ srv stat -c %u:%g /srv/exp/example/own /srv/exp/example/own/all")).toBe(
    "1000:1000\n1000:1000",
  );
  await sh(`${run} down`);
  expect(await sh("docker volume ls -q; mounts")).toBe(`${volumes}\n0`);
  await sh(`${run} down -v`);
  expect(await sh("docker volume ls -q")).toBe("");
  await lab().sh("in_ srv cat /srv/exp/example/own/all");
});
