// The file that says who a share is mounted as, as mount.cifs(8) has it: `username=`, `password=` and `domain=`, a line each.
import { secretOf, type Secret } from "../../text/secret.ts";

/** The words of such a file, and what the kernel calls each. */
const words: ReadonlyMap<string, string> = new Map([
  ["username", "username"],
  ["user", "username"],
  ["password", "password"],
  ["pass", "password"],
  ["password2", "password2"],
  ["pass2", "password2"],
  ["domain", "domain"],
  ["dom", "domain"],
  ["workgroup", "domain"],
]);

/** What a file says, by the kernel's names; undefined where it names nobody. Blanks in front of a line count for nothing, all others for themselves. */
export function parseCredentials(text: string): ReadonlyMap<string, Secret> | undefined {
  const found = new Map<string, Secret>();
  for (const line of text.split(/\r?\n/)) {
    const [, word = "", value = ""] = /^[\t ]*([a-z0-9]+)[\t ]*=(.*)$/s.exec(line) ?? [];
    const name = words.get(word);
    if (name !== undefined) found.set(name, secretOf(value));
  }
  return found.has("username") ? found : undefined;
}
