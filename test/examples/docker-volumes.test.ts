// The page about Docker volumes: the options that it names are those that there are.
import { expect, it } from "vitest";
import { volumeOptions } from "../../src/volumes/options.ts";
import { textOf } from "./uses.ts";

it("has every option of a volume in its table, and no other", () => {
  const [, table = ""] =
    /\n\| option \| meaning \|\n\| --- \| --- \|\n([^]*?)\n\n/.exec(textOf("docs/docker-volumes.md")) ?? [];
  const named = table.split("\n").flatMap((row) => {
    const [, cell = ""] = row.split(" | ", 1)[0]?.split("| ") ?? [];
    return [...cell.matchAll(/`([^`]+)`/g)].map(([, name = ""]) => name);
  });
  expect(named.toSorted()).toEqual(Object.keys(volumeOptions).toSorted());
});
