// Brings the generated parts of docs/configuration.md and docs/metrics.md up to date: npm run docs.
import { readFileSync, writeFileSync } from "node:fs";
import { withMetrics } from "./metrics-reference.ts";
import { withReference } from "./reference.ts";

const configuration = "docs/configuration.md";
writeFileSync(configuration, withReference(readFileSync(configuration, "utf8")));
writeFileSync("docs/metrics.md", withMetrics(readFileSync("docs/metrics.md", "utf8")));
