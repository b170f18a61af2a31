// Mount options as mount(8) writes them: a list of words, of which the last counts.

/** Options split at their commas, empty ones left out; a comma between double quotes parts nothing (mount(8), "context="). */
export function splitOptions(text: string): readonly string[] {
  return text.match(/(?:"[^"]*"?|[^,"])+/g) ?? [];
}

/** Why a text cannot be a list of options, whatever they mean; undefined where it can. */
export function optionsProblem(text: string): string | undefined {
  if (text.startsWith("-")) return "it begins with the -o of mount(8); write the options alone";
  let isQuoted = false;
  let length = 0;
  for (const character of text) {
    if (character === '"') isQuoted = !isQuoted;
    // eslint-disable-next-line no-control-regex
    if (/[\u0000-\u0008\u000e-\u001f\u007f]/.test(character)) return "it holds a control character";
    if (!isQuoted && /\s/.test(character))
      return "it holds a blank or a line end; nothing but commas stands between options";
    const isComma = !isQuoted && character === ",";
    if (isComma && length === 0) return "one of its options is empty";
    length = isComma ? 0 : length + 1;
  }
  if (isQuoted) return "a quote in it is never closed";
  if (length === 0) return "one of its options is empty";
  return splitOptions(text).some((option) => /^[="'-]/.test(option)) ? "one of its options has no name" : undefined;
}

/** Which of `words` stands last among `options`, which is the one that counts. */
export function lastOf<Word extends string>(options: readonly string[], ...words: readonly Word[]): Word | undefined {
  const last = options.findLast((option) => words.some((word) => word === option));
  return words.find((word) => word === last);
}

/** Whether a share is mounted read-only: the last of `ro` and `rw` wins, as mount(8) and the mount call have it. */
export function isReadOnly(options: readonly string[]): boolean {
  return lastOf(options, "ro", "rw") === "ro";
}

/** The value of the last `name=value` among `options`; "" where it stands without a value. */
export function optionValue(options: readonly string[], ...names: readonly string[]): string | undefined {
  const option = options.findLast((one) => names.includes(nameOf(one)));
  return option === undefined ? undefined : option.slice(nameOf(option).length + 1);
}

/** Whether one of `names` stands among `options`, with or without a value. */
export function hasOption(options: readonly string[], ...names: readonly string[]): boolean {
  return optionValue(options, ...names) !== undefined;
}

/** The name of an option, without its value. */
export function nameOf(option: string): string {
  const equals = option.indexOf("=");
  return equals === -1 ? option : option.slice(0, equals);
}

/** What `user` and its kin imply, unless a later option says otherwise (mount(8), "user"). */
const implied: ReadonlyMap<string, readonly string[]> = new Map([
  ["user", ["noexec", "nosuid", "nodev"]],
  ["users", ["noexec", "nosuid", "nodev"]],
  ["owner", ["nosuid", "nodev"]],
  ["group", ["nosuid", "nodev"]],
]);

/** Options that are for fstab's other readers and never for the mount call. */
const notForMount = new Set(["auto", "noauto", "nofail", "fail", "_netdev", "nouser", "nousers", "noowner", "nogroup"]);

/** Options without those for fstab's readers (`noauto`, `x-...`, `comment=`), with what `user` and its kin imply. */
export function withoutFstabWords(options: readonly string[]): readonly string[] {
  return options.flatMap((option) => {
    const name = nameOf(option);
    if (notForMount.has(name) || name === "comment" || /^x-/i.test(name)) return [];
    const isTakenBack = lastOf(options, option, `no${option}`) !== option;
    return isTakenBack ? [] : (implied.get(option) ?? [option]);
  });
}
