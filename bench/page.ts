// Makes docs/benchmarks.md and its plots of the results under docs/benchmarks.

import { readResults, renderPages, writePages } from "./result-files.ts";

writePages(await renderPages(readResults()));
