// The list of all measurements, in the order of the page.

import type { Measurement } from "./measurement.ts";
import { lateServer } from "./measurements/late-server.ts";
import { start } from "./measurements/start.ts";

export const measurements: readonly Measurement[] = [start, lateServer];
