// The page about moving over: what it says of other tools' variables and options is what nfs-init makes of them.
import { describe, expect, it } from "vitest";
import { noFlags, readConfig } from "../../src/config/config.ts";
import { readExports } from "../../src/config/exports.ts";
import { withServerAliases } from "../../src/config/server-aliases.ts";
import { readVolume } from "../../src/volumes/options.ts";
import { textOf } from "./uses.ts";

const page = "docs/moving-over.md";

interface Row {
  /** The heading it stands below. */
  readonly section: string;
  readonly there: readonly string[];
  readonly here: readonly string[];
}

/** The rows of every table, each cell as what is set as code in it. */
const rows: readonly Row[] = textOf(page)
  .split(/^#+ /m)
  .flatMap((part) => {
    const [section = "", ...lines] = part.split("\n");
    return lines
      .filter((line) => line.startsWith("| ") && !line.startsWith("| there ") && !line.startsWith("| ---"))
      .map((line) => {
        const [, there = "", here = ""] = line.split(/ ?\| ?/);
        return { section, there: codeIn(there), here: codeIn(here) };
      });
  });

function codeIn(cell: string): readonly string[] {
  return [...cell.matchAll(/`([^`]+)`/g)].map(([, code = ""]) => code);
}

const isSetting = (code: string) => /^[A-Z][A-Z0-9_]*=/.test(code);

/** `NAME="value"` as a shell has it. */
function environmentOf(codes: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(
    codes.map((code) => {
      const [name = "", value = ""] = code.split(/=(.*)/s);
      return [name, value.replaceAll(/^"|"$/g, "")];
    }),
  );
}

const sources = { accounts: () => ({ passwd: "", group: "" }), readText: () => undefined };

/** What a server would serve, without where that was set. */
function served(environment: Readonly<Record<string, string | undefined>>): unknown {
  const result = readExports(environment, noFlags, sources);
  if (result.kind === "problems") throw new Error(result.problems.join("; "));
  const { table, preparations, server } = result.exports;
  return {
    exports: table.exports.map(({ path, rules }) => ({ path, rules })),
    preparations: preparations.map(({ origin: _origin, ...rest }) => rest),
    server,
  };
}

const servers = rows.filter(
  ({ section, there, here }) => !section.startsWith("From ") && [...there, ...here].every(isSetting) && here.length > 0,
);

it("has rows of four images that serve", () => {
  expect(new Set(servers.map(({ section }) => section)).size).toBe(4);
});

describe.each(servers)("$section: $there", ({ there, here }) => {
  it("means what stands beside it", () => {
    const theirs = withServerAliases(environmentOf(there));
    expect(served(theirs)).toEqual(served(environmentOf(here)));
  });

  it("gives no warning, and neither does ours", () => {
    for (const environment of [withServerAliases(environmentOf(there)), environmentOf(here)]) {
      const read = readConfig(environment, noFlags, { isServer: true });
      expect(read).toEqual({ kind: "config", config: expect.objectContaining({ warnings: [] }) as unknown });
    }
  });
});

const volumes = rows
  .filter(({ section }) => section === "From docker-volume-netshare")
  .flatMap(({ there, here }) => [...there, ...here])
  .filter((code) => code.startsWith("-o "));

it("has options of volumes", () => {
  expect(volumes.length).toBeGreaterThan(3);
});

it.each(volumes)("a volume of nfs-init takes `%s`", (code) => {
  const options = Object.fromEntries(
    code
      .slice("-o ".length)
      .split(" -o ")
      .map((one) => one.split(/=(.*)/s)),
  );
  const share = { share: "nas:/export", ...(options as Readonly<Record<string, string>>) };
  expect(readVolume("data", share, undefined)).not.toHaveProperty("problem");
});

it.each(["nas/export/data", "fs-0123abcd"])("a volume that is called %s says where it is", (name) => {
  expect(textOf(page)).toContain(`\`${name}\``);
  expect(readVolume(name, {}, undefined)).not.toHaveProperty("problem");
});
