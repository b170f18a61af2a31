// The quick start of docs/server.md, carried out as it stands by bash and docker, but for the names of what it makes.
import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, expect, it } from "vitest";
import { eventually } from "../support/eventually.ts";
import { patience } from "./containers.ts";
import { buildAlone } from "./images.ts";

const blocks = [...readFileSync("docs/server.md", "utf8").matchAll(/^```sh\n([^]*?)^```$/gm)].map(
  ([, text = ""]) => text,
);

/** Nothing that whoever runs this may have is taken for ours. */
const names = ["shares", "files", "data", "nfs-state"] as const;
const ours = (name: string) => `nfs-init-test-${name}`;

/** The commands with names of ours for what they make, and the image that was built here. */
function renamed(block: string, image: string): string {
  const made = /(network create |--network |--name |docker exec |NFS_HOST=|-v )([\w-]+)/g;
  return block
    .replaceAll(made, (whole: string, before: string, name: string) =>
      names.some((one) => one === name) ? `${before}${ours(name)}` : whole,
    )
    .replaceAll(/ nfs-init (serve|doctor)$/gm, ` ${image} $1`);
}

/** Where there is no Docker but the lab's, its client lies beside the packages. */
const clients = resolve("node_modules/.cache/nfs-init/docker/usr/bin");

async function bash(script: string): Promise<string> {
  const PATH = existsSync(join(clients, "docker")) ? `${clients}:${process.env["PATH"]}` : process.env["PATH"];
  const { all } = await execa("bash", ["-euc", script], { all: true, env: { PATH } });
  return all;
}

let image = "";

beforeAll(async () => {
  image = await buildAlone();
});

afterAll(async () => {
  await bash(
    `docker rm -f ${ours("files")}; docker volume rm -f ${ours("data")} ${ours("nfs-state")}; docker network rm ${ours("shares")}`,
  );
});

it("the quick start of docs/server.md serves, and its last commands show that", async () => {
  const [first = "", last = ""] = [blocks[0], blocks.at(-1)].map((block) => renamed(block ?? "", image));
  for (const name of names) expect(first).toContain(ours(name));
  await bash(first);
  const isReady = async () =>
    bash(`docker exec ${ours("files")} nfs-init check --ready`)
      .then(() => true)
      .catch(() => false);
  await eventually("its being ready", isReady, patience);
  const said = await bash(last);
  expect(said).toContain("ok: 1 export served");
  expect(said).toContain(`${ours("files")}:/data would mount: nothing was found that is in the way.`);
});
