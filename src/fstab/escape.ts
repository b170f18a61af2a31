// The octal escapes of fstab(5) and /proc/self/mountinfo.

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

function octal(character: string): string {
  return character.charCodeAt(0).toString(8).padStart(3, "0");
}
