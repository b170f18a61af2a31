// Variables of other images that serve NFS, as ours: their settings move over as they are.
import type { Environment } from "./config.ts";

/** Those that mean one of ours word for word. */
const sameMeaning: Readonly<Record<string, string>> = {
  NFS_EXPORT_DIR: "NFS_EXPORT",
  CLIENT_IPS: "NFS_EXPORT_CLIENTS",
  MOUNTD_PORT: "NFS_MOUNTD_PORT",
  LOCKD_PORT: "NFS_LOCKD_PORT",
};

/** `environment` with our names for theirs. What is set under our name stays. */
export function withServerAliases(environment: Environment): Environment {
  const result: Record<string, string | undefined> = { ...environment };
  const value = (name: string) => {
    const text = environment[name]?.trim();
    return text === "" ? undefined : text;
  };
  const set = (name: string, text: string | undefined) => {
    if (text !== undefined && value(name) === undefined) result[name] = text;
  };
  for (const [theirs, ours] of Object.entries(sameMeaning)) {
    set(ours, value(theirs));
    delete result[theirs];
  }
  // EXPORT_OPTS is what stands behind the directory in exports(5), or options alone.
  const folder = value("EXPORT_FOLDER");
  const options = value("EXPORT_OPTS");
  if (folder !== undefined && options?.includes("(") === true) {
    if (value("NFS_EXPORT") === undefined) addLine(result, `${folder} ${options}`);
  } else {
    set("NFS_EXPORT", folder);
    if (folder !== undefined) set("NFS_EXPORT_OPTIONS", options);
  }
  const shared = value("SHARED_DIRECTORY");
  if (shared !== undefined) {
    const words = [value("READ_ONLY") === undefined ? "rw" : "ro", value("SYNC") === undefined ? "async" : "sync"];
    const both = [...words, "insecure", "no_root_squash"].join(",");
    set("NFS_EXPORT", shared);
    set("NFS_EXPORT_OPTIONS", `${both},fsid=0`);
    set("NFS_EXPORT_CLIENTS", value("PERMITTED") ?? "*");
    const second = value("SHARED_DIRECTORY_2");
    set("NFS_2_EXPORT", second);
    if (second !== undefined) set("NFS_2_EXPORT_OPTIONS", both);
  }
  const address = value("VIP");
  if (address !== undefined) {
    const prefix = address.includes("/") ? "" : address.includes(":") ? "/128" : "/32";
    const card = value("NIC_NAME");
    set("NFS_SERVER_VIP", `${address}${prefix}${card === undefined ? "" : `@${card}`}`);
  }
  const lines = Object.keys(environment)
    .filter((name) => /^NFS_EXPORT_\d{1,15}$/.test(name))
    .toSorted((one, other) => Number(one.slice(11)) - Number(other.slice(11)));
  for (const name of lines) {
    const line = value(name);
    if (line !== undefined) addLine(result, line);
    delete result[name];
  }
  // A Service of Kubernetes that is called nfs-server, or mountd, sets it to an address in every container.
  const portNames = ["NFS_SERVER_PORT", "NFS_MOUNTD_PORT", "NFS_LOCKD_PORT", "NFS_STATD_PORT"];
  for (const name of portNames) if (/^[a-z]+:\/\//.test(result[name] ?? "")) delete result[name];
  return result;
}

function addLine(environment: Record<string, string | undefined>, line: string): void {
  environment["NFS_EXPORTS"] = [environment["NFS_EXPORTS"], line].filter((one) => one !== undefined).join("\n");
}
