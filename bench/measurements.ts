// The list of all measurements, in the order of the page.

import type { Measurement } from "./measurement.ts";
import { arrival } from "./measurements/arrival.ts";
import { dockerVolumes } from "./measurements/docker-volumes.ts";
import { initAtRest } from "./measurements/init-at-rest.ts";
import { init } from "./measurements/init.ts";
import { lateServer, lateServerV3 } from "./measurements/late-server.ts";
import { lossNoticed } from "./measurements/loss-noticed.ts";
import { lostShare } from "./measurements/lost-share.ts";
import { recovery } from "./measurements/recovery.ts";
import { scale } from "./measurements/scale.ts";
import { serverReady } from "./measurements/server-ready.ts";
import { serverLife } from "./measurements/server-life.ts";
import { size } from "./measurements/size.ts";
import { start } from "./measurements/start.ts";
import { waitTraffic } from "./measurements/wait-traffic.ts";
import { versionWalk } from "./measurements/version-walk.ts";
import { watchCost } from "./measurements/watch-cost.ts";

export const measurements: readonly Measurement[] = [
  start,
  init,
  initAtRest,
  size,
  serverReady,
  versionWalk,
  lateServer,
  lateServerV3,
  arrival,
  waitTraffic,
  lostShare,
  lossNoticed,
  recovery,
  watchCost,
  scale,
  serverLife,
  dockerVolumes,
];
