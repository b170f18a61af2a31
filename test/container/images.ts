// Builds the images of this project under the Docker that is at hand: the Dockerfiles around the executables in dist, and an NFS server.
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { GenericContainer, getContainerRuntimeClient, ImageName } from "testcontainers";

const project = join(import.meta.dirname, "../..");

/** What the images are made from. Where no registry can be reached, images that are there already. */
const bases = {
  ubuntu: process.env["TEST_BASE_UBUNTU"] ?? "ubuntu:24.04",
  server: process.env["TEST_BASE_SERVER"] ?? "debian:bookworm-slim",
  alpine: process.env["TEST_BASE_ALPINE"] ?? "nginx:stable-alpine",
};

/** What stand-ins for the bases of the examples' services are made from, where those cannot be had. */
const standIn = process.env["TEST_BASE_STAND_IN"];

export type ClientImage = "ubuntu" | "alpine";

/** Those that are built and run here. */
export const clientImages: readonly ClientImage[] = bases.alpine === "none" ? ["ubuntu"] : ["ubuntu", "alpine"];

/** The executable that the images are made of, a path from the project. */
function findExecutable(): string {
  const executable = `dist/nfs-init-linux-${process.arch}`;
  if (!existsSync(join(project, executable))) throw new Error(`there is no ${executable}: npm run build:all`);
  return executable;
}

/** Builds the image of Dockerfile.NAME, on another base where one is named. Returns its name. */
export async function buildClient(
  name: ClientImage,
  {
    base = bases[name],
    name: image = `nfs-init-test-${name}`,
  }: { readonly base?: string; readonly name?: string } = {},
): Promise<string> {
  const executable = findExecutable();
  // A folder with what the build needs and no more: the whole context goes over the wire.
  const context = mkdtempSync(join(tmpdir(), "nfs-init-context-"));
  try {
    mkdirSync(join(context, "dist"));
    for (const file of [executable, ".dockerignore", `Dockerfile.${name}`]) {
      copyFileSync(join(project, file), join(context, file));
    }
    await GenericContainer.fromDockerfile(context, `Dockerfile.${name}`)
      .withBuildkit()
      .withBuildArgs({ BASE: base, BINARY: "dist" })
      .build(image, { deleteOnExit: false });
    return image;
  } finally {
    rmSync(context, { recursive: true });
  }
}

/** Builds the image of the one file, by Dockerfile. Returns its name. */
export async function buildAlone(): Promise<string> {
  const executable = findExecutable();
  const image = "nfs-init-test-alone";
  const context = mkdtempSync(join(tmpdir(), "nfs-init-context-"));
  try {
    mkdirSync(join(context, "dist"));
    for (const file of [executable, ".dockerignore", "Dockerfile"])
      copyFileSync(join(project, file), join(context, file));
    await GenericContainer.fromDockerfile(context)
      .withBuildkit()
      .withBuildArgs({ BINARY: "dist" })
      .build(image, { deleteOnExit: false });
    return image;
  } finally {
    rmSync(context, { recursive: true });
  }
}

/** Builds a service of an example: `folder` holds its Dockerfile, beside which the executable is put. Returns the image's name. */
export async function buildService(folder: string): Promise<string> {
  const base = await buildStandIn();
  const context = mkdtempSync(join(tmpdir(), "nfs-init-context-"));
  try {
    cpSync(join(project, folder), context, { recursive: true });
    copyFileSync(join(project, findExecutable()), join(context, "nfs-init"));
    const dockerfile = readFileSync(join(context, "Dockerfile"), "utf8");
    if (base !== undefined)
      writeFileSync(join(context, "Dockerfile"), dockerfile.replace(/^FROM .*$/m, `FROM ${base}`));
    const image = `nfs-init-test-${basename(folder)}`;
    await GenericContainer.fromDockerfile(context).withBuildkit().build(image, { deleteOnExit: false });
    return image;
  } finally {
    rmSync(context, { recursive: true });
  }
}

/** Builds the stand-in for the bases of the examples; undefined where those themselves can be had. */
export async function buildStandIn(): Promise<string | undefined> {
  if (standIn === undefined) return undefined;
  const image = "nfs-init-test-stand-in";
  await GenericContainer.fromDockerfile(join(import.meta.dirname, "stand-in"))
    .withBuildkit()
    .withBuildArgs({ BASE: standIn })
    .build(image, { deleteOnExit: false });
  return image;
}

/** What `image`, built by Dockerfile.NAME, adds to its base, as `docker image inspect` counts, and how large the executable is. */
export async function measureClient(
  name: ClientImage,
  image: string,
): Promise<{ readonly addedBytes: number; readonly executableBytes: number }> {
  const context = mkdtempSync(join(tmpdir(), "nfs-init-context-"));
  const base = `nfs-init-test-${name}-base`;
  try {
    // An image of its own, because a builder may keep the base where no inspection sees it.
    writeFileSync(join(context, "Dockerfile"), "ARG BASE\nFROM ${BASE}\nUSER root\n");
    await GenericContainer.fromDockerfile(context)
      .withBuildkit()
      .withBuildArgs({ BASE: bases[name] })
      .build(base, { deleteOnExit: false });
  } finally {
    rmSync(context, { recursive: true });
  }
  const client = await getContainerRuntimeClient();
  const sizeOf = async (one: string) => (await client.image.inspect(ImageName.fromString(one))).Size;
  return {
    addedBytes: (await sizeOf(image)) - (await sizeOf(base)),
    executableBytes: statSync(join(project, findExecutable())).size,
  };
}

/** Builds an NFS server of Debian's nfs-utils. Returns the image's name. */
export async function buildServer(): Promise<string> {
  const context = mkdtempSync(join(tmpdir(), "nfs-init-context-"));
  try {
    cpSync(join(import.meta.dirname, "server"), context, { recursive: true });
    const image = "nfs-init-test-server";
    await GenericContainer.fromDockerfile(context)
      .withBuildkit()
      .withBuildArgs({ BASE: bases.server })
      .build(image, { deleteOnExit: false });
    return image;
  } finally {
    rmSync(context, { recursive: true });
  }
}
