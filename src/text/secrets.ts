// What gives a password away in a text from outside. Every step over the text is one pass: its length is not ours to choose.

/** Names of options that hold a secret, whatever stands in front of them: `smbpassword`. */
const passwordName = /pass(?:word|wd|phrase)?\d?$/;

/** Names that are too short or too common to be looked for inside others: the last word of an option's name. */
const secretWord = /(?:^|[._-])(?:pw\d?|pwd|creds?|credentials?|tokens?|secrets?|api[._-]?keys?)$/;

/** An account, whose value may go on with `%` and the password (smbclient(1)). */
const userWord = /(?:^|[._-])user(?:name)?$/;

/** The longest name that is looked at. */
const longestName = 40;

/** Whether `value` seems to hold a password, also in percent-encoding or octal escapes. */
export function holdsSecret(value: string): boolean {
  if (givesAway(value)) return true;
  const unescaped = value.replaceAll(/\\([0-3][0-7]{2})/g, (_, digits: string) =>
    String.fromCodePoint(Number.parseInt(digits, 8)),
  );
  if (unescaped !== value && givesAway(unescaped)) return true;
  const decoded = unescaped.replaceAll(/%([0-9a-f]{2})/gi, (_, digits: string) =>
    String.fromCodePoint(Number.parseInt(digits, 16)),
  );
  return decoded !== unescaped && givesAway(decoded);
}

/** `text` without the options that name a file of secrets (mount.cifs(8)), which its path is none of. */
export function withoutSecretFiles(text: string): string {
  return text.replaceAll(/(?<=^|[\s,"])cred(?:entials)?=\/[\w./-]*(?=[\s,;"]|$)/g, "");
}

/** `value` as it may be shown: not at all where it seems to hold a password, whose end cannot be told. */
export function redact(value: string): string {
  return holdsSecret(value) ? "***" : value;
}

function givesAway(text: string): boolean {
  if (namesSecret(text)) return true;
  // Credentials stand before an "@".
  if (!text.includes("@")) return false;
  return text.split(/[\s"'`,;=()<>]/).some(beginsWithCredentials) || text.split(/\s/).some(hasUserInfo);
}

/** `password=`, `token = `, `username=NAME%PASSWORD`. */
function namesSecret(text: string): boolean {
  for (let equals = text.indexOf("="); equals !== -1; equals = text.indexOf("=", equals + 1)) {
    let end = equals;
    // No two of these steps pass the same blanks: an "=" stands between them.
    while (end > 0 && isBlank(text.charCodeAt(end - 1))) end -= 1;
    let start = end;
    while (start > 0 && end - start < longestName && isNamePart(text.charCodeAt(start - 1))) start -= 1;
    const name = text.slice(start, end).toLowerCase();
    if (passwordName.test(name) || secretWord.test(name)) return true;
    if (userWord.test(name) && hasPercent(text, equals + 1)) return true;
  }
  return false;
}

/** Whether the value that starts at `from` has a `%` after its first character. */
function hasPercent(text: string, from: number): boolean {
  for (let index = from; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code === 0x25) return index > from;
    if (isBlank(code) || code === 0x2c || code === 0x3b || code === 0x3d) return false;
  }
  return false;
}

/** `user:password@` in front of a host. */
function beginsWithCredentials(word: string): boolean {
  const end = word.search(/[/@]/);
  if (end === -1 || word[end] !== "@") return false;
  const colon = word.indexOf(":");
  return colon > 0 && colon < end - 1;
}

/** `//user:password@host`: after a `//` that no plain `host[:port]/` follows, a colon and later an `@`. */
function hasUserInfo(word: string): boolean {
  const lastColon = word.lastIndexOf(":", word.lastIndexOf("@"));
  if (lastColon === -1 || !word.includes("@")) return false;
  for (let slashes = word.indexOf("//"); slashes !== -1; slashes = word.indexOf("//", slashes + 1)) {
    const start = slashes + 2;
    if (start > lastColon) return false;
    const slash = word.indexOf("/", start);
    // The next search starts before `slash` at the earliest: no part is looked at twice.
    const isPlain = slash !== -1 && /^(?:\[[^\]]*\]|[^:@]+)(?::\d+)?$/.test(word.slice(start, slash));
    if (!isPlain) return true;
  }
  return false;
}

function isBlank(code: number): boolean {
  return code === 0x20 || (code >= 0x09 && code <= 0x0d) || code === 0xa0;
}

/** Letters, digits, `.`, `_` and `-`. */
function isNamePart(code: number): boolean {
  return (
    (code >= 0x30 && code <= 0x39) ||
    (code >= 0x41 && code <= 0x5a) ||
    (code >= 0x61 && code <= 0x7a) ||
    code === 0x5f ||
    code === 0x2d ||
    code === 0x2e
  );
}
