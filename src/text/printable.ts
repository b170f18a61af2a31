// Words of others as they may be shown on a terminal, in one line: what is said goes through here, wherever it goes to.

/** Control characters (C0, DEL, C1), format characters (those that turn the direction of writing, or are not seen), line ends. */
const unprintable = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

/** Almost every text, and told at a tenth of what the search above costs. */
const plain = /^[\x20-\x7e]*$/;

/** `text` without characters that steer a terminal or hide what is there: each as the escape of JSON. */
export function printable(text: string): string {
  if (plain.test(text)) return text;
  return text.replaceAll(unprintable, (character) =>
    Array.from({ length: character.length }, (_, index) => escapeOf(character.charCodeAt(index))).join(""),
  );
}

function escapeOf(unit: number): string {
  return `\\u${unit.toString(16).padStart(4, "0")}`;
}

/** `value` as JSON that can be shown and means the same: JSON.stringify(3) leaves DEL, C1 and format characters as they are. */
export function printableJson(value: unknown, indent?: number): string {
  return JSON.stringify(value, undefined, indent).split("\n").map(printable).join("\n");
}
