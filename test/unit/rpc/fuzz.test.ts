import { expect, test } from "vitest";
import { fuzz } from "../../fuzz/decoder.ts";

// The million is `node test/fuzz/decoder.ts`.
test("answers that no honest server gives are read or refused, and nothing else happens", async () => {
  const { read, refused, slowestMs } = await fuzz(20_000, 20_260);
  // Inputs that are all refused, or none of them, would try nothing.
  expect(read).toBeGreaterThan(2_000);
  expect(refused).toBeGreaterThan(2_000);
  expect(slowestMs).toBeLessThan(1_000);
});
