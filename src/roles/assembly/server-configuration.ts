// The configuration of a server: read for serve and for doctor, with its problems and warnings told.
import { readConfig, type Config } from "../../config/config.ts";
import { readExports, type ExportConfig } from "../../config/exports.ts";
import { withServerAliases } from "../../config/server-aliases.ts";
import { meansShares } from "../../config/share-names.ts";
import { readText } from "../../host/small-files.ts";
import { WrongConfiguration, type Frame } from "./frame.ts";

/** Throws WrongConfiguration with every problem at once. */
export function readServerConfiguration({ log, environment: given, invocation }: Frame): {
  readonly config: Config;
  readonly exports: ExportConfig;
} {
  const accounts = () => ({ passwd: readText("/etc/passwd") ?? "", group: readText("/etc/group") ?? "" });
  // Shares are another role's: what is set for them is not looked at.
  const environment = withServerAliases(
    Object.fromEntries(Object.entries(given).filter(([name]) => !meansShares(name))),
  );
  const read = readConfig(environment, invocation.flags, { canRestart: false, isServer: true, accounts });
  const exports = readExports(environment, invocation.flags, { accounts, readText });
  const config = read.kind === "config" ? read.config : read.rest;
  for (const reason of config.warnings) log("warn", "configuration", { stage: "config", reason });
  const problems = [
    ...(read.kind === "problems" ? read.problems : []),
    ...(exports.kind === "problems" ? exports.problems : []),
  ];
  if (problems.length > 0 || exports.kind === "problems") throw new WrongConfiguration([...new Set(problems)]);
  return { config, exports: exports.exports };
}
