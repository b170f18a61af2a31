// The protocol versions of SMB: how mount.cifs(8) writes them, and what options say of them.
import { nameOf } from "../../shares/options.ts";
import type { AgreedVersion, StatedVersion } from "../kind.ts";

/** Those the kernel knows, except for version 1, which asks for no negotiation that could be awaited. */
const versions = ["2.0", "2.1", "3", "3.0", "3.02", "3.1.1"] as const;

/** Other words for the same (fs/smb/client/fs_context.c). */
const otherWords: ReadonlyMap<string, string> = new Map([
  ["default", "auto"],
  ["3.0.2", "3.02"],
  ["3.11", "3.1.1"],
]);

/** The version that the options name, which alone may do so. */
export function agreeOnVersion(
  stated: readonly StatedVersion[],
  { options }: { readonly options: readonly string[] },
): AgreedVersion {
  const named = options.filter((option) => nameOf(option) === "vers").map((option) => option.slice("vers=".length));
  const read = new Set(named.map((text) => otherWords.get(text) ?? text));
  const [version = "auto", other] = read;
  if (other !== undefined) return { kind: "bad-options", problem: `they name several versions (${named.join(", ")})` };
  if (version === "1.0") return { kind: "bad-options", problem: "version 1 of SMB is not safe, and not supported" };
  if (version !== "auto" && !versions.some((one) => one === version)) {
    return { kind: "bad-options", problem: `they name version ${version}; accepted are ${versions.join(", ")}` };
  }
  const contrary = stated.find((one) => one.version !== "auto");
  if (contrary === undefined) return { kind: "version", version };
  return { kind: "contradiction", problem: `version ${contrary.version} of ${contrary.name} is none of SMB` };
}
