import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { policyOf } from "../../store/bench.ts";
import { resetRecord } from "../../support/operating.ts";
import { bytes, LEASE_MS } from "../../support/records.ts";
import { createScene, openSessions, type Sessions } from "./sessions.ts";

let sessions: Sessions;
beforeAll(async () => {
  sessions = await openSessions();
});
afterAll(() => sessions.close());

const NEVER = Number.POSITIVE_INFINITY;

interface EventRow {
  readonly kind: number;
  readonly attempt: number;
  readonly evidence: Uint8Array;
  readonly late: boolean;
}

function scene() {
  const made = createScene(sessions);
  const { key, row, storeA } = made;
  const ofRecord = [key.tenant, key.scope, key.key];
  const events = async () => {
    const text = `select kind, attempt, evidence, late from holdfast.record_event
      where tenant = $1 and scope = $2 and key = $3 order by sequence`;
    const rows = await sessions.observer.query<EventRow>({ name: "test_events", text }, ofRecord);
    return rows.map(
      ({ kind, attempt, evidence, late }) => `${kind} ${attempt} ${Buffer.from(evidence)}${late ? " late" : ""}`,
    );
  };
  /** How many errors are kept, and who looked into the record last. */
  const content = async () => {
    const text = `select k.reconciler, (
        select count(e.error) from holdfast.record_event e where (e.tenant, e.scope, e.key) = (k.tenant, k.scope, k.key)
      ) as errors
      from holdfast.record k where k.tenant = $1 and k.scope = $2 and k.key = $3`;
    const [found] = await sessions.observer.query<{ reconciler: Buffer | null; errors: bigint }>(
      { name: "test_content", text },
      ofRecord,
    );
    return { reconciler: found?.reconciler?.toString() ?? null, errors: Number(found?.errors) };
  };
  const hasHistory = async () => ((await row()) as { readonly has_history?: boolean } | null)?.has_history;
  const told = async () =>
    (await storeA.history({ key, withOutcomes: true }, NEVER))?.events.map(({ kind, attempt }) => `${kind} ${attempt}`);
  return { ...made, events, content, hasHistory, told };
}

/** As the version before empties a record. */
const EMPTY_BEFORE = `update holdfast.record set sweep_at = forget_at, outcome = null, checkpoint = null,
  checkpoint_time = null, progress = null, external_ref = null, evidence = '' where $record`;

const by = (name: string) => ({ evidence: bytes(name) });

describe("the trigger that keeps histories", () => {
  test("leaves a record alone that is claimed, extended, flagged and completed in time, and its emptying", async () => {
    const { a, storeA, key, events, hasHistory, advance } = scene();
    const lease = await a.acquire({ policy: policyOf({ resultRetentionMs: 60_000 }) });
    await a.heartbeat(lease, { checkpoint: { sequence: 1n, encoded: bytes("cp") } });
    await storeA.watch({ key, state: "in-progress", fence: lease.fence }, NEVER);
    await a.finish(lease, "complete");
    advance(60_000);
    expect((await a.sweep()).emptied).toBeGreaterThanOrEqual(1);
    expect([await events(), await hasHistory()]).toEqual([[], false]);
  });

  test("writes from the first takeover on, and nothing for heartbeats in between", async () => {
    const { a, advance, events, hasHistory } = scene();
    await a.acquire(by("a"));
    advance(LEASE_MS);
    const next = await a.acquire(by("b"));
    await a.heartbeat(next);
    await a.claim({ claimId: next.claimId });
    expect([await events(), await hasHistory()]).toEqual([["1 1 a", "2 2 b"], true]);
    await a.finish(next, "complete");
    expect(await events()).toEqual(["1 1 a", "2 2 b", "5 2 b"]);
  });

  test.each(["this one", "the one before"])("empties the events with their record (server: %s)", async (version) => {
    const { a, sql, advance, events, content, hasHistory } = scene();
    await a.finish(await a.acquire({ policy: policyOf({ resultRetentionMs: 60_000 }), ...by("a") }), "outcome-unknown");
    await a.finish(await a.acquire({ intent: "reconcile", ...by("r") }), "complete");
    expect(await events()).toEqual(["1 1 a", "9 1 a", "4 1 r", "5 1 r"]);
    expect(await content()).toEqual({ reconciler: "r", errors: 1 });
    advance(60_000);
    if (version === "this one") await a.sweep();
    else await sql(EMPTY_BEFORE);
    expect(await events()).toEqual(["1 1 ", "9 1 ", "4 1 ", "5 1 "]);
    expect(await content()).toEqual({ reconciler: null, errors: 0 });
    expect(await hasHistory()).toBe(true);
  });

  test("deletes with the record, whoever deletes it, and only then", async () => {
    const { a, sql, events } = scene();
    await a.finish(await a.acquire(by("a")), "retryable");
    await sql("update holdfast.record set has_waiters = true where $record");
    expect(await events()).toHaveLength(2);
    await sql("delete from holdfast.record where $record");
    expect(await events()).toEqual([]);
  });

  test("is part of the change: what is rolled back leaves no event", async () => {
    const { a, sql, advance, events, hasHistory } = scene();
    await a.acquire();
    advance(LEASE_MS);
    await sql("begin");
    await a.acquire();
    await sql("rollback");
    expect([await events(), await hasHistory()]).toEqual([[], false]);
  });

  test("tells what somebody at psql has done, by the database's clock", async () => {
    const { a, sql, told } = scene();
    await a.acquire(by("a"));
    await sql("update holdfast.record set state = 2, due = clock_timestamp(), attempt = attempt - 1 where $record");
    expect(await told()).toEqual(["claimed 1", "not-started 1"]);
  });
});

