// What `npm ci` says of the packages: nothing, with every Node and npm that package.json names.
import { subset } from "semver";
import { expect, it } from "vitest";
import locked from "../../package-lock.json" with { type: "json" };
import own from "../../package.json" with { type: "json" };

interface LockedPackage {
  readonly version?: string;
  readonly optional?: boolean;
  readonly engines?: unknown;
  readonly bin?: Readonly<Record<string, string>>;
}

/** What a package asks for; some old ones ask in words, which npm does not read. */
function asked(engines: unknown, of: "node" | "npm"): string {
  const asks = typeof engines === "object" && engines !== null ? (engines as Record<string, unknown>)[of] : undefined;
  return typeof asks === "string" ? asks : "*";
}

it.each(["node", "npm"] as const)("every package takes each %s that this one takes", (of) => {
  const packages = Object.entries<LockedPackage>(locked.packages);
  const narrower = packages.filter(
    ([, { optional, engines }]) => optional !== true && !subset(own.engines[of], asked(engines, of)),
  );
  expect(narrower.map(([name, { version, engines }]) => [name, version, engines])).toEqual([]);
});

// npm 10 takes an optional package of another processor away with all its commands, also where another package has brought them.
it("no optional package brings a command that another one brings", () => {
  const commands = Object.entries<LockedPackage>(locked.packages)
    .filter(([name]) => name.lastIndexOf("node_modules/") === 0)
    .flatMap(([name, { optional, bin = {} }]) => Object.keys(bin).map((command) => ({ command, name, optional })));
  const twice = commands.filter(
    (one) =>
      one.optional === true && commands.some(({ command, name }) => command === one.command && name !== one.name),
  );
  expect(twice).toEqual([]);
});

it("every package is pinned to one version", () => {
  const all = { ...own.dependencies, ...own.devDependencies, ...own.optionalDependencies };
  expect(Object.entries(all).filter(([, version]) => !/^\d+\.\d+\.\d+$/.test(version))).toEqual([]);
});
