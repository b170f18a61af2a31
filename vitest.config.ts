// Which tests there are and how they run: pure ones side by side, the ones that need the built binary or the lab with room.
import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";

/** All projects share the same workers. Half of its time a lab's kernel waits for a clock: three of them fill two cores. */
const maxWorkers = Math.max(3, Math.ceil(availableParallelism() * 1.5));

export default defineConfig({
  test: {
    projects: [
      { test: { name: "unit", include: ["test/unit/**/*.test.ts"], environment: "node", maxWorkers } },
      {
        test: {
          name: "native",
          include: ["test/native/**/*.test.ts"],
          environment: "node",
          maxWorkers,
          testTimeout: 60_000,
          hookTimeout: 300_000,
        },
      },
      {
        test: {
          name: "process",
          include: ["test/process/**/*.test.ts"],
          environment: "node",
          maxWorkers,
          testTimeout: 30_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: "browser",
          include: ["test/browser/**/*.test.ts"],
          environment: "node",
          fileParallelism: false,
          testTimeout: 120_000,
        },
      },
      {
        test: {
          name: "kernel",
          include: ["test/kernel/**/*.test.ts"],
          environment: "node",
          maxWorkers,
          testTimeout: 120_000,
          hookTimeout: 300_000,
        },
      },
      {
        test: {
          name: "docker",
          include: ["test/docker/**/*.test.ts"],
          environment: "node",
          maxWorkers,
          testTimeout: 400_000,
          hookTimeout: 400_000,
        },
      },
      {
        test: {
          name: "release",
          include: ["test/release/**/*.test.ts"],
          environment: "node",
          maxWorkers,
          testTimeout: 60_000,
        },
      },
      {
        test: {
          name: "examples",
          include: ["test/examples/**/*.test.ts"],
          environment: "node",
          maxWorkers,
          testTimeout: 30_000,
        },
      },
      {
        test: {
          name: "container",
          include: ["test/container/**/*.test.ts"],
          environment: "node",
          maxWorkers,
          testTimeout: 600_000,
          hookTimeout: 600_000,
          // One Docker, and in the lab one processor.
          fileParallelism: false,
        },
      },
    ],
  },
});
