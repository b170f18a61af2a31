// A value that no formatter can print: neither a template, nor JSON, nor a log shows what is in it.

/** A password or a key. */
export interface Secret {
  /** The value itself, for the one call that needs it. */
  readonly reveal: () => string;
  /** What stands for it in any text. */
  readonly toString: () => string;
}

/** What is shown in its place. */
const hidden = "***";

/** Takes a value out of sight: it is only in the closure, which JSON and templates do not enter. */
export function secretOf(value: string): Secret {
  return { reveal: () => value, toString: () => hidden };
}