describe("records and servers of the version before", () => {
  test("an end that does not say when it failed is told by the database's clock", async () => {
    const { a, sql, storeA, key } = scene();
    await a.acquire(by("a"));
    const asBefore = `update holdfast.record set state = 2, due = due + interval '1 day', end_digest = '\\x01' where $record`;
    await sql(asBefore);
    const [, failed] = (await storeA.history({ key, withOutcomes: true }, NEVER))?.events ?? [];
    const [clock] = await sessions.observer.query<{ now: number }>(
      { name: "", text: "select clock_timestamp() as now" },
      [],
    );
    expect(failed?.kind).toBe("failed-retryable");
    expect(Math.abs((failed?.time ?? 0) - (clock?.now ?? 0))).toBeLessThan(60_000_000);
  });

  test("a reconciler that does not say who it is is told without a name", async () => {
    const { a, sql, told, events } = scene();
    await a.finish(await a.acquire(by("a")), "outcome-unknown", { outcome: null });
    await sql(`update holdfast.record set state = 1, fence = fence + 1, suspect_token = lease_token, suspect_fence = fence,
      lease_token = decode(md5('reconciler'), 'hex'), due = due + interval '1 minute' where $record`);
    expect(await told()).toEqual(["claimed 1", "outcome-unknown 1", "reconciling 1"]);
    expect((await events()).at(-1)).toBe("4 1 ");
  });

  test("a record that had been retried and reset before histories were kept begins with its newest claim", async () => {
    const { a, sql, storeA, key, told, advance } = scene();
    await a.finish(await a.acquire(), "not-started");
    await a.acquire();
    await sql("update holdfast.record set has_history = false where $record");
    await sql("delete from holdfast.record_event where $record");
    advance(LEASE_MS);
    await a.acquire();
    expect(await told()).toEqual(["claimed 1", "taken-over 2"]);
    await resetRecord(storeA, key, true);
    await sql("update holdfast.record set has_history = false where $record");
    await sql("delete from holdfast.record_event where $record");
    await a.acquire();
    expect(await told()).toEqual(["claimed 1"]);
  });

  test("an end in time by a reconciler is an event also where nothing was kept before", async () => {
    const { a, sql, told } = scene();
    await a.finish(await a.acquire(), "outcome-unknown");
    const reconciler = await a.acquire({ intent: "reconcile" });
    await sql("update holdfast.record set has_history = false where $record");
    await sql("delete from holdfast.record_event where $record");
    await a.finish(reconciler, "complete");
    expect((await told())?.at(-1)).toBe("completed 1");
  });
});
