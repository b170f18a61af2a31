// The files that say who a share is mounted as: `username=`, `password=` and `domain=`, a line each, as mount.cifs(8) has it; or a password alone.
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

/** What a file says whose first line is a password, and blanks of it; undefined where that is empty. */
export function parsePassword(text: string): ReadonlyMap<string, Secret> | undefined {
  const [password = ""] = text.split(/\r?\n/, 1);
  return password === "" ? undefined : new Map([["password", secretOf(password)]]);
}
