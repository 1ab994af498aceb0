import { writeFileSync } from "node:fs";
import { type RunnerTask, type RunnerTestCase, type RunnerTestFile, TestRunner } from "vitest";

/** What instrumented code looks at, and writes into: which change is on, and which changes a test goes through. */
interface Switches {
  activeMutant?: string | undefined;
  currentTestId?: string | undefined;
  hitCount?: number | undefined;
  /** How often a change may be gone through before it counts as one that never ends. */
  hitLimit?: number | undefined;
  readonly mutantCoverage: {
    readonly static: Readonly<Record<string, number>>;
    perTest: Record<string, Readonly<Record<string, number>>>;
  };
}

/** What the runner leaves where MUTATION_FOUND says. */
export interface Found {
  /** Ids. */
  readonly killed: readonly string[];
  /** With these a test did not come to an end. */
  readonly endless: readonly string[];
  /** Through these tests go. */
  readonly reached: readonly string[];
  /** Of what is run once, when a file is loaded: no switch can be turned then. */
  readonly fixed: readonly string[];
}

const HITS_MAX = 1_000_000;
const TEST_MS_MAX = 10_000;
const { setTimeout, clearTimeout } = globalThis;

const switches: Switches = { mutantCoverage: { static: {}, perTest: {} } };
Object.assign(globalThis, { __stryker__: switches });

/** On from the beginning, where it is given: all that is asked is whether the tests fail. */
const onFromTheStart = process.env["MUTATED_ID"];
switches.activeMutant = onFromTheStart;

/**
 * Runs each test as it is, sees which changes it goes through, and runs it again with each of those that still lives. In
 * one process, with everything loaded once: to start the tests anew for each change took seconds, and this a millisecond.
 */
// biome-ignore lint/style/noDefaultExport: so Vitest loads it
export default class MutatingRunner extends TestRunner {
  readonly #killed = new Set<string>();
  readonly #endless = new Set<string>();
  readonly #reached = new Set<string>();
  #tests = 0;

  async runTask(test: RunnerTestCase): Promise<void> {
    const run = TestRunner.getTestFn<RunnerTask>(test);
    if (onFromTheStart !== undefined) return await run();
    const id = `test ${this.#tests++}`;
    switches.currentTestId = id;
    await run();
    // One that does not pass a second time would seem to notice everything.
    await run();
    const reached = Object.keys(switches.mutantCoverage.perTest[id] ?? {});
    // Where a change leads is no place that the test goes through.
    switches.currentTestId = "changed";
    for (const mutant of reached) {
      this.#reached.add(mutant);
      if (this.#killed.has(mutant) || this.#endless.has(mutant)) continue;
      const end = await endWith(mutant, run);
      if (end === "failed") this.#killed.add(mutant);
      if (end === "none") this.#endless.add(mutant);
      // What a change has left behind would seem to be noticed with the next one.
      if (end !== "passed") await run();
    }
    switches.currentTestId = undefined;
    switches.mutantCoverage.perTest = {};
  }

  override onAfterRunFiles(files: RunnerTestFile[]): void {
    super.onAfterRunFiles(files);
    if (onFromTheStart !== undefined && files.some(({ result }) => result?.state === "fail")) {
      this.#killed.add(onFromTheStart);
    }
    const found: Found = {
      ...{ killed: [...this.#killed], endless: [...this.#endless], reached: [...this.#reached] },
      fixed: Object.keys(switches.mutantCoverage.static).filter((id) => !this.#reached.has(id)),
    };
    writeFileSync(process.env["MUTATION_FOUND"] ?? "", JSON.stringify(found));
  }
}

/** How a run of a test with a change ends; "none": not at all. */
async function endWith(mutant: string, run: () => unknown): Promise<"passed" | "failed" | "none"> {
  const over = Promise.withResolvers<"none">();
  const timer = setTimeout(() => over.resolve("none"), TEST_MS_MAX);
  Object.assign(switches, { activeMutant: mutant, hitCount: 0, hitLimit: HITS_MAX });
  try {
    return await Promise.race([(async () => run())().then(() => "passed" as const), over.promise]);
  } catch {
    return (switches.hitCount ?? 0) > HITS_MAX ? "none" : "failed";
  } finally {
    clearTimeout(timer);
    Object.assign(switches, { activeMutant: undefined, hitCount: undefined, hitLimit: undefined });
  }
}
