import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

// What Node compiles it compiles once, for all the processes that the tests start, and not at each start.
process.env["NODE_COMPILE_CACHE"] ??= fileURLToPath(new URL("node_modules/.cache/compiled", import.meta.url));

/** The files of a worker follow each other in one process: to start one for each takes longer than to run most of them. */
const sharedProcess = { isolate: false, setupFiles: ["test/support/fresh-file.ts"] };

export default defineConfig({
  test: {
    // Four at least: many tests wait most of their time, for a lease to end or a caller to be missed.
    maxWorkers: Math.max(4, availableParallelism() - 1),
    projects: [
      // Property tests are bound by the processor; on a busy one the default of 5 s says nothing about them.
      {
        test: {
          ...sharedProcess,
          name: "unit",
          include: ["test/unit/**/*.test.ts", "examples/testing/*.test.ts"],
          testTimeout: 30_000,
        },
      },
      {
        test: {
          name: "postgres",
          include: ["test/postgres/**/*.test.ts"],
          globalSetup: ["test/support/postgres-server.ts"],
          testTimeout: 30_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: "process",
          include: ["test/process/**/*.test.ts"],
          globalSetup: ["test/support/postgres-server.ts"],
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      // Clients in other languages: what they need is fetched once, and built by one file at a time.
      {
        test: {
          name: "clients",
          include: ["test/clients/**/*.test.ts"],
          globalSetup: ["test/support/postgres-server.ts"],
          fileParallelism: false,
          testTimeout: 60_000,
          hookTimeout: 300_000,
        },
      },
      // The fault matrix in short, one row after the other: each keeps the machine busy by itself.
      {
        test: {
          name: "faults",
          include: ["test/faults/**/*.test.ts"],
          fileParallelism: false,
          hookTimeout: 60_000,
        },
      },
      // With programs of others: `npm run test:infra`. One file at a time, for each starts servers by the handful.
      {
        test: {
          name: "infra",
          include: ["test/infra/**/*.test.ts"],
          globalSetup: ["test/support/postgres-server.ts", "test/infra/support/run.ts"],
          fileParallelism: false,
          testTimeout: 180_000,
          hookTimeout: 180_000,
        },
      },
    ],
  },
});
