import { randomInt } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { lineOf } from "../../proof/faults/report.ts";
import { ROWS } from "../../proof/faults/rows.ts";
import { createRunner, type Runner } from "../../proof/faults/run-rows.ts";

/** A row takes ten seconds or so where nothing else runs. */
const ROW_MS_MAX = 180_000;

let runner: Runner;

beforeAll(() => {
  const seed = randomInt(2 ** 32);
  const options = { isFull: false, seed, times: null, keep: null, controls: false, judgesTimes: false };
  runner = createRunner(options, () => undefined);
});

afterAll(() => runner[Symbol.asyncDispose]());

const quick = ROWS.filter(({ times }) => times.short !== null);

/** What a row needs and this machine lacks, the line says: `left out`. */
test.for(quick)("$id: nothing is lost, doubled or left waiting by $fault", { timeout: ROW_MS_MAX }, async (row) => {
  const outcome = await runner.run(row);
  process.stdout.write(lineOf(outcome));
  expect(outcome).toMatchObject({ kind: expect.stringMatching(/^(holds|left-out)$/) });
});
