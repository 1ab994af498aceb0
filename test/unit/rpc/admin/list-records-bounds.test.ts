import { toBinary } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { ListRecordsResponseSchema } from "../../../../gen/holdfast/v1/operator_pb.ts";
import { OUTCOMES_BYTES_MAX, PAGES_MAX } from "../../../../src/operations/admin/records/list.ts";
import { listRecordsBytes } from "../../../../src/rpc/admin/list-records.ts";
import { acquire, methods } from "../bundle.ts";
import { admin, keyed, keysOf, type RecordStand, recordStand, walk } from "./records-stand.ts";

describe("one call", () => {
  /** A store that looks at so many records for one page, as a large one does. */
  const shortPages = (limit: number, calls: number[] = [], then = async () => {}) => ({
    through: (store: RecordStand["store"]): RecordStand["store"] => ({
      ...store,
      async list(query, deadline) {
        calls.push(query.limit);
        await then();
        return store.list({ ...query, limit: Math.min(limit, query.limit) }, deadline);
      },
    }),
  });

  test("fills its page from as many pages of the store as that takes", async () => {
    const own = recordStand(shortPages(2));
    for (let i = 0; i < 7; i++) await acquire(own, keyed(`key-${i}`));
    expect(await walk(own, { pageSize: 5 })).toEqual([
      ["key-0", "key-1", "key-2", "key-3", "key-4"],
      ["key-5", "key-6"],
    ]);
  });

  test("looks at a bounded number of them, and answers with what there is and a token", async () => {
    const calls: number[] = [];
    const own = recordStand(shortPages(1, calls));
    for (let i = 0; i < PAGES_MAX + 2; i++) await acquire(own, keyed(`key-${String(i).padStart(2, "0")}`));
    const nobodys = await own.ask(admin.listRecords, { owner: "nobody" });
    expect([nobodys.records, calls.length]).toEqual([[], PAGES_MAX]);
    const rest = await own.ask(admin.listRecords, { owner: "nobody", pageToken: nobodys.nextPageToken });
    expect([rest.records, rest.nextPageToken]).toEqual([[], ""]);
  });

  test("looks for no longer than half of the time that its caller gives", async () => {
    const calls: number[] = [];
    const own: RecordStand = recordStand(shortPages(1, calls, () => own.clock.advance(300)));
    for (let i = 0; i < 5; i++) await acquire(own, keyed(`key-${i}`));
    const deadline = own.clock.monotonicMs() + 1000;
    const page = await own.ask(admin.listRecords, {}, undefined, deadline);
    expect([keysOf(page.records), calls.length]).toEqual([["key-0", "key-1"], 2]);
    expect(page.nextPageToken).not.toBe("");
  });
});

describe("the size of an answer", () => {
  const LARGE = 700 * 1024;

  async function large(count: number) {
    const own = recordStand();
    for (let i = 0; i < count; i++) {
      const { handle } = await acquire(own, { ...keyed(`key-${i}`), owner: { service: "images", instance: "" } });
      const result = { body: { case: "inline" as const, value: new Uint8Array(LARGE) } };
      await own.call(methods.complete, { handle, result });
    }
    return own;
  }

  test("with outcomes is bounded, whatever the page's size", async () => {
    const own = await large(5);
    for (const filters of [{}, { owner: "images" }]) {
      const pages = await walk(own, { ...filters, includeOutcomes: true });
      expect(pages).toEqual([["key-0", "key-1"], ["key-2", "key-3"], ["key-4"]]);
    }
    expect(2 * LARGE).toBeLessThan(OUTCOMES_BYTES_MAX);
    expect(await walk(own, {})).toHaveLength(1);
  });

  test("at its largest is what a gRPC client takes by default", async () => {
    const own = recordStand();
    const text = (bytes: number) => "x".repeat(bytes);
    const progress = { fraction: 0.123456789, message: text(256) };
    const { handle } = await acquire(own, {
      key: { tenant: "acme", scope: text(128), key: text(512) },
      owner: { service: text(256), instance: text(256) },
      externalRef: text(256),
    });
    await own.call(methods.heartbeat, { handle, progress });
    const response = await own.ask(admin.listRecords, { tenantId: "acme" });
    const bytes = toBinary(ListRecordsResponseSchema, response).length;
    expect(bytes).toBeGreaterThan(1_600);
    // The token of the page, and the longest name of a tenant beside.
    expect(1000 * (bytes + 63) + OUTCOMES_BYTES_MAX + 2048).toBeLessThan(4 * 1024 * 1024);
  });

  test("is known about before it is encoded", async () => {
    const own = await large(2);
    const response = await own.ask(admin.listRecords, { includeOutcomes: true });
    const bytes = toBinary(ListRecordsResponseSchema, response).length;
    expect(Math.abs(listRecordsBytes(response) - bytes)).toBeLessThan(1_000);
  });
});
