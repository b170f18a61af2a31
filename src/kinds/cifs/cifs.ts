// CIFS as a kind of share: its sources, options and versions, and how a mount of it is known.
import type { ShareKind } from "../kind.ts";
import { defaultOptions, optionsProblem, planOptions, withAccount } from "./options.ts";
import { explainServer, formatSource, isCifsSource, parseServer, parseSource } from "./source.ts";
import { agreeOnVersion } from "./versions.ts";

export const cifs: ShareKind = {
  hasVariables: false,
  sources: {
    accepts: "//host/share[/path]",
    isMeant: isCifsSource,
    parse: parseSource,
    format: formatSource,
    host: parseServer,
    explainHost: explainServer,
  },
  options: { defaults: defaultOptions, withAccount, problem: optionsProblem, plan: planOptions },
  versions: {
    byType: new Map([
      ["cifs", "auto"],
      ["smb3", "auto"],
    ]),
    agree: agreeOnVersion,
  },
  mounts: {
    fstype: "cifs",
    isMounted: ({ fstype }) => fstype === "cifs" || fstype === "smb3",
    isOf: (mount, source) => mount.source === formatSource(source),
    // Of statfs(2), once the connection was lost: the server takes the password no longer, or no longer has the share. Each call tries
    // again, so that the mount answers when that is mended; a fresh one has a password that was changed.
    silence: ["EACCES", "ENOENT"],
  },
};
