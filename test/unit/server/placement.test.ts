import { describe, expect, test } from "vitest";
import type { Backend } from "../../../src/server/backend.ts";
import { OperatorError } from "../../../src/server/operator-error.ts";
import { createLateBackend } from "../../../src/server/placement/late-backend.ts";
import { withTimeLimit } from "../../../src/server/placement/time-limit.ts";
import { watchDatabase } from "../../../src/server/probe.ts";
import { createReadiness } from "../../../src/server/readiness.ts";
import { createMemoryStore } from "../../../src/store/memory.ts";
import type { LogFields } from "../../../src/telemetry/log.ts";
import { OPERATOR, QUERY } from "../../support/operating.ts";
import { claimOf, finishOf, freshToken, heartbeatOf, NOW } from "../../support/records.ts";
import { createManualClock, settled } from "../store/manual-clock.ts";

function createLog() {
  const lines: string[] = [];
  const line = ({ error }: LogFields, message: string) => {
    lines.push(error === undefined ? message : `${message}: ${(error as Error).message}`);
  };
  return { lines, log: { info: line, error: line } };
}

const NEVER = Number.POSITIVE_INFINITY;
const NOT_OPEN = "the placement cannot be opened; it is tried again";

describe("a backend that comes late", () => {
  function setUp() {
    const clock = createManualClock();
    const { lines, log } = createLog();
    const attempts: PromiseWithResolvers<Backend>[] = [];
    let disposed = 0;
    const store = createMemoryStore({ now: () => NOW, newToken: freshToken });
    const status = { reachable: true, connections: 8, open: 8, busy: 0, trouble: null };
    const backend: Backend = {
      store,
      measure: async () => "lent" as never,
      notifications: { run: async () => "sent" as never, listenUrl: "" },
      databaseNow: async () => 7,
      status: () => status,
      [Symbol.asyncDispose]: async () => {
        disposed++;
      },
    };
    const late = createLateBackend({
      ...{ clock, log, listenUrl: "" },
      random: () => 1,
      open(signal) {
        const attempt = Promise.withResolvers<Backend>();
        attempts.push(attempt);
        signal.addEventListener("abort", () => attempt.reject(signal.reason));
        return attempt.promise;
      },
    });
    return { clock, lines, attempts, backend, late, disposals: () => disposed };
  }

  test("refuses every call until it is open, and then hands on to what was opened", async () => {
    const { late, attempts, backend } = setUp();
    const { store } = late;
    const key = claimOf().key;
    const calls = [
      () => store.claim(claimOf(), NEVER),
      () => store.heartbeat(heartbeatOf(), NEVER),
      () => store.finish(finishOf(), NEVER),
      () => store.peek(key, NEVER),
      () => store.watch({ key, state: "in-progress", fence: 1n }, NEVER),
      () => store.sweep(1),
      () => store.list(QUERY, NEVER),
      () => store.history({ key, withOutcomes: true }, NEVER),
      () => store.release({ ...OPERATOR, key, fence: 1n }, NEVER),
      () => store.resolve({ ...OPERATOR, key, fence: 1n, force: false, verdict: { kind: "not-done" } }, NEVER),
      () => store.reset({ ...OPERATOR, key, fence: 1n, force: false }, NEVER),
      () => store.purge({ ...OPERATOR, ...key, force: false, limit: 1, after: null }, NEVER),
      () => late.measure(async () => 1),
      () => late.notifications.run(async () => 1),
      () => late.databaseNow(),
    ];
    for (const call of calls) {
      await expect(call()).rejects.toMatchObject({ code: "STORE_UNAVAILABLE", retryAfterMs: 250 });
    }
    expect(late.status()).toMatchObject({ reachable: false, connections: 0, open: 0, busy: 0 });
    attempts[0]?.resolve(backend);
    await late.opened;
    for (const call of calls) await call();
    expect(await late.databaseNow()).toBe(7);
    expect(late.status()).toBe(backend.status());
  });

  test("is tried again with a growing pause, and says what is wrong when that changes", async () => {
    const { late, clock, lines, attempts, backend } = setUp();
    const pauses = [50, 100, 200, 400, 800, 1600, 3200, 5000, 5000];
    for (const [index, pauseMs] of pauses.entries()) {
      attempts[index]?.reject(new OperatorError(index < 5 ? "nobody listens" : "the schema is behind"));
      await clock.advance(pauseMs - 1);
      expect(attempts).toHaveLength(index + 1);
      await clock.advance(1);
      expect(attempts).toHaveLength(index + 2);
    }
    expect(late.status().trouble).toMatchObject({ message: "the schema is behind" });
    attempts.at(-1)?.resolve(backend);
    await late.opened;
    expect(lines).toEqual([
      `${NOT_OPEN}: nobody listens`,
      `${NOT_OPEN}: the schema is behind`,
      "the placement is open",
    ]);
  });

  test("is given up when the server stops, in an attempt and between two, without a word", async () => {
    const inAttempt = setUp();
    await inAttempt.late[Symbol.asyncDispose]();
    const between = setUp();
    between.attempts[0]?.reject(new Error("nobody listens"));
    await settled();
    await between.late[Symbol.asyncDispose]();
    expect(between.clock.sleepers).toBe(0);
    expect([inAttempt.lines, between.lines]).toEqual([[], [`${NOT_OPEN}: nobody listens`]]);
    expect([inAttempt.attempts.length, between.attempts.length]).toEqual([1, 1]);
  });

  test("is closed with the server once it is open", async () => {
    const { late, attempts, backend, disposals } = setUp();
    attempts[0]?.resolve(backend);
    await late.opened;
    await late[Symbol.asyncDispose]();
    expect(disposals()).toBe(1);
  });
});

