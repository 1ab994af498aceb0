import { expect, test } from "vitest";
import { compareKeys, keyText } from "../../../src/domain/key.ts";
import { silentObserver } from "../../../src/store/observer.ts";
import { type Batcher, createBatcher, type Undecided } from "../../../src/store/postgres/batcher.ts";
import { ConnectionLost } from "../../../src/store/postgres/errors.ts";
import { noTracing } from "../../../src/telemetry/tracing.ts";
import { type Call, call } from "./batch-bench.ts";
import { createFakeDatabase, createFakeLanes, databaseError } from "./fake-database.ts";
import { createManualClock, settled } from "./manual-clock.ts";

const SEEDS = 80;
const CALLS = 120;
const TENANTS = ["a", "b", "c"];
const ROWS_MAX = 8;

test.for(Array.from({ length: SEEDS }, (_, i) => i + 1))(
  "whatever goes wrong in whatever order, every call is settled once, takes effect once, and is told the truth (seed %i)",
  async (seed) => {
    const world = createWorld(seed);
    const outcomes = await world.play();
    expect(outcomes).toHaveLength(CALLS);
    for (const { submitted, answer, code } of outcomes) {
      const effects = world.effects.get(submitted.id) ?? 0;
      if (answer !== undefined) {
        expect(answer).toBe(`done ${submitted.id}`);
        expect(effects).toBe(1);
      } else if (code === "STORE_UNAVAILABLE") expect(effects).toBeLessThanOrEqual(1);
      else expect(effects).toBe(0);
      if (code === "INTERNAL") expect(isPoison(submitted)).toBe(true);
      else expect(["STORE_UNAVAILABLE", "DEADLINE_EXCEEDED", "OVERLOADED", undefined]).toContain(code);
      if (isPoison(submitted)) expect(answer).toBeUndefined();
    }
    expect(outcomes.some(({ answer }) => answer !== undefined)).toBe(true);
    expect(world.violations).toEqual([]);
  },
);

interface Outcome {
  readonly submitted: Call;
  readonly answer?: string;
  readonly code?: string;
}

/** A store with one effect, "this call was done", that is lost, blocked and repeated as the seed has it. */
function createWorld(seed: number) {
  const random = mulberry32(seed);
  const chance = (probability: number) => random() < probability;
  const pick = (limit: number) => Math.floor(random() * limit);
  const clock = createManualClock();
  const database = createFakeDatabase();
  const lanes = createFakeLanes(database, clock, 1 + pick(3), random, null, 1 + pick(2));
  const effects = new Map<string, number>();
  const violations: string[] = [];

  const commit = (calls: readonly Call[]) => {
    // The token makes it safe to say the same thing twice.
    for (const { id } of calls) effects.set(id, 1);
  };

  const check = (calls: readonly Call[], underWay: ReadonlySet<string>) => {
    const keys = calls.map(({ key }) => keyText(key));
    if (new Set(keys).size !== keys.length) violations.push("a key twice in a batch");
    if (calls.length > ROWS_MAX) violations.push("too many rows");
    if (calls.some(({ key }, i) => i > 0 && compareKeys((calls[i - 1] as Call).key, key) >= 0))
      violations.push("not sorted");
    for (const key of keys) if (underWay.has(key)) violations.push("a key in two batches at once");
    return keys;
  };

  const run = async (calls: readonly Call[], underWay: Set<string>): Promise<readonly (string | null)[]> => {
    const keys = check(calls, underWay);
    for (const key of keys) underWay.add(key);
    try {
      await clock.sleep(pick(20));
      if (chance(0.05)) throw databaseError(["40P01", "40001", "55P03"][pick(3)] ?? "");
      if (chance(0.02)) throw databaseError("53100");
      if (chance(0.04)) throw new ConnectionLost(new Error("before the commit"));
      if (calls.some(isPoison)) throw databaseError("22021");
      const decided = calls.map(() => !chance(0.1));
      commit(calls.filter((_, i) => decided[i]));
      if (chance(0.04)) throw new ConnectionLost(new Error("after the commit"));
      return calls.map(({ id }, i) => (decided[i] ? `done ${id}` : null));
    } finally {
      for (const key of keys) underWay.delete(key);
    }
  };

  const limits = {
    ...{ rowsMax: ROWS_MAX, bytesMax: 2_000, aheadRowsMin: 1 + pick(4) },
    ...{ queueCallsMax: 240, queueBytesMax: 100_000 },
  };
  const newBatcher = (undecided?: Undecided<Call, string>): Batcher<Call, string> => {
    const underWay = new Set<string>();
    return createBatcher<Call, string>({
      ...{ name: "claim", lanes, clock, tracing: noTracing, observer: silentObserver, limits },
      keyOf: (submitted) => submitted.key,
      bytesOf: (submitted) => submitted.bytes,
      run: (_, calls) => run(calls, underWay),
      ...(undecided === undefined ? {} : { undecided }),
    });
  };
  // Every other world has two that hand over to each other, as those of claims and reclaims.
  const second = newBatcher({ batcher: () => batcher, isRound: true });
  const batcher = newBatcher(seed % 2 === 0 ? { batcher: () => second, isRound: false } : undefined);

  const submit = async (id: number): Promise<Outcome> => {
    const tenant = TENANTS[pick(TENANTS.length)] ?? "a";
    const submitted = call(`${chance(0.05) ? "poison" : "call"}-${id}`, {
      tenant,
      key: `key-${pick(30)}`,
      bytes: 50 + pick(600),
    });
    const deadline = chance(0.2) ? clock.monotonicMs() + pick(100) : Infinity;
    try {
      return { submitted, answer: await batcher.submit(submitted, deadline) };
    } catch (error) {
      return { submitted, code: (error as { code?: string }).code ?? String(error) };
    }
  };

  const disturb = () => {
    if (chance(0.03)) database.sessions.at(-1 - pick(2))?.die();
    if (chance(0.02)) database.refusing = true;
    else if (chance(0.3)) database.refusing = false;
    if (chance(0.01)) database.startedAt++;
  };

  const play = async (): Promise<readonly Outcome[]> => {
    const open: Promise<Outcome>[] = [];
    let left = CALLS;
    for (let id = 0; id < CALLS; ) {
      for (let burst = pick(12); burst > 0 && id < CALLS; burst--) open.push(submit(id++).finally(() => left--));
      disturb();
      await clock.advance(pick(30));
    }
    database.refusing = false;
    for (let turns = 0; left > 0 && turns < 2_000; turns++) await clock.advance(50);
    if (left > 0) throw new Error(`${left} calls were never settled`);
    await Promise.all([batcher.close(), second.close()]);
    await lanes.close();
    await settled();
    if (clock.sleepers > 0) violations.push(`${clock.sleepers} timers left behind`);
    return Promise.all(open);
  };

  return { effects, violations, play };
}

function isPoison({ id }: Call): boolean {
  return id.startsWith("poison");
}

/** A small generator of good enough numbers from one seed. */
function mulberry32(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
