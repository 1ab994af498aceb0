import { describe, expect, test } from "vitest";
import { emptiedEvent } from "../../../src/domain/history.ts";
import { addMs } from "../../../src/domain/instant.ts";
import type { Policy } from "../../../src/domain/record.ts";
import { resetRecord } from "../../support/operating.ts";
import { bytes, HOUR, MINUTE } from "../../support/records.ts";
import { createBench, policyOf } from "../bench.ts";
import type { StoreUnderTest } from "../contract.ts";

const NEVER = Number.POSITIVE_INFINITY;
const NOTHING = { forgotten: 0, abandoned: 0, emptied: 0, settled: 0 };

/** A result kept for a minute, its tombstone for an hour. */
const BRIEF: Policy = policyOf({ resultRetentionMs: MINUTE, tombstoneRetentionMs: HOUR });

/** What of a record is gone once its result end has passed. */
export function emptying(under: () => StoreUnderTest): void {
  describe("emptying", () => {
    test("whatever part of it is left counts as content, and none does not", async () => {
      const bare = { policy: BRIEF, evidence: new Uint8Array() };
      const ended = async (change: { readonly externalRef?: string; readonly progress?: Uint8Array }) => {
        const bench = createBench(under());
        const lease = await bench.acquire({ ...bare, externalRef: change.externalRef ?? null });
        if (change.progress !== undefined) await bench.heartbeat(lease, { progress: change.progress });
        await bench.finish(lease, "terminal", { outcome: null });
        return bench;
      };
      const [nothing] = [await ended({}), await ended({ externalRef: "ref" }), await ended({ progress: bytes("p") })];
      nothing.advance(MINUTE);
      expect(await nothing.sweep()).toEqual({ ...NOTHING, emptied: 2 });
    });

    test("what its history holds goes with a result, and that it happened stays", async () => {
      const { store } = under();
      const bench = createBench(under());
      const events = async () => (await store.history({ key: bench.key, withOutcomes: true }, NEVER))?.events ?? [];
      await bench.finish(await bench.acquire({ policy: BRIEF }), "outcome-unknown", { outcome: bytes("timed out") });
      const looked = await bench.acquire({ intent: "reconcile", evidence: bytes("the reconciler") });
      await bench.finish(looked, "retryable", { outcome: bytes("not done") });
      await bench.finish(await bench.acquire(), "complete");
      const full = await events();
      expect(full.map(({ error }) => error)).toContainEqual(bytes("timed out"));
      bench.moveTo(addMs((await bench.peek()).due, -1));
      await bench.sweep();
      expect(await events()).toEqual(full);
      bench.advance(1);
      expect(await bench.sweep()).toEqual({ ...NOTHING, emptied: 1 });
      expect(await events()).toEqual(full.map(emptiedEvent));
      expect(await bench.sweep()).toEqual(NOTHING);
      await resetRecord(store, bench.key, false);
      expect(await events()).toEqual([...full.map(emptiedEvent), expect.objectContaining({ kind: "reset" })]);
    });

    test("what a history holds counts as content where the record itself holds nothing", async () => {
      const bench = createBench(under());
      const bare = { policy: BRIEF, evidence: new Uint8Array() };
      await bench.finish(await bench.acquire(bare), "retryable", { outcome: bytes("refused") });
      await bench.finish(await bench.acquire(bare), "terminal", { outcome: null });
      bench.advance(MINUTE);
      expect(await bench.sweep()).toEqual({ ...NOTHING, emptied: 1 });
    });

    test.each(["complete", "retryable"] as const)(
      "a reset of an expired record leaves nothing of what it held, whether or not it was emptied before (%s first)",
      async (kind) => {
        const left = async (isSwept: boolean) => {
          const bench = createBench(under());
          const lease = await bench.acquire({ policy: BRIEF, evidence: bytes("a") });
          await bench.finish(lease, kind);
          if (kind === "retryable") await bench.finish(await bench.acquire(), "terminal", { outcome: bytes("no") });
          bench.moveTo((await bench.peek()).due);
          if (isSwept) await bench.sweep();
          expect(await resetRecord(under().store, bench.key, false)).toBe(true);
          const { evidence } = await bench.peek();
          const { events = [] } = (await under().store.history({ key: bench.key, withOutcomes: true }, NEVER)) ?? {};
          expect(events.at(-1)?.kind).toBe("reset");
          return { evidence, held: events.map((event) => [event.kind, event.evidence, event.error]) };
        };
        const { evidence, held } = await left(false);
        expect(evidence).toEqual(new Uint8Array());
        expect(held).toEqual(held.map(([happened]) => [happened, new Uint8Array(), null]));
        expect(await left(true)).toEqual({ evidence, held });
      },
    );
  });
}
