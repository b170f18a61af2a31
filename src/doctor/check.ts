// A line of doctor's page: what was looked at, what was found, and what to do where it is wrong.

export type CheckStatus = "ok" | "warning" | "fails" | "not-applicable";

export interface Check {
  /** What was looked at: `CAP_SYS_ADMIN`, `port of 10.0.0.2`. */
  readonly name: string;
  readonly status: CheckStatus;
  /** What was found. */
  readonly fact: string;
  /** What to do; only where it is not in order. */
  readonly next?: string;
}

export function ok(name: string, fact: string): Check {
  return { name, status: "ok", fact };
}

export function notApplicable(name: string, fact: string): Check {
  return { name, status: "not-applicable", fact };
}

export function warning(name: string, fact: string, next?: string): Check {
  return { name, status: "warning", fact, ...(next === undefined ? {} : { next }) };
}

export function fails(name: string, fact: string, next?: string): Check {
  return { name, status: "fails", fact, ...(next === undefined ? {} : { next }) };
}
