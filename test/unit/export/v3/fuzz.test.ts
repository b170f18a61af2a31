import { expect, test } from "vitest";
import { fuzzServices } from "../../../fuzz/services.ts";

// The million is `node test/fuzz/services.ts`.
test(
  "calls that no honest client makes are answered or dropped, and nothing else happens",
  { timeout: 60_000 },
  async () => {
    const { replies, dropped, results, slowestMs, registered, monitored } = await fuzzServices(10_000, 20_260);
    // Inputs that are all refused, or none of them, would try nothing.
    expect(replies).toBeGreaterThan(2_500);
    expect(results).toBeGreaterThan(500);
    expect(dropped).toBeGreaterThan(1_000);
    expect(registered).toBeLessThanOrEqual(512);
    expect(monitored).toBeLessThanOrEqual(4_096);
    expect(slowestMs).toBeLessThan(5_000);
  },
);
