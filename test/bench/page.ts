// Makes docs/benchmarks.md of the results under docs/benchmarks; with --check only says, by its exit code, whether it is up to date.

import { readFileSync, writeFileSync } from "node:fs";
import { renderPage } from "./page-text.ts";
import { pageFile, readResults } from "./result-files.ts";

const page = renderPage(readResults());
if (!process.argv.includes("--check")) {
  writeFileSync(pageFile, page);
} else if (readFileSync(pageFile, "utf8") !== page) {
  process.stderr.write("docs/benchmarks.md is not what the results give: run `node test/bench/page.ts`\n");
  process.exitCode = 1;
}
