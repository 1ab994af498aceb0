import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";
import type { Part } from "./options.ts";

/**
 * The tests that are to notice. Those that play thousands of random calls, or a million keys, are left out: each change
 * would wait for them, and the tables are to find it.
 */
const TESTS: Readonly<Record<Part, string>> = {
  domain: "test/unit/domain/**/!(key-triples|properties|wake-collisions).test.ts",
  store: "test/unit/store/postgres/*.test.ts",
};

// biome-ignore lint/style/noDefaultExport: so Vitest reads it
export default defineConfig({
  root: fileURLToPath(new URL("../..", import.meta.url)),
  test: {
    include: [TESTS[process.env["MUTATED_PART"] as Part]],
    runner: fileURLToPath(new URL("runner.ts", import.meta.url)),
    setupFiles: [fileURLToPath(new URL("seed.ts", import.meta.url))],
    // All in one process, which knows what is still alive and which one signal ends.
    pool: "threads",
    isolate: false,
    maxWorkers: 1,
    testNamePattern: /^(?!over any sequence of calls)/,
    testTimeout: 3_600_000,
  },
});
