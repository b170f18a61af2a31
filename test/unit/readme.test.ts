// README.md says what the program does: its reference is the table's, its examples are understood.
import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { withReference } from "../../scripts/reference.ts";
import { helpText } from "../../src/command-line.ts";
import { flagName, variableRows } from "../../src/config/variables.ts";

const readme = readFileSync("README.md", "utf8");

it("holds the reference that the variable table gives (npm run docs)", () => {
  expect(withReference(readme)).toBe(readme);
});

it("and --help name every variable and its flag", () => {
  const help = helpText();
  for (const variable of variableRows) {
    expect(help).toContain(`[${variable.name}]`);
    if (variable.key !== "mounts") expect(help).toContain(`--${flagName(variable)} `);
    expect(readme).toContain(`\`${variable.name}\``);
  }
});

it("lists every exit code", async () => {
  const { exitCodes } = await import("../../src/errors.ts");
  for (const code of Object.values(exitCodes).filter((one) => one > 0 && one !== exitCodes.signalBase)) {
    expect(readme).toMatch(new RegExp(String.raw`\|[^|]*\b${code}\b[^|]*\|`));
  }
});
