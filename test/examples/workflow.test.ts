// The workflow that makes a release: it runs what a change must pass and what CONTRIBUTING.md has for a release, and publishes what is made there.
import { expect, it } from "vitest";
import { parse } from "yaml";
import { textOf } from "./uses.ts";

interface Step {
  readonly run?: string;
  readonly uses?: string;
  readonly with?: Readonly<Record<string, string>>;
}

interface Workflow {
  readonly permissions: Readonly<Record<string, string>>;
  readonly jobs: Readonly<
    Record<
      "build" | "publish",
      { readonly needs?: string; readonly steps: readonly Step[]; readonly permissions?: object }
    >
  >;
}

const workflow = parse(textOf(".github/workflows/release.yml")) as Workflow;
const { build, publish } = workflow.jobs;

it("runs .ci/run and then scripts that exist, among them those of a release", () => {
  const runs = build.steps.flatMap(({ run }) => (run === undefined ? [] : [run]));
  expect(runs).toContain("bash .ci/run");
  const { scripts } = JSON.parse(textOf("package.json")) as { readonly scripts: Readonly<Record<string, string>> };
  const called = runs.flatMap((run) => [...run.matchAll(/npm run ([\w:]+)/g)].map(([, name = ""]) => name));
  expect(called).toEqual(["analyze", "test:release", "build:packages"]);
  for (const name of called) {
    expect(Object.keys(scripts)).toContain(name);
    expect(textOf("CONTRIBUTING.md")).toContain(`npm run ${name}`);
  }
});

it("publishes exactly the files that were made, and may write nothing before", () => {
  const uploaded = build.steps.find(({ uses }) => uses?.startsWith("actions/upload-artifact@") === true)?.with?.[
    "path"
  ];
  const paths = uploaded?.trim().split("\n") ?? [];
  expect(paths).toContain("dist/SHA256SUMS");
  const command = publish.steps.find(({ run }) => run?.startsWith("gh release create ") === true)?.run ?? "";
  expect(command.split(" ").filter((word) => word.startsWith("dist/"))).toEqual(paths);
  expect(publish.needs).toBe("build");
  expect(workflow.permissions).toEqual({ contents: "read" });
  expect(publish.permissions).toEqual({ contents: "write" });
});
