import { describe, expect, test } from "vitest";
import type { ClaimAnswer, ClaimCall } from "../../../../src/domain/calls.ts";
import { addMs, type Instant } from "../../../../src/domain/instant.ts";
import type { RecordKey } from "../../../../src/domain/key.ts";
import type { StoredRecord } from "../../../../src/domain/record.ts";
import { settle } from "../../../../src/domain/reducer/claim.ts";
import { answerClaims, type ClaimRow, readClaimRow } from "../../../../src/store/postgres/claim-row.ts";
import { EPOCH } from "../../../../src/store/postgres/packed-row.ts";
import { bytes, claimIdOf, claimOf, HOLDER, NOW, POLICY, recordOf, tokenOf } from "../../../support/records.ts";
import { bool, bytea, columnsOf, int4, int8, packed, text, timestamptz } from "./packed.ts";
import { rowOf } from "./row-of.ts";

const keyOf = (key: string): RecordKey => ({ tenant: "default", scope: "orders", key });
const USED_UP: Partial<StoredRecord> = { policy: { ...POLICY, maxAttempts: 1 }, due: addMs(NOW, -1) };

/** What a statement has read of the n-th call's record, and won of it. */
function rowFor(call: ClaimCall, i: number, change: Partial<ClaimRow> = {}): ClaimRow {
  return { i, ...call.key, seenAt: NOW, fenceFloor: 0n, stored: null, won: null, ...change };
}

/** Answers without a database, but for what settles; `observed` are the instants that the statement told. */
async function answered(calls: readonly ClaimCall[], rows: readonly ClaimRow[], settled: readonly unknown[] = []) {
  const observed: Instant[] = [];
  const sent: string[] = [];
  const time = { observed: (at: Instant) => observed.push(at), asOf: () => null, notAfter: async () => "infinity" };
  const connection = {
    query: async <Row>({ name }: { readonly name: string }) => {
      sent.push(name);
      return settled as readonly Row[];
    },
  };
  return { answers: await answerClaims(connection, calls, rows, time), observed, sent };
}

