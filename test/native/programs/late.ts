// Imported late by a case.
let calls = 0;
export const loaded = 1;
export function count(): number {
  return ++calls;
}
