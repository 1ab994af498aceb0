import { randomUUID } from "node:crypto";
import { describe, expect, test } from "vitest";
import { addMs } from "../../../src/domain/instant.ts";
import type { RecordKey } from "../../../src/domain/key.ts";
import type { ListPosition, RecordPage, RecordQuery } from "../../../src/store/operator-store.ts";
import { QUERY } from "../../support/operating.ts";
import { bytes, DAY, HOUR, LEASE_MS, MINUTE, SECOND } from "../../support/records.ts";
import { type Bench, createBench, policyOf } from "../bench.ts";
import type { StoreUnderTest } from "../contract.ts";

const NEVER = Number.POSITIVE_INFINITY;

export function listing(under: () => StoreUnderTest): void {
  /** All pages, one after the other. */
  const pagesOf = async (query: Partial<RecordQuery>) => {
    const pages: RecordPage[] = [];
    let after: ListPosition | null = null;
    do {
      const page = await under().store.list({ ...QUERY, ...query, after }, NEVER);
      pages.push(page);
      after = page.next;
    } while (after !== null);
    return pages;
  };
  const all = async (query: Partial<RecordQuery>) => (await pagesOf(query)).flatMap(({ records }) => records);
  const names = async (query: Partial<RecordQuery>) =>
    (await all(query)).map(
      ({ record: { key }, stuck }) => `${key.scope}/${key.key}${stuck === null ? "" : ` ${stuck}`}`,
    );

  const stand = () => {
    const tenant: string = randomUUID();
    const make = async (
      name: string,
      change: (bench: Bench) => Promise<unknown> = (bench) => bench.acquire({ leaseMs: DAY }),
    ) => {
      const [scope = "", key = ""] = name.split("/");
      const bench = createBench(under(), { tenant, scope, key } satisfies RecordKey);
      await change(bench);
      return bench;
    };
    return { tenant, make };
  };
  const complete = async (bench: Bench) => bench.finish(await bench.acquire(), "complete");

  /** Of each state one, and the stuck ones, in an order that is none of the list's. */
  const everyState = async () => {
    const { tenant, make } = stand();
    const hold = policyOf({ hold: true });
    await make("b/unknown by lapse", (bench) => bench.acquire({ policy: hold }));
    createBench(under()).advance(SECOND);
    await make("a/lapsed", (bench) => bench.acquire());
    await make("a/reconciling", async (bench) => {
      await bench.finish(await bench.acquire(), "outcome-unknown");
      await bench.acquire({ intent: "reconcile", leaseMs: DAY });
    });
    await make("z/overdue", async (bench) => bench.finish(await bench.acquire(), "retryable"));
    await make("a/unbound", async (bench) => {
      await bench.acquire();
      const { lease } = await bench.peek();
      await under().store.reset({ actor: "a", reason: "r", key: bench.key, fence: lease.fence, force: true }, NEVER);
    });
    await make("b/completed", complete);
    await make("a/failed", async (bench) => bench.finish(await bench.acquire(), "terminal"));
    await make("a/expired", async (bench) =>
      bench.finish(await bench.acquire({ policy: policyOf({ resultRetentionMs: MINUTE }) }), "complete"),
    );
    await make("a/forgotten", async (bench) =>
      bench.finish(
        await bench.acquire({ policy: policyOf({ resultRetentionMs: MINUTE, tombstoneRetentionMs: 0 }) }),
        "complete",
      ),
    );
    await make("a/reported", async (bench) => bench.finish(await bench.acquire(), "outcome-unknown"));
    createBench(under()).advance(LEASE_MS + MINUTE - SECOND);
    await make("a/held");
    await make("c/lapsed lately", (bench) => bench.acquire({ leaseMs: SECOND }));
    createBench(under()).advance(SECOND);
    return tenant;
  };

  describe("a list", () => {
    test("shows stuck records first, then the other open ones, each by their first claims, then the ended ones", async () => {
      const tenant = await everyState();
      expect(await names({ tenant })).toEqual([
        "b/unknown by lapse outcome-unknown",
        "a/lapsed lease-expired",
        "a/reported outcome-unknown",
        "z/overdue overdue",
        "a/reconciling",
        "a/unbound",
        "a/held",
        "c/lapsed lately",
        "a/expired",
        "a/failed",
        "b/completed",
      ]);
      expect(await names({ tenant, stuckOnly: true })).toEqual([
        "b/unknown by lapse outcome-unknown",
        "a/lapsed lease-expired",
        "a/reported outcome-unknown",
        "z/overdue overdue",
      ]);
    });

    test.each([1, 2, 3, 5, 11])("is the same in pages of %i, none of which is larger", async (limit) => {
      const tenant = await everyState();
      const pages = await pagesOf({ tenant, limit });
      for (const { records } of pages) expect(records.length).toBeLessThanOrEqual(limit);
      expect(pages.flatMap(({ records }) => records)).toEqual(await all({ tenant }));
    });

    test.each([
      [["in-progress"], ["a/lapsed lease-expired", "a/reconciling", "a/held", "c/lapsed lately"]],
      [["available"], ["z/overdue overdue", "a/unbound"]],
      [["outcome-unknown"], ["b/unknown by lapse outcome-unknown", "a/reported outcome-unknown"]],
      [["completed"], ["b/completed"]],
      [["failed"], ["a/failed"]],
      [["expired"], ["a/expired"]],
      [
        ["expired", "available"],
        ["z/overdue overdue", "a/unbound", "a/expired"],
      ],
      [[], []],
    ] as const)("shows records in the states %j only, as callers see them", async (states, expected) => {
      const tenant = await everyState();
      expect(await names({ tenant, states })).toEqual(expected);
      expect(await names({ tenant, states, stuckOnly: true })).toEqual(
        expected.filter((name) => name.includes(" outcome") || name.includes(" lease") || name.includes(" overdue")),
      );
    });

    test("shows one scope, or keys that begin with the same bytes, and nothing of another tenant", async () => {
      const { tenant, make } = stand();
      for (const done of ["a/1", "a/10", "a/1é", "a/1\u{10FFFF}x", "a/2", "ab/1", "b/1"]) await make(done, complete);
      for (const open of ["a/11", "a/12", "b/11", "a/21"]) await make(open);
      await stand().make("a/1");
      const sorted = async (query: Partial<RecordQuery>) => (await names({ tenant, ...query })).toSorted();
      expect(await sorted({ scope: "a", keyPrefix: "1" })).toEqual(
        ["a/1", "a/10", "a/11", "a/12", "a/1é", "a/1\u{10FFFF}x"].toSorted(),
      );
      expect(await sorted({ keyPrefix: "1" })).toHaveLength(9);
      expect(await sorted({ scope: "a" })).toHaveLength(8);
      expect(await sorted({ scope: "a", keyPrefix: "12" })).toEqual(["a/12"]);
      expect(await sorted({ scope: "a", keyPrefix: "1_" })).toEqual([]);
      expect(await sorted({ scope: "a", keyPrefix: "%" })).toEqual([]);
      expect(await sorted({ scope: "c" })).toEqual([]);
    });

    test("shows records by the age of their first claim, both ends included, however large", async () => {
      const { tenant, make } = stand();
      for (const name of ["a/old", "a/older"]) await make(name, complete);
      await make("a/old open");
      createBench(under()).advance(HOUR);
      for (const name of ["b/new", "b/new too"]) await make(name, complete);
      await make("a/new open");
      const hourOld = ["a/old open", "a/old", "a/older"];
      const fresh = ["a/new open", "b/new", "b/new too"];
      expect(await names({ tenant, olderThanMs: HOUR })).toEqual(hourOld);
      expect(await names({ tenant, olderThanMs: HOUR + 0.001 })).toEqual([]);
      expect(await names({ tenant, newerThanMs: HOUR - 0.001 })).toEqual(fresh);
      expect(await names({ tenant, newerThanMs: HOUR, olderThanMs: HOUR })).toEqual(hourOld);
      expect(await names({ tenant, olderThanMs: 315_576_000_000_000 })).toEqual([]);
      expect(await names({ tenant, newerThanMs: 315_576_000_000_000 })).toHaveLength(6);
    });

    test("shows records without checkpoints, with outcomes when asked, and expired ones as the sweeper would leave them", async () => {
      const { tenant, make } = stand();
      const checkpoint = { sequence: 1n, encoded: bytes("cp") };
      const end = async (bench: Bench, kind: "complete" | "retryable", change = {}) =>
        bench.finish(await bench.acquire(change), kind, { outcome: bytes(kind), checkpoint });
      const benches = [
        await make("a/open", (bench) => end(bench, "retryable")),
        await make("a/done", (bench) => end(bench, "complete", { externalRef: "tx-1" })),
        await make("a/expired", (bench) => end(bench, "complete", { policy: policyOf({ resultRetentionMs: MINUTE }) })),
      ];
      createBench(under()).advance(MINUTE);
      const [open, done, expired] = await Promise.all(benches.map((bench) => bench.peek()));
      const shown = (record: typeof open, change = {}) => ({ ...record, checkpoint: null, ...change });
      const empty = { outcome: null, checkpointTime: null, evidence: new Uint8Array() };
      const listed = async (withOutcomes: boolean) => (await all({ tenant, withOutcomes })).map(({ record }) => record);
      expect(await listed(true)).toEqual([shown(open), shown(done), shown(expired, empty)]);
      const without = { outcome: null };
      expect(await listed(false)).toEqual([shown(open, without), shown(done, without), shown(expired, empty)]);
    });

    test("ends a page with outcomes once 2 MiB of them are read, and never before its first record", async () => {
      const { tenant, make } = stand();
      const outcome = new Uint8Array(900 * 1024).fill(1);
      for (const name of ["a/1", "a/2", "a/3", "a/4", "a/5"]) {
        await make(name, async (bench) => bench.finish(await bench.acquire(), "complete", { outcome }));
      }
      const sizes = (await pagesOf({ tenant, withOutcomes: true })).map(({ records }) => records.length);
      expect(sizes.filter((size) => size > 0)).toEqual([2, 2, 1]);
      expect((await pagesOf({ tenant })).map(({ records }) => records.length)).toEqual([5]);
    });

    test("of a tenant without records is one empty page, and says what time it is", async () => {
      const page = await under().store.list({ ...QUERY, tenant: randomUUID() }, NEVER);
      expect(page).toEqual({ records: [], next: null, now: under().now() });
    });

    test("calls a lapse stuck when nobody has come for a minute, to the microsecond", async () => {
      const { tenant, make } = stand();
      const bench = await make("a/1", (one) => one.acquire());
      const { due } = await bench.peek();
      bench.moveTo(addMs(due, MINUTE) - 1_000);
      expect(await names({ tenant })).toEqual(["a/1"]);
      bench.moveTo(addMs(due, MINUTE));
      expect(await names({ tenant })).toEqual(["a/1 lease-expired"]);
    });
  });
}
