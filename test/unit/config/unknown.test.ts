import { describe, expect, test } from "vitest";
import { unknownVariableWarnings, type Distance } from "../../../src/config/unknown.ts";
import { variableRows } from "../../../src/config/variables.ts";

function manyOf(count: number): Record<string, string> {
  const names = Array.from({ length: count }, (_, index) => `NFS_HOSTX${String(index).padStart(5, "0")}`);
  return Object.fromEntries(names.map((name) => [name, "x"]));
}

/** The warnings, and how many pairs of names were compared for them. */
function warned(count: number) {
  let compared = 0;
  const distance: Distance = () => {
    compared += 1;
    return 9;
  };
  const warnings = unknownVariableWarnings(manyOf(count), false, distance);
  return { warnings, compared };
}

describe("variables that look like ours, by the thousand", () => {
  test("are compared with ours no more often than the first fifty", () => {
    const { compared } = warned(30_000);
    expect(compared).toBeGreaterThan(0);
    expect(compared).toBe(warned(50).compared);
    expect(compared).toBeLessThanOrEqual(50 * variableRows.length);
  });

  test("are named so far, and then counted", () => {
    const { warnings } = warned(30_000);
    expect(warnings).toHaveLength(51);
    expect(warnings[0]).toContain("NFS_HOSTX00000 is not a variable");
    expect(warnings.at(-1)).toMatch(/^further variables NFS_.*: 29950$/);
  });

  test("are all named where they are fifty", () => {
    expect(warned(50).warnings).toHaveLength(50);
    expect(warned(50).warnings.at(-1)).toContain("NFS_HOSTX00049");
  });
});
