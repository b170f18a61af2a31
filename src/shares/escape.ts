// The octal escapes of fstab(5) and /proc/self/mountinfo.
import { decodeText } from "../text/encoding.ts";

/** `field` as it stands in an fstab line: blanks, newlines and backslashes as three octal digits, a leading '#' too. */
export function escapeField(field: string): string {
  return field.replaceAll(/[\\ \t\n\r]/g, (character) => `\\${octal(character)}`).replace(/^#/, String.raw`\043`);
}

/** The text an escaped field stands for; anything that is not an octal byte up to \177 stays as it is. */
export function unescapeField(field: string): string {
  return field.includes("\\")
    ? field.replaceAll(/\\([01][0-7]{2})/g, (_, digits: string) => String.fromCodePoint(Number.parseInt(digits, 8)))
    : field;
}

/** The text a field stands for that somebody wrote by hand: any octal byte, those of UTF-8 beyond ASCII too (libmount reads it so). */
export function decodeField(field: string): string {
  if (!/\\[23][0-7]{2}/.test(field)) return unescapeField(field);
  const encoder = new TextEncoder();
  const bytes = field
    .split(/(\\[0-3][0-7]{2})/)
    .flatMap((part) => (/^\\[0-3]/.test(part) ? [Number.parseInt(part.slice(1), 8)] : [...encoder.encode(part)]));
  return decodeText(Uint8Array.from(bytes));
}

function octal(character: string): string {
  return character.charCodeAt(0).toString(8).padStart(3, "0");
}
