import { expect, test } from "vitest";
import { OperatorError } from "../../../src/server/operator-error.ts";
import { Overdue } from "../../../src/server/placement/time-limit.ts";
import { untilThere } from "../../../src/server/placement/until-there.ts";
import { WrongPrimary } from "../../../src/store/postgres/errors.ts";
import type { LogFields } from "../../../src/telemetry/log.ts";
import { createManualClock } from "../store/manual-clock.ts";

function refused(): OperatorError {
  const cause = Object.assign(new Error("connect ECONNREFUSED 127.0.0.1:5432"), { code: "ECONNREFUSED" });
  return new OperatorError(`cannot reach the database postgres://db: ${cause.message}`, { cause });
}

/** Tries that fail in turn, and succeed from then on. */
function setUp(failures: readonly Error[], { waitMs = 60_000 } = {}) {
  const clock = createManualClock();
  const stopping = new AbortController();
  const lines: { readonly message: string; readonly fields: LogFields }[] = [];
  const say = (fields: LogFields, message: string) => void lines.push({ message, fields });
  let tries = 0;
  const open = async () => {
    const failure = failures[Math.min(tries++, failures.length)];
    if (failure !== undefined) throw failure;
    return "open";
  };
  const log = { info: say, warn: say };
  const seen: { value?: unknown; error?: unknown } = {};
  const { signal } = stopping;
  untilThere(open, { ...{ clock, log, signal, waitMs }, random: () => 1, database: "postgres://db" }).then(
    (value) => Object.assign(seen, { value }),
    (error: unknown) => Object.assign(seen, { error }),
  );
  return { clock, stopping, lines, seen, tries: () => tries };
}

const many = (error: () => Error) => Array.from({ length: 1_000 }, error);

test("what is there is opened at once, and nothing is said", async () => {
  const { clock, lines, seen, tries } = setUp([]);
  await clock.advance(0);
  expect({ seen, lines, tries: tries() }).toEqual({ seen: { value: "open" }, lines: [], tries: 1 });
});

test("one that is away is tried ever more rarely, every two seconds in the end, until it is there", async () => {
  const { clock, seen, tries } = setUp(many(refused).slice(0, 20));
  await clock.advance(50 + 100 + 200 + 400 + 800 + 1_600);
  expect(tries()).toBe(7);
  await clock.advance(2_000 * 14);
  expect({ seen, tries: tries() }).toEqual({ seen: { value: "open" }, tries: 21 });
});

test("it is said at once, again every ten seconds, and when the reason is another one; then that it is over", async () => {
  const { clock, lines } = setUp([...many(refused).slice(0, 20), new Overdue("no end within 30000 ms")]);
  await clock.advance(40_000);
  const waiting = lines.filter(({ message }) => message === "waiting for the database");
  expect(waiting[0]?.fields).toEqual({ database: "postgres://db", reason: refused().message, givesUpInMs: 60_000 });
  expect(waiting.length).toBeGreaterThanOrEqual(4);
  expect(waiting.length).toBeLessThanOrEqual(6);
  expect(waiting.at(-1)?.fields).toMatchObject({ reason: "no end within 30000 ms" });
  expect(lines.at(-1)).toMatchObject({ message: "the database is there" });
});

test("when the time is over the last reason is told, and how long it was waited", async () => {
  const { clock, seen } = setUp(many(refused), { waitMs: 3_000 });
  await clock.advance(2_999);
  expect(seen).toEqual({});
  await clock.advance(1);
  expect(seen.error).toBeInstanceOf(OperatorError);
  expect(String(seen.error)).toMatch(/ECONNREFUSED.*; it was waited for 3 s \(--database-wait\)$/);
});

test("without time to wait it is tried once", async () => {
  const { clock, lines, seen, tries } = setUp(many(refused), { waitMs: 0 });
  await clock.advance(0);
  expect(seen.error).toMatchObject({ message: refused().message });
  expect({ lines, tries: tries() }).toEqual({ lines: [], tries: 1 });
});

test.each([
  ["a login that is refused", new OperatorError("cannot reach: password authentication failed")],
  ["a standby", new WrongPrimary("the database is a standby")],
  ["what nobody expected", new TypeError("bug")],
])("%s is not waited for", async (_name, error) => {
  const { clock, lines, seen, tries } = setUp([error]);
  await clock.advance(0);
  expect(seen.error).toBe(error);
  expect({ lines, tries: tries() }).toEqual({ lines: [], tries: 1 });
});

test("whoever wants no server any more ends the wait at once", async () => {
  const { clock, stopping, seen } = setUp(many(refused));
  await clock.advance(1_000);
  stopping.abort(new Error("stopped"));
  await clock.advance(0);
  expect(seen.error).toMatchObject({ message: "stopped" });
  expect(clock.sleepers).toBe(0);
});