describe("work with a time limit", () => {
  const obedient = (signal: AbortSignal) =>
    new Promise<never>((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));

  test("is told to end when the time is over, or with the signal that it was given", async () => {
    const clock = createManualClock();
    const stop = new AbortController();
    const late = expect(withTimeLimit(100, { clock, signal: stop.signal }, obedient)).rejects.toThrow("within 100 ms");
    await clock.advance(100);
    await late;
    const stopped = expect(withTimeLimit(100, { clock, signal: stop.signal }, obedient)).rejects.toThrow("stopped");
    stop.abort(new Error("stopped"));
    await stopped;
  });

  test("leaves nothing behind when it ends by itself", async () => {
    const clock = createManualClock();
    const { signal } = new AbortController();
    expect(await withTimeLimit(100, { clock, signal }, async (limited) => limited.aborted)).toBe(false);
    await settled();
    expect(clock.sleepers).toBe(0);
  });
});

describe("the look-out on a database", () => {
  function setUp(opened = Promise.resolve()) {
    const clock = createManualClock();
    const { lines, log } = createLog();
    const readiness = createReadiness();
    const state = { reachable: true };
    const status = () => ({ ...state, trouble: state.reachable ? null : new Error("cut off") });
    const watch = watchDatabase({ name: "eu", status, opened, readiness, clock, log });
    const placement = () => readiness.report().placements["eu"];
    return { clock, lines, state, watch, placement };
  }

  test("takes a database for away when two looks in a row find it so, and says each change once", async () => {
    const { clock, lines, state, placement } = setUp();
    await clock.advance(0);
    state.reachable = false;
    await clock.advance(250);
    expect(placement()).toBe("up");
    await clock.advance(250);
    expect(placement()).toBe("down");
    await clock.advance(10_000);
    state.reachable = true;
    await clock.advance(250);
    expect(placement()).toBe("up");
    expect(lines).toEqual(["the database does not answer: cut off", "the database answers again"]);
  });

  test("overlooks a connection that is back within one look", async () => {
    const { clock, lines, state, placement } = setUp();
    await clock.advance(0);
    for (let i = 0; i < 3; i++) {
      state.reachable = false;
      await clock.advance(250);
      expect(placement()).toBe("up");
      state.reachable = true;
      await clock.advance(250);
    }
    expect(lines).toEqual([]);
  });

  test("has nothing to say of one that was never open, which is down", async () => {
    const opened = Promise.withResolvers<void>();
    const { clock, lines, state, placement, watch } = setUp(opened.promise);
    state.reachable = false;
    await clock.advance(10_000);
    expect(lines).toEqual([]);
    state.reachable = true;
    opened.resolve();
    await clock.advance(0);
    expect([placement(), lines]).toEqual(["up", []]);
    watch[Symbol.dispose]();
    await settled();
    expect(clock.sleepers).toBe(0);
  });
});

test("a server is ready while one of its placements is up, and says of each whether it is", async () => {
  const readiness = createReadiness();
  readiness.set("schema", true);
  const seen: boolean[] = [];
  for (const [name, state] of [
    ["main", "up"],
    ["eu", "down"],
    ["main", "down"],
    ["eu", "up"],
  ] as const) {
    const changed = readiness.changed(new AbortController().signal);
    readiness.setPlacement(name, state);
    await changed;
    seen.push(readiness.report().ready);
  }
  expect(seen).toEqual([true, true, false, true]);
  expect(readiness.report().placements).toEqual({ main: "down", eu: "up" });
});
