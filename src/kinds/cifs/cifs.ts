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
  },
};