describe("what a statement says of a batch of claims", () => {
  test("is told to each call: its own record, and of a lease that it won what the winner made of it", async () => {
    const [one, other] = [claimOf({ key: keyOf("one") }), claimOf({ key: keyOf("other") })];
    const won = { due: addMs(NOW, 5), attempt: 7, lease: { token: tokenOf("won"), fence: 99n }, hasWaiters: true };
    const live = recordOf({ key: other.key });
    const rows = [rowFor(other, 2, { stored: live }), rowFor(one, 1, { won })];
    const { answers, sent } = await answered([one, other], rows);
    expect(answers).toEqual([
      expect.objectContaining({ kind: "acquired", reason: "new", record: expect.objectContaining(won) }),
      { kind: "in-progress", record: live, policyDiffers: false, now: NOW },
    ]);
    expect((answers[0] as Extract<ClaimAnswer, { kind: "acquired" }>).record).toMatchObject({
      key: one.key,
      claimId: one.claimId,
      evidence: bytes("the stranger's evidence"),
    });
    expect(sent).toEqual([]);
  });

  test("tells what the database's clock is, once for each row", async () => {
    const call = claimOf();
    const { observed } = await answered([call], [rowFor(call, 1, { seenAt: NOW + 3, stored: recordOf() })]);
    expect(observed).toEqual([NOW + 3]);
  });

  test("leaves undecided what a claim might have taken and has not", async () => {
    const [fresh, lapsed] = [claimOf({ key: keyOf("fresh") }), claimOf({ key: keyOf("lapsed") })];
    const stored = recordOf({ key: lapsed.key, due: addMs(NOW, -1) });
    const { answers, sent } = await answered([fresh, lapsed], [rowFor(fresh, 1), rowFor(lapsed, 2, { stored })]);
    expect(answers).toEqual([null, null]);
    expect(sent).toEqual([]);
  });

  test("has used-up attempts settled, and tells each of those calls whether its record was", async () => {
    const calls = ["a", "b", "c"].map((name) => claimOf({ key: keyOf(name), policy: { ...POLICY, hold: true } }));
    const exhausted = (key: RecordKey) => recordOf({ key, ...USED_UP });
    const rows = calls.map((call, i) =>
      rowFor(call, i + 1, { stored: i === 1 ? recordOf({ key: call.key }) : exhausted(call.key) }),
    );
    const settledRow = {
      ...rowOf({ ...keyOf("c"), state: 4, reason: 4, end_time: NOW, max_attempts: 1, due: 5, forget_at: 6 }),
      ...{ i: 2n, seen_at: NOW + 1 },
    };
    const { answers, sent } = await answered(calls, rows, [settledRow]);
    expect(sent).toEqual(["settle"]);
    expect(answers).toEqual([
      null,
      expect.objectContaining({ kind: "in-progress" }),
      {
        ...{ kind: "failed", policyDiffers: true, now: NOW + 1 },
        record: { ...settle(exhausted(keyOf("c")), NOW), due: 5, forgetAt: 6 },
      },
    ]);
  });

  test("gives no call the end of another's record", async () => {
    const [lapsed, used] = [claimOf({ key: keyOf("lapsed") }), claimOf({ key: keyOf("used") })];
    const rows = [
      rowFor(lapsed, 1, { stored: recordOf({ key: lapsed.key, due: addMs(NOW, -1) }) }),
      rowFor(used, 2, { stored: recordOf({ key: used.key, ...USED_UP }) }),
    ];
    const settledRow = { ...rowOf({ ...used.key, state: 4, reason: 4, end_time: NOW }), i: 1n, seen_at: NOW };
    const { answers } = await answered([lapsed, used], rows, [settledRow]);
    expect(answers).toEqual([null, expect.objectContaining({ kind: "failed" })]);
  });

  test("is a bug where a call was won that would be answered otherwise, and names how", async () => {
    const call = claimOf({ claimId: claimIdOf("another") });
    const won = { due: NOW, attempt: 1, lease: HOLDER, hasWaiters: false };
    const asked = answered([call], [rowFor(call, 1, { stored: recordOf(), won })]);
    await expect(asked).rejects.toThrow("bug: a claim was won that is answered in-progress");
  });

  test("is a bug where a call has no row", async () => {
    const calls = [claimOf({ key: keyOf("a") }), claimOf({ key: keyOf("b") })];
    await expect(answered(calls, [rowFor(claimOf({ key: keyOf("a") }), 1)])).rejects.toThrow("bug");
  });
});

describe("a row of it as it comes", () => {
  const head = [int8(3), text("default"), text("orders"), text("order-1"), timestamptz(BigInt(NOW - EPOCH)), int8(17n)];

  test("has what was won", () => {
    const won = [int8(21n), timestamptz(BigInt(NOW + 9 - EPOCH)), int4(4), bytea(tokenOf("won")), bool(true)];
    expect(readClaimRow({ call: packed(...head, ...won), record: null })).toEqual({
      ...{ i: 3, tenant: "default", scope: "orders", key: "order-1", seenAt: NOW, fenceFloor: 17n, stored: null },
      won: { due: NOW + 9, attempt: 4, lease: { token: tokenOf("won"), fence: 21n }, hasWaiters: true },
    });
    expect(() => readClaimRow({ call: packed(...head, ...won, int4(5)), record: null })).toThrow("bug");
  });

  test("has the record as it was read, under the key that it was asked for by", () => {
    const nothing = [int8(null), timestamptz(null), int4(null), bytea(null), bool(false)];
    const record = packed(...columnsOf(rowOf()));
    expect(readClaimRow({ call: packed(...head, ...nothing), record }).stored).toEqual(recordOf());
  });

  test("or has nothing that was won", () => {
    const nothing = [int8(null), timestamptz(null), int4(null), bytea(null), bool(false)];
    expect(readClaimRow({ call: packed(...head, ...nothing), record: null })).toMatchObject({ i: 3, won: null });
  });
});
