// Brings the generated part of README.md up to date: npm run docs.
import { readFileSync, writeFileSync } from "node:fs";
import { withReference } from "./reference.ts";

writeFileSync("README.md", withReference(readFileSync("README.md", "utf8")));
