// Makes dist/plugin, the folder that `docker plugin create nfs-init dist/plugin` takes: config.json, and the executable as the only file of its root.
// With the name of a platform (linux-arm64) around that one's executable, which build:all has made; otherwise around this machine's.
import { chmodSync, copyFileSync, existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { pluginConfig } from "./plugin/config.ts";
import { executableName, targets } from "./release/targets.ts";

const folder = "dist/plugin";
const [name] = process.argv.slice(2);
const target = targets.find((one) => one.name === name);
if (name !== undefined && target === undefined) {
  console.error(`no such platform: ${name}; there are ${targets.map((one) => one.name).join(", ")}`);
  process.exit(64);
}
const executable = `dist/${target === undefined ? "nfs-init" : executableName(target)}`;
if (!existsSync(executable)) throw new Error(`there is no ${executable}: npm run build:all`);

rmSync(folder, { recursive: true, force: true });
mkdirSync(`${folder}/rootfs`, { recursive: true });
copyFileSync(executable, `${folder}/rootfs/nfs-init`);
chmodSync(`${folder}/rootfs/nfs-init`, 0o755);
writeFileSync(`${folder}/config.json`, `${JSON.stringify(pluginConfig(), undefined, 2)}\n`);
console.log(folder);
