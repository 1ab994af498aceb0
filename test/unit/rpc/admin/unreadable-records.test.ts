import { describe, expect, test } from "vitest";
import { RecordState } from "../../../../gen/holdfast/v1/idempotency_pb.ts";
import type { StoredRecord } from "../../../../src/domain/record.ts";
import type { Store } from "../../../../src/store/store.ts";
import { createBench, policyOf } from "../../../store/bench.ts";
import { bytes, NOW } from "../../../support/records.ts";
import { sealStore } from "../../store/sealed/sealing.ts";
import { KEY, resultOf } from "../bundle.ts";
import { admin, OPERATOR, REASON, recordStand, roles } from "./records-stand.ts";

/** What is read of a record has a bit of its outcome, and of its checkpoint, turned over. */
function tampered(store: Store): Store {
  const flipped = (content: Uint8Array | null) =>
    content === null || content.length === 0 ? content : content.with(-1, (content.at(-1) ?? 0) ^ 1);
  const spoilt = (record: StoredRecord): StoredRecord => ({
    ...record,
    outcome: flipped(record.outcome),
    checkpoint: flipped(record.checkpoint),
  });
  return {
    ...store,
    async peek(key, deadline) {
      const { record, now } = await store.peek(key, deadline);
      return { record: record && spoilt(record), now };
    },
    async list(query, deadline) {
      const page = await store.list(query, deadline);
      return { ...page, records: page.records.map((listed) => ({ ...listed, record: spoilt(listed.record) })) };
    },
    async history(query, deadline) {
      const history = await store.history(query, deadline);
      return history && { ...history, record: spoilt(history.record) };
    },
  };
}

/** The default tenant is encrypted, and whatever was stored for it does not open any more. */
function unreadableStand() {
  const made: { store?: Store } = {};
  const own = recordStand({
    through: (store) => {
      made.store = sealStore(tampered(store)).store;
      return made.store;
    },
  });
  if (made.store === undefined) throw new Error("bug: nothing was put between");
  const under = { store: made.store, now: () => NOW, setNow: () => {}, close: async () => {} };
  return { own, bench: createBench(under, { tenant: "default", scope: KEY.scope, key: KEY.key }) };
}

type Stand = ReturnType<typeof unreadableStand>;

const held = async ({ bench }: Stand) => {
  const lease = await bench.acquire({ policy: policyOf({ hold: true }), evidence: new Uint8Array() });
  await bench.heartbeat(lease, { checkpoint: { sequence: 1n, encoded: bytes("cp") } });
  return lease;
};
const unknown = async (stand: Stand) => stand.bench.finish(await held(stand), "outcome-unknown");
const completed = async (stand: Stand) => {
  const lease = await held(stand);
  await stand.bench.finish(lease, "complete");
  return lease;
};

const named = { key: KEY, reason: REASON };

describe("a record whose content does not open", () => {
  test("is shown by neither of the calls that show content", async () => {
    const stand = unreadableStand();
    await completed(stand);
    expect((await stand.own.refusal(admin.getRecordTimeline, { key: KEY })).reason).toBe("INTERNAL");
    await expect(stand.bench.peek()).rejects.toMatchObject({ code: "INTERNAL" });
  });

  test("is shown without its content to an operator who may not read it", async () => {
    const stand = unreadableStand();
    await completed(stand);
    const operator = { ...OPERATOR, roles: roles("operate") };
    const { record, error, events } = await stand.own.ask(admin.getRecordTimeline, { key: KEY }, operator);
    expect(record).toMatchObject({
      state: RecordState.COMPLETED,
      checkpoint: { sequence: 1n, data: new Uint8Array() },
    });
    expect([error, events.length]).toEqual([undefined, 2]);
  });

  test("is in a list with outcomes, without its own, beside the others", async () => {
    const stand = unreadableStand();
    await completed(stand);
    const { records } = await stand.own.ask(admin.listRecords, { includeOutcomes: true });
    expect(records).toMatchObject([{ key: { key: KEY.key }, state: RecordState.COMPLETED }]);
    expect([records[0]?.result, records[0]?.error]).toEqual([undefined, undefined]);
  });

  test("can be released without naming a fence", async () => {
    const stand = unreadableStand();
    await held(stand);
    const { record } = await stand.own.ask(admin.forceRelease, named);
    expect(record?.state).toBe(RecordState.OUTCOME_UNKNOWN);
  });

  test("can be resolved without naming a fence", async () => {
    const stand = unreadableStand();
    await unknown(stand);
    const verdict = { case: "completed", value: resultOf("done") } as const;
    const { record } = await stand.own.ask(admin.resolveOutcome, { ...named, verdict });
    expect(record?.state).toBe(RecordState.COMPLETED);
  });

  test("can be reset without naming a fence, and is gone then", async () => {
    const stand = unreadableStand();
    await completed(stand);
    const { record } = await stand.own.ask(admin.resetRecord, named);
    expect(record?.state).toBe(RecordState.AVAILABLE);
    expect((await stand.own.ask(admin.getRecordTimeline, { key: KEY })).record?.state).toBe(RecordState.AVAILABLE);
  });

  test("is refused for its state as any other, with what to do instead", async () => {
    const stand = unreadableStand();
    const { fence } = await completed(stand);
    for (const expectedFence of [0n, fence]) {
      const refused = await stand.own.refusal(admin.forceRelease, { ...named, expectedFence });
      expect(refused).toMatchObject({ reason: "INVALID_STATE", message: expect.stringContaining("is COMPLETED") });
    }
  });
});
