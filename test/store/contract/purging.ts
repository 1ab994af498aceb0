import { randomUUID } from "node:crypto";
import { describe, expect, test } from "vitest";
import type { RecordKey } from "../../../src/domain/key.ts";
import type { PurgeCall, PurgePosition } from "../../../src/store/operator-store.ts";
import { OPERATOR, resetRecord } from "../../support/operating.ts";
import { MINUTE } from "../../support/records.ts";
import { createBench, policyOf } from "../bench.ts";
import type { StoreUnderTest } from "../contract.ts";

const NEVER = Number.POSITIVE_INFINITY;

export function purging(under: () => StoreUnderTest): void {
  const purge = (call: Pick<PurgeCall, "tenant"> & Partial<PurgeCall>) =>
    under().store.purge({ ...OPERATOR, scope: null, key: null, force: false, limit: 100, after: null, ...call }, NEVER);
  const benchOf = (key: RecordKey) => createBench(under(), key);
  const ended = async (key: RecordKey) => {
    const bench = benchOf(key);
    await bench.finish(await bench.acquire(), "complete");
    return bench;
  };
  /** A tenant of the test's own. */
  const freshTenant = () => randomUUID();
  const keysOf = (tenant: string, names: readonly string[]) =>
    names.map((name): RecordKey => {
      const [scope = "", key = ""] = name.split("/");
      return { tenant, scope, key };
    });

  describe("a purge", () => {
    test("of a key deletes that record and no other, and the fence goes on from it", async () => {
      const tenant = freshTenant();
      const keys = keysOf(tenant, ["a/k", "a/k1", "a/j", "ab/k", "b/k"]);
      const [bench] = await Promise.all(keys.map(ended));
      const elsewhere = await ended({ tenant: freshTenant(), scope: "a", key: "k" });
      const { fence } = (await bench?.peek())?.lease ?? { fence: 0n };
      expect(await purge({ tenant, scope: "a", key: "k" })).toEqual({
        keys: [keys[0]],
        redacted: 0,
        held: 0,
        next: null,
      });
      expect(await bench?.find()).toBeNull();
      for (const key of [...keys.slice(1), elsewhere.key]) expect(await benchOf(key).find()).not.toBeNull();
      expect((await bench?.acquire())?.fence).toBeGreaterThan(fence);
      expect(await bench?.peek()).toMatchObject({ attempt: 1, createTime: bench?.now() });
    });

    test("of a key that is not there deletes nothing", async () => {
      const tenant = freshTenant();
      await ended({ tenant, scope: "a", key: "k" });
      const nothing = { keys: [], redacted: 0, held: 0, next: null };
      expect(await purge({ tenant, scope: "a", key: "absent" })).toEqual(nothing);
      expect(await purge({ tenant, scope: "b", key: "k" })).toEqual(nothing);
      expect(await purge({ tenant: freshTenant() })).toEqual(nothing);
    });

    test("of a scope deletes what is in it, byte by byte, forgotten records and open ones too", async () => {
      const tenant = freshTenant();
      const keys = keysOf(tenant, ["a/1", "a/\u{10FFFF}", "a/é", "A/1", "a\u{1}/1", "aa/1"]);
      await Promise.all(keys.slice(1).map(ended));
      const forgotten = benchOf(keys[0] as RecordKey);
      const policy = policyOf({ resultRetentionMs: MINUTE, tombstoneRetentionMs: 0 });
      await forgotten.finish(await forgotten.acquire({ policy }), "complete");
      forgotten.advance(MINUTE);
      const open = benchOf({ tenant, scope: "a", key: "open" });
      await open.finish(await open.acquire(), "retryable");
      const purged = await purge({ tenant, scope: "a" });
      expect(purged).toMatchObject({ redacted: 0, held: 0, next: null });
      expect(new Set(purged.keys)).toEqual(new Set([...keys.slice(0, 3), open.key]));
      for (const key of keys.slice(3)) expect(await benchOf(key).find()).not.toBeNull();
    });

    test("of a tenant deletes all of its records, and none of another's", async () => {
      const [tenant, other] = [freshTenant(), freshTenant()];
      const keys = keysOf(tenant, ["a/1", "b/1", "b/2"]);
      await Promise.all([...keys, { tenant: other, scope: "a", key: "1" }].map(ended));
      expect(new Set((await purge({ tenant })).keys)).toEqual(new Set(keys));
      expect(await benchOf({ tenant: other, scope: "a", key: "1" }).find()).not.toBeNull();
    });

    test("leaves what is held up to the end of the lease, and counts it, unless forced", async () => {
      const tenant = freshTenant();
      const held = benchOf({ tenant, scope: "a", key: "held" });
      const lease = await held.acquire();
      const done = await ended({ tenant, scope: "a", key: "done" });
      held.moveTo(lease.due - 1_000);
      expect(await purge({ tenant })).toEqual({ keys: [done.key], redacted: 0, held: 1, next: null });
      expect(await purge({ tenant })).toEqual({ keys: [], redacted: 0, held: 1, next: null });
      expect(await held.peek()).toEqual(lease.record);
      expect(await purge({ tenant, force: true })).toEqual({ keys: [held.key], redacted: 0, held: 0, next: null });
      expect(await held.finished(lease, "complete")).toBe("RECORD_NOT_FOUND");
      const lapsed = benchOf({ tenant, scope: "a", key: "lapsed" });
      lapsed.moveTo((await lapsed.acquire()).due);
      expect(await purge({ tenant })).toEqual({ keys: [lapsed.key], redacted: 0, held: 0, next: null });
    });

    test("goes page by page, each beginning behind what the one before has looked at", async () => {
      const tenant = freshTenant();
      const keys = keysOf(tenant, ["a/1", "a/2", "a/2\u{1}", "b/1", "b/3"]);
      await Promise.all(keys.map(ended));
      const held = benchOf({ tenant, scope: "b", key: "2" });
      await held.acquire();
      const pages: { readonly keys: number; readonly held: number }[] = [];
      let after: PurgePosition | null = null;
      do {
        const page: Awaited<ReturnType<typeof purge>> = await purge({ tenant, limit: 2, after });
        pages.push({ keys: page.keys.length, held: page.held });
        after = page.next;
      } while (after !== null);
      expect(pages.filter(({ keys: deleted, held: left }) => deleted + left > 0)).toEqual([
        { keys: 2, held: 0 },
        { keys: 2, held: 0 },
        { keys: 1, held: 1 },
      ]);
      expect(await held.find()).not.toBeNull();
    });

    test("blots keys out of the audit log also where their records are long gone, and counts the lines", async () => {
      const tenant = freshTenant();
      const [gone, held, other] = keysOf(tenant, ["a/gone", "a/held", "b/gone"]).map(benchOf);
      if (gone === undefined || held === undefined || other === undefined) throw new Error("bug: three keys");
      const policy = policyOf({ resultRetentionMs: MINUTE, tombstoneRetentionMs: 0 });
      for (const bench of [gone, held, other]) {
        await bench.acquire();
        await resetRecord(under().store, bench.key, true);
        await bench.finish(await bench.acquire({ policy }), "complete");
      }
      gone.advance(MINUTE);
      await under().store.sweep(10_000);
      const lease = await held.acquire();
      const nothing = { keys: [], held: 0, next: null };
      expect(await purge({ tenant, scope: "a", key: "gone" })).toEqual({ ...nothing, redacted: 1 });
      expect(await purge({ tenant, scope: "a", key: "gone" })).toEqual({ ...nothing, redacted: 0 });
      expect(await purge({ tenant, scope: "a" }), "held: it and its lines stay").toEqual({
        ...{ ...nothing, redacted: 0, held: 1 },
      });
      held.moveTo(lease.due);
      expect(await purge({ tenant, limit: 1 })).toMatchObject({ keys: [held.key], redacted: 1, held: 0 });
      expect(await purge({ tenant })).toEqual({ ...nothing, redacted: 1 });
    });

    test("takes the history with it", async () => {
      const bench = benchOf({ tenant: freshTenant(), scope: "a", key: "k" });
      await bench.finish(await bench.acquire(), "not-started");
      await purge(bench.key);
      await bench.finish(await bench.acquire(), "complete");
      expect((await under().store.history({ key: bench.key, withOutcomes: true }, NEVER))?.events).toEqual([]);
    });
  });
}
