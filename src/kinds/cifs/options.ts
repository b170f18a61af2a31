// Mount options as mount.cifs(8) writes them: those that cannot be, and who the share is mounted as.
import { hasOption, nameOf, optionValue } from "../../shares/options.ts";
import type { Account, PlannedOptions } from "../kind.ts";

/** Those of a share that names none: the kernel's own default gives up on a server that restarts, and tells the writer of an error. */
export const defaultOptions: readonly string[] = ["hard"];

/** Ways to say who the share is mounted as. */
const credentialsNames = ["credentials", "cred"] as const;
const userNames = ["username", "user"] as const;
const domainNames = ["domain", "dom", "workgroup"] as const;

/** Names a file whose first line is the password. mount.cifs(8) has no option for one: fstab's other readers pass over this. */
const passwordFileName = "x-nfs-init.password-file";

/** The file that holds user, password and domain; undefined where the options name none. */
export function credentialsFile(options: readonly string[]): string | undefined {
  return optionValue(options, ...credentialsNames);
}

/** The file whose first line is the password; undefined where the options name none. */
export function passwordFile(options: readonly string[]): string | undefined {
  return optionValue(options, passwordFileName);
}

/** Whether options say who the share is mounted as without a user's name: by a file, a ticket, or that it is nobody. */
function saysWho(options: readonly string[]): boolean {
  const security = optionValue(options, "sec") ?? "";
  return security.startsWith("krb5") || security === "none" || hasOption(options, "guest", ...credentialsNames);
}

/** Options with the user that the variables tell, piece by piece, unless they say themselves that it is somebody else. */
export function withAccount(options: readonly string[], account: Account): readonly string[] {
  if (saysWho(options)) return options;
  const pieces = [
    [userNames, account.username],
    [domainNames, account.domain],
    [[passwordFileName], account.passwordFile],
  ] as const;
  const missing = pieces.filter(([names, value]) => value !== undefined && !hasOption(options, ...names));
  return [...options, ...missing.map(([[name], value]) => `${name}=${value}`)];
}

/** Whether an option is for whoever makes the call, and not for the kernel. */
export function isForCaller(option: string): boolean {
  const name = nameOf(option);
  return name === "guest" || name === "vers" || credentialsNames.some((one) => one === name);
}

/** Why a share cannot be mounted with such options; undefined where it may be. */
export function optionsProblem(options: readonly string[]): string | undefined {
  const own = options.find((option) => ["ip", "addr", "unc", "source"].includes(nameOf(option)));
  if (own !== undefined) return `${nameOf(own)}= is found by nfs-init, from the source; remove it`;
  const password = options.find((option) => /^pass(?:word)?2?$/.test(nameOf(option)));
  if (password !== undefined) {
    return "a password would be seen by everybody; write it to a file, which NFS_PASSWORD_FILE or the option credentials names";
  }
  const files = [...credentialsNames, passwordFileName].filter((name) => hasOption(options, name));
  const relative = files.find((name) => optionValue(options, name)?.startsWith("/") !== true);
  if (relative !== undefined) return `${relative} is the absolute path of a file`;
  if (saysWho(options) || hasOption(options, ...userNames)) return undefined;
  return files.length > 0
    ? "there is a password, and nobody whose it is; set NFS_USERNAME"
    : "they do not say who the share is mounted as; set NFS_USERNAME and NFS_PASSWORD_FILE, add the option credentials with a file that names both, or guest where the server asks for nobody";
}

/** Brings options into the form of the fstab line, with an explicit version last. */
export function planOptions(options: readonly string[], version: string): PlannedOptions {
  const kept = options.filter((option) => nameOf(option) !== "vers");
  return { options: version === "auto" ? kept : [...kept, `vers=${version}`], warnings: [] };
}
