// COMMAND as it was given, and what it is to be: its user, its rights, its limits.
import * as native from "native";
import type { Config } from "../../config/config.ts";
import { holdsSecret, withoutSecretFiles } from "../../text/secrets.ts";
import { variables } from "../../config/variables.ts";
import { AppError, exitCodes } from "../../errors.ts";
import { ownRights } from "../../host/process-facts.ts";
import { commandArgv, type Command } from "../../init/command.ts";
import type { Handover } from "../../init/handover.ts";
import { missingCapability, withHome } from "../../init/identity.ts";
import type { Frame } from "./frame.ts";

/** What of a configuration is about COMMAND. */
type AboutCommand = {
  readonly settings: Pick<Config["settings"], "dropCaps" | "umask" | "nofile">;
  readonly identity: Config["identity"];
};

/** COMMAND, and what it is to be. Throws AppError 78 where it cannot be made that. */
export function commandOf(
  frame: Frame,
  about: AboutCommand,
): { readonly command: Command; readonly handover: Handover } {
  checkHandover(about);
  const { given, invocation, inheritedUmask } = frame;
  const { settings, identity } = about;
  const { dropCaps, nofile, umask = inheritedUmask } = settings;
  const argv = commandArgv(invocation.command, native.argv());
  // No secret of our configuration reaches it.
  const kept = given.filter((entry) => !isSecret(entry));
  const env = identity === undefined ? kept : withHome(kept, identity);
  return { command: { argv, env }, handover: { identity, dropCaps, umask, nofile } };
}

/** Whether an entry of the environment is a variable that may be ours, and holds a secret. */
function isSecret(entry: Uint8Array): boolean {
  const text = native.decodeUtf8(entry);
  return text.startsWith("NFS_") && holdsSecret(withoutSecretFiles(text.slice(text.indexOf("=") + 1)));
}

/** Whether COMMAND can be made what it is to be is known before anything is touched. */
function checkHandover({ settings: { dropCaps }, identity }: AboutCommand): void {
  if (identity === undefined && !dropCaps) return;
  const missing = missingCapability(ownRights(), identity, dropCaps);
  if (missing === undefined) return;
  const [name, what] =
    missing === "CAP_SETPCAP"
      ? [variables.dropCaps.name, "capabilities cannot be dropped"]
      : [variables.user.name, `the process cannot become uid ${identity?.uid} gid ${identity?.gid}`];
  throw new AppError(`${name}: ${what}, nfs-init lacks ${missing}`, exitCodes.config, {
    hint: `start nfs-init as root with ${missing} (cap_add), or leave ${name} unset${missing === "CAP_SETPCAP" ? " or off" : ""}`,
  });
}
