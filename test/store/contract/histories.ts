import { describe, expect, test } from "vitest";
import { EVENTS_KEPT, type RecordEvent } from "../../../src/domain/history.ts";
import { addMs } from "../../../src/domain/instant.ts";
import { OPERATOR, releaseRecord, resetRecord, resolveRecord } from "../../support/operating.ts";
import { bytes, LEASE_MS, MINUTE, SECOND } from "../../support/records.ts";
import { type Bench, createBench, policyOf } from "../bench.ts";
import type { StoreUnderTest } from "../contract.ts";

const NEVER = Number.POSITIVE_INFINITY;
const HOLD = policyOf({ hold: true });

const by = (name: string) => ({ evidence: bytes(name) });
const reconcileBy = (name: string) => ({ intent: "reconcile", ...by(name) }) as const;

export function histories(under: () => StoreUnderTest): void {
  const eventsOf = async (bench: Bench) =>
    (await under().store.history({ key: bench.key, withOutcomes: true }, NEVER))?.events ?? null;
  /** What happened, to which attempt, by whom. */
  const told = async (bench: Bench) => (await eventsOf(bench))?.map(inWords) ?? null;

  describe("a history", () => {
    test("is that of no record where none is, or none that is remembered", async () => {
      const bench = createBench(under());
      expect(await under().store.history({ key: bench.key, withOutcomes: true }, NEVER)).toBeNull();
      await bench.finish(
        await bench.acquire({ policy: policyOf({ resultRetentionMs: MINUTE, tombstoneRetentionMs: 0 }) }),
        "complete",
      );
      bench.advance(MINUTE);
      expect(await under().store.history({ key: bench.key, withOutcomes: true }, NEVER)).toBeNull();
    });

    test.each(["complete", "terminal"] as const)(
      "holds nothing while the record tells it all by itself (%s)",
      async (kind) => {
        const bench = createBench(under());
        const lease = await bench.acquire();
        expect(await eventsOf(bench)).toEqual([]);
        bench.advance(SECOND);
        await bench.heartbeat(lease, { checkpoint: { sequence: 1n, encoded: bytes("cp") } });
        await bench.claim({ claimId: lease.claimId });
        await bench.finish(lease, kind);
        await bench.claim();
        expect(await under().store.history({ key: bench.key, withOutcomes: true }, NEVER)).toEqual({
          record: await bench.peek(),
          events: [],
          notes: new Map(),
          now: bench.now(),
        });
      },
    );

    test("tells without outcomes that there are some, and everything else", async () => {
      const bench = createBench(under());
      await bench.finish(await bench.acquire(), "retryable", { outcome: bytes("not now") });
      const lease = await bench.acquire();
      await bench.heartbeat(lease, { checkpoint: { sequence: 1n, encoded: bytes("cp") } });
      await bench.finish(lease, "complete", { outcome: bytes("done") });
      const told = async (withOutcomes: boolean) => under().store.history({ key: bench.key, withOutcomes }, NEVER);
      const whole = await told(true);
      const empty = (content: Uint8Array | null) => content && new Uint8Array();
      expect(whole?.events.some(({ error }) => error !== null)).toBe(true);
      expect(await told(false)).toEqual({
        ...whole,
        record: { ...whole?.record, outcome: new Uint8Array() },
        events: whole?.events.map((event) => ({ ...event, error: empty(event.error) })),
      });
    });

    test("begins with the claim that was told by the record until then, and tells the rest in order", async () => {
      const bench = createBench(under());
      const first = await bench.acquire(by("a"));
      bench.moveTo(first.due);
      const second = await bench.acquire(by("b"));
      bench.advance(SECOND);
      await bench.finish(second, "retryable", { outcome: bytes("refused"), delayMs: MINUTE });
      const failedAt = bench.now();
      bench.advance(MINUTE);
      const third = await bench.acquire(by("c"));
      bench.advance(SECOND);
      await bench.finish(third, "complete");
      const common = { error: null, late: false, auditSequence: null };
      expect(await eventsOf(bench)).toEqual([
        {
          ...common,
          sequence: 1n,
          kind: "claimed",
          time: first.record.createTime,
          attempt: 1,
          fence: first.fence,
          ...by("a"),
        },
        { ...common, sequence: 2n, kind: "taken-over", time: first.due, attempt: 2, fence: second.fence, ...by("b") },
        {
          ...common,
          ...{ sequence: 3n, kind: "failed-retryable", time: failedAt, attempt: 2, fence: second.fence, ...by("b") },
          error: bytes("refused"),
        },
        {
          ...common,
          sequence: 4n,
          kind: "retried",
          time: addMs(failedAt, MINUTE),
          attempt: 3,
          fence: third.fence,
          ...by("c"),
        },
        { ...common, sequence: 5n, kind: "completed", time: bench.now(), attempt: 3, fence: third.fence, ...by("c") },
      ]);
    });

    test("tells late ends as such: by a lapsed holder, and of an outcome that was unknown", async () => {
      const late = createBench(under());
      const holder = await late.acquire(by("a"));
      late.moveTo(holder.due);
      await late.finish(holder, "complete");
      expect(await told(late)).toEqual(["1 claimed 1 a", "2 completed 1 a, late"]);
      const unknown = createBench(under());
      const lease = await unknown.acquire(by("a"));
      await unknown.finish(lease, "outcome-unknown", { outcome: bytes("timed out") });
      await unknown.finish(lease, "terminal", { outcome: bytes("no") });
      expect(await told(unknown)).toEqual([
        "1 claimed 1 a",
        "2 outcome-unknown 1 a: timed out",
        "3 failed 1 a: no, late",
      ]);
    });

    test("tells whose hand it was: the reconciler's, or the suspect's behind its back", async () => {
      const bench = createBench(under());
      const suspect = await bench.acquire({ policy: HOLD, ...by("a") });
      bench.moveTo(suspect.due);
      const reconciler = await bench.acquire(reconcileBy("r"));
      await bench.finish(reconciler, "outcome-unknown", { outcome: bytes("no answer") });
      const second = await bench.acquire(reconcileBy("s"));
      await bench.finish(second, "not-started", { outcome: null });
      const again = await bench.acquire(by("b"));
      bench.moveTo(again.due);
      await bench.acquire(reconcileBy("t"));
      await bench.finish(again, "complete");
      expect(await told(bench)).toEqual([
        "1 claimed 1 a",
        "2 reconciling 1 r",
        "3 outcome-unknown 1 r: no answer",
        "4 reconciling 1 s",
        "5 not-started 1 s",
        "6 retried 1 b",
        "7 reconciling 1 t",
        "8 completed 1 b, late",
      ]);
    });

    test("tells attempts being used up, by the last report and by nobody", async () => {
      const reported = createBench(under());
      const policy = policyOf({ maxAttempts: 1 });
      await reported.finish(await reported.acquire({ policy, ...by("a") }), "retryable", { outcome: bytes("no") });
      expect(await told(reported)).toEqual(["1 claimed 1 a", "2 attempts-used-up 1 a: no"]);
      const lapsed = createBench(under());
      lapsed.moveTo((await lapsed.acquire({ policy, ...by("a") })).due);
      await lapsed.claim();
      expect(await told(lapsed)).toEqual(["1 claimed 1 a", "2 attempts-used-up 1 a"]);
    });

    test("tells a retry of what had failed for good, with the end that was told by the record until then", async () => {
      const bench = createBench(under());
      const lease = await bench.acquire(by("a"));
      bench.advance(SECOND);
      await bench.finish(lease, "terminal", { outcome: bytes("no") });
      bench.advance(SECOND);
      await bench.acquire({ reuse: "retry-failed", ...by("b") });
      expect(await told(bench)).toEqual(["1 claimed 1 a", "2 failed 1 a: no", "3 retried 2 b"]);
      expect((await eventsOf(bench))?.map(({ time }) => time)).toEqual(
        [-2, -1, 0].map((s) => addMs(bench.now(), s * SECOND)),
      );
    });

    test("tells what operators did, and by the audit log who and why", async () => {
      const bench = createBench(under());
      await bench.acquire({ policy: HOLD, ...by("a") });
      await releaseRecord(under().store, bench.key);
      await resolveRecord(under().store, bench.key, { kind: "not-done" });
      await bench.acquire(by("b"));
      await releaseRecord(under().store, bench.key);
      await resolveRecord(under().store, bench.key, { kind: "failed", outcome: bytes("gone") });
      await resetRecord(under().store, bench.key, false);
      await bench.acquire(by("c"));
      expect(await told(bench)).toEqual([
        "1 claimed 1 a",
        "2 released 1 a",
        "3 resolved 1 a",
        "4 retried 1 b",
        "5 released 1 b",
        "6 resolved 1 b: gone",
        "7 reset 1 b",
        "8 claimed 1 c",
      ]);
      const { events, notes } = (await under().store.history({ key: bench.key, withOutcomes: true }, NEVER)) ?? {
        events: [],
        notes: new Map(),
      };
      const numbers = events.map(({ auditSequence }) => auditSequence);
      expect(numbers.map((number) => number !== null)).toEqual([false, true, true, false, true, true, true, false]);
      expect([...notes.keys()]).toEqual(numbers.filter((number) => number !== null));
      expect(new Set(notes.values().map(({ actor, reason }) => `${actor} ${reason}`))).toEqual(
        new Set([`${OPERATOR.actor} ${OPERATOR.reason}`]),
      );
    });

    test("tells of a reconciler whose lease an operator took away, and of a forced verdict", async () => {
      const bench = createBench(under());
      await bench.finish(await bench.acquire(by("a")), "outcome-unknown", { outcome: null });
      await bench.acquire(reconcileBy("r"));
      await releaseRecord(under().store, bench.key);
      await bench.acquire(reconcileBy("s"));
      await resolveRecord(under().store, bench.key, { kind: "completed", outcome: bytes("found") }, true);
      expect((await told(bench))?.slice(2)).toEqual([
        "3 reconciling 1 r",
        "4 released 1 r",
        "5 reconciling 1 s",
        "6 resolved 1 a",
      ]);
    });

    test("tells a reset of what had completed in time", async () => {
      const bench = createBench(under());
      await bench.finish(await bench.acquire(by("a")), "complete");
      await resetRecord(under().store, bench.key, false);
      expect(await told(bench)).toEqual(["1 claimed 1 a", "2 completed 1 a", "3 reset 1 a"]);
    });

    test("tells an unknown outcome that is reported once more with other words, and not its repeat", async () => {
      const bench = createBench(under());
      const lease = await bench.acquire(by("a"));
      for (const words of ["timed out", "timed out", "connection lost"]) {
        await bench.finish(lease, "outcome-unknown", { outcome: bytes(words) });
      }
      expect((await told(bench))?.slice(1)).toEqual([
        "2 outcome-unknown 1 a: timed out",
        "3 outcome-unknown 1 a: connection lost, late",
      ]);
    });

    test("keeps the newest events, and their numbers go on", async () => {
      const bench = createBench(under());
      for (let attempt = 1; attempt <= EVENTS_KEPT; attempt++) {
        await bench.finish(await bench.acquire(), "retryable");
      }
      const events = await eventsOf(bench);
      expect(events).toHaveLength(EVENTS_KEPT);
      expect(events?.[0]).toMatchObject({ sequence: BigInt(EVENTS_KEPT + 1) });
      expect(events?.at(-1)).toMatchObject({
        sequence: BigInt(2 * EVENTS_KEPT),
        kind: "failed-retryable",
        attempt: EVENTS_KEPT,
      });
    });

    test("is forgotten with its record: what is claimed anew begins anew", async () => {
      const bench = createBench(under());
      const policy = policyOf({ resultRetentionMs: MINUTE, tombstoneRetentionMs: 0 });
      await bench.finish(await bench.acquire({ policy, ...by("a") }), "not-started");
      await bench.finish(await bench.acquire(by("b")), "complete");
      bench.advance(MINUTE);
      const anew = await bench.acquire(by("c"));
      expect(await told(bench)).toEqual([]);
      bench.moveTo(anew.due);
      await bench.acquire(by("d"));
      expect(await told(bench)).toEqual(["1 claimed 1 c", "2 taken-over 2 d"]);
    });

    test("is one record's alone", async () => {
      const [bench, other] = [createBench(under()), createBench(under())];
      await bench.finish(await bench.acquire(by("a")), "retryable", { outcome: null });
      await other.finish(await other.acquire(by("b")), "not-started", { outcome: null });
      expect(await told(bench)).toEqual(["1 claimed 1 a", "2 failed-retryable 1 a"]);
      expect(await told(other)).toEqual(["1 claimed 1 b", "2 not-started 1 b"]);
    });

    test("is left alone by what is refused", async () => {
      const bench = createBench(under());
      const lease = await bench.acquire();
      const call = { ...OPERATOR, key: bench.key, fence: lease.fence, force: false };
      await under().store.reset(call, NEVER);
      await under().store.resolve({ ...call, verdict: { kind: "not-done" } }, NEVER);
      await under().store.release({ ...call, fence: lease.fence + 1n }, NEVER);
      await under().store.purge({ ...OPERATOR, ...bench.key, force: false, limit: 10, after: null }, NEVER);
      bench.advance(LEASE_MS - 1);
      await bench.finish({ ...lease, fence: lease.fence - 1n }, "complete");
      expect(await eventsOf(bench)).toEqual([]);
    });
  });
}

function inWords({ sequence, kind, attempt, evidence, error, late }: RecordEvent): string {
  const text = (encoded: Uint8Array) => Buffer.from(encoded).toString();
  return `${sequence} ${kind} ${attempt} ${text(evidence)}${error === null ? "" : `: ${text(error)}`}${late ? ", late" : ""}`;
}
