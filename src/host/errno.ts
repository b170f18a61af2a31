// Names of error numbers.
import { constants } from "node:os";

/** The name of an errno (`ENOENT`), or its number where it has none. */
export function errnoName(number: number): string {
  return Object.entries(constants.errno).find(([, value]) => value === number)?.[0] ?? `errno ${number}`;
}
