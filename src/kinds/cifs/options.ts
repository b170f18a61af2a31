// Mount options as mount.cifs(8) writes them: those that cannot be, and who the share is mounted as.
import { hasOption, nameOf, optionValue } from "../../shares/options.ts";
import type { PlannedOptions } from "../kind.ts";

/** Those of a share that names none: the kernel's own default gives up on a server that restarts, and tells the writer of an error. */
export const defaultOptions: readonly string[] = ["hard"];

/** Ways to say who the share is mounted as. */
const credentialsNames = ["credentials", "cred"] as const;
const userNames = ["username", "user"] as const;

/** The file that holds user, password and domain; undefined where the options name none. */
export function credentialsFile(options: readonly string[]): string | undefined {
  return optionValue(options, ...credentialsNames);
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
  if (password !== undefined) return "a password would be seen by everybody; write it to a file, and credentials=FILE";
  const file = credentialsFile(options);
  if (file !== undefined && !file.startsWith("/")) return "credentials= is the absolute path of a file";
  const usesKerberos = (optionValue(options, "sec") ?? "").startsWith("krb5");
  if (file !== undefined || usesKerberos || hasOption(options, "guest", ...userNames)) return undefined;
  return optionValue(options, "sec") === "none"
    ? undefined
    : "they do not say who the share is mounted as; add credentials=FILE, or guest where the server asks for nobody";
}

/** Brings options into the form of the fstab line, with an explicit version last. */
export function planOptions(options: readonly string[], version: string): PlannedOptions {
  const kept = options.filter((option) => nameOf(option) !== "vers");
  return { options: version === "auto" ? kept : [...kept, `vers=${version}`], warnings: [] };
}
