// Brings the generated parts of README.md and docs/metrics.md up to date: npm run docs.
import { readFileSync, writeFileSync } from "node:fs";
import { withMetrics } from "./metrics-reference.ts";
import { withReference } from "./reference.ts";

writeFileSync("README.md", withReference(readFileSync("README.md", "utf8")));
writeFileSync("docs/metrics.md", withMetrics(readFileSync("docs/metrics.md", "utf8")));
