import { toBinary } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { Code } from "../../../../gen/google/rpc/code_pb.ts";
import { ClaimIntent, FailKind, RecordState } from "../../../../gen/holdfast/v1/idempotency_pb.ts";
import {
  GetRecordTimelineResponseSchema,
  RecordEventKind,
  StuckReason,
} from "../../../../gen/holdfast/v1/operator_pb.ts";
import { addMs, type Instant } from "../../../../src/domain/instant.ts";
import { timelineBytes } from "../../../../src/rpc/admin/get-record-timeline.ts";
import { NOW } from "../../../support/records.ts";
import { acquire, type ClaimInit, HOLD, KEY, methods, resultOf } from "../bundle.ts";
import { admin, fenceOf, MADE, OPERATOR, REASON, type RecordStand, recordStand, roles } from "./records-stand.ts";

const TRACE = "0af7651916cd43dd8448eb211c80319c";
const instance = (name: string): ClaimInit => ({ owner: { service: "billing", instance: name } });
const at = (instant: Instant) => ({
  seconds: BigInt(Math.floor(instant / 1e6)),
  nanos: (instant % 1e6) * 1000,
});

const timeline = (own: RecordStand, principal = OPERATOR) => own.ask(admin.getRecordTimeline, { key: KEY }, principal);

/** The kinds of the events, and whose attempts they are about. */
async function told(own: RecordStand) {
  const { events } = await timeline(own);
  return events.map(({ kind, attempt, owner }) => [RECORD_EVENTS[kind], attempt, owner?.instance ?? ""]);
}

const RECORD_EVENTS: Readonly<Record<number, string>> = Object.fromEntries(
  Object.entries(RecordEventKind).map(([name, number]) => [number, name]),
);

describe("of a record whose first attempt", () => {
  test("is under way, the claim is known", async () => {
    const own = recordStand();
    await acquire(own, instance("a"));
    const { events, record, stuck, readTime } = await timeline(own);
    expect(events).toMatchObject([
      { kind: RecordEventKind.CLAIMED, time: at(NOW), attempt: 1, fence: await fenceOf(own), owner: { instance: "a" } },
    ]);
    expect(record).toMatchObject({ key: { ...KEY, tenant: "default" }, state: RecordState.IN_PROGRESS });
    expect(stuck).toBe(StuckReason.UNSPECIFIED);
    expect(readTime).toMatchObject(at(NOW));
  });

  test("went as it should, the claim and the end are known", async () => {
    const own = recordStand();
    const { handle } = await acquire(own, instance("a"));
    own.pass(2000);
    await own.call(methods.complete, { handle, result: resultOf("secret") });
    const answer = await timeline(own);
    expect(answer.events).toMatchObject([
      { kind: RecordEventKind.CLAIMED, time: at(NOW), owner: { instance: "a" } },
      { kind: RecordEventKind.COMPLETED, time: at(addMs(NOW, 2000)), owner: { instance: "a" }, attempt: 1 },
    ]);
    expect(answer.error).toBeUndefined();
    const bytes = Buffer.from(toBinary(GetRecordTimelineResponseSchema, answer));
    expect(bytes.includes("secret")).toBe(false);
  });

  test("is over and nobody has come, that is told, and that it is stuck a minute later", async () => {
    const own = recordStand();
    await acquire(own, instance("a"));
    own.pass(30_000);
    expect(await told(own)).toEqual([
      ["CLAIMED", 1, "a"],
      ["LEASE_EXPIRED", 1, "a"],
    ]);
    const { events, stuck } = await timeline(own);
    expect(events[1]?.time).toMatchObject(at(addMs(NOW, 30_000)));
    expect(stuck).toBe(StuckReason.UNSPECIFIED);
    own.pass(60_000);
    expect((await timeline(own)).stuck).toBe(StuckReason.LEASE_EXPIRED);
  });
});

describe("of a record to which more happened", () => {
  test("every attempt is told, and how it ended", async () => {
    const own = recordStand();
    const first = await acquire(own, instance("a"));
    own.pass(31_000);
    const second = await acquire(own, instance("b"));
    await own.call(methods.fail, {
      handle: second.handle,
      kind: FailKind.RETRYABLE,
      error: { code: 14, message: "m" },
    });
    const third = await acquire(own, instance("c"));
    own.pass(31_000);
    await own.call(methods.complete, { handle: third.handle, result: resultOf("done") });
    expect(await told(own)).toEqual([
      ["CLAIMED", 1, "a"],
      ["TAKEN_OVER", 2, "b"],
      ["FAILED_RETRYABLE", 2, "b"],
      ["RETRIED", 3, "c"],
      ["COMPLETED", 3, "c"],
    ]);
    const { events } = await timeline(own);
    expect(events.map(({ late }) => late)).toEqual([false, false, false, false, true]);
    expect(events[0]?.fence).toBe(first.handle.fence);
    expect(events[2]?.error).toMatchObject({ code: 14, message: "m" });
  });

  test("a reconciler is told, and what it found out", async () => {
    const own = recordStand();
    await MADE.unknown(own, instance("a"));
    const { handle } = await acquire(own, { ...instance("r"), intent: ClaimIntent.RECONCILE });
    await own.call(methods.fail, { handle, kind: FailKind.NOT_STARTED });
    expect(await told(own)).toEqual([
      ["CLAIMED", 1, "a"],
      ["OUTCOME_UNKNOWN", 1, "a"],
      ["RECONCILING", 1, "r"],
      ["NOT_STARTED", 1, "r"],
    ]);
  });

  test("an operator's change is told with who made it, why, and its number in the audit log", async () => {
    const own = recordStand();
    await acquire(own, { ...instance("a"), ...HOLD });
    own.pass(1000);
    await own.ask(admin.forceRelease, { key: KEY, reason: REASON });
    await own.ask(admin.resolveOutcome, { key: KEY, verdict: { case: "notDone", value: {} }, reason: "looked" });
    await own.ask(admin.resetRecord, { key: KEY, reason: "anew" });
    expect(await told(own)).toEqual([
      ["CLAIMED", 1, "a"],
      ["RELEASED", 1, "a"],
      ["RESOLVED", 1, "a"],
      ["RESET", 0, "a"],
    ]);
    const { events } = await timeline(own);
    const notes = events.map(({ actor, reason, auditSequence }) => [actor, reason, auditSequence]);
    const sequences = own.changes.map(({ auditSequence }) => auditSequence);
    expect(notes).toEqual([
      ["", "", 0n],
      [OPERATOR.name, REASON, sequences[0]],
      [OPERATOR.name, "looked", sequences[1]],
      [OPERATOR.name, "anew", sequences[2]],
    ]);
  });

  test("the claim is told even when too much has happened since to keep it", async () => {
    const own = recordStand();
    await acquire(own, instance("a"));
    for (let i = 0; i < 40; i++) {
      own.pass(31_000);
      await acquire(own, instance("b"));
    }
    const { events } = await timeline(own);
    expect(events).toHaveLength(33);
    expect(events[0]).toMatchObject({ kind: RecordEventKind.CLAIMED, time: at(NOW), attempt: 1, fence: 0n });
    expect(events[0]?.owner).toBeUndefined();
    expect(events.at(-1)).toMatchObject({ kind: RecordEventKind.TAKEN_OVER, attempt: 41 });
  });

  test("the trace of each attempt is told, if it had one", async () => {
    const own = recordStand();
    const header = `00-${TRACE}-b7ad6b7169203331-01`;
    const metadata = (name: string) => (name === "traceparent" ? header : undefined);
    await own.call(methods.claim, { key: KEY, claimId: "claim-with-trace" }, { metadata });
    own.pass(31_000);
    await acquire(own);
    const { events } = await timeline(own);
    expect(events.map(({ traceId }) => traceId)).toEqual([TRACE, ""]);
  });
});

describe("errors and the data of a checkpoint", () => {
  async function failing() {
    const own = recordStand();
    const { handle } = await acquire(own);
    const checkpoint = { name: "step", sequence: 7n, data: Buffer.from("data"), contentType: "text/plain" };
    const error = { code: 14, message: "not now" };
    await own.call(methods.fail, { handle, kind: FailKind.RETRYABLE, error, checkpoint });
    return own;
  }

  test("are shown to the role read", async () => {
    const { record, error, events } = await timeline(await failing());
    expect(record?.checkpoint).toMatchObject({ name: "step", sequence: 7n, contentType: "text/plain" });
    expect(Buffer.from(record?.checkpoint?.data ?? []).toString()).toBe("data");
    expect([error?.message, events.at(-1)?.error?.message]).toEqual(["not now", "not now"]);
  });

  test.each(["operate", "admin"] as const)("are not shown to the role %s alone", async (role) => {
    const answer = await timeline(await failing(), { ...OPERATOR, roles: roles(role) });
    expect(answer.record?.checkpoint).toMatchObject({ name: "step", sequence: 7n, contentType: "text/plain" });
    expect(answer.record?.checkpoint?.data).toEqual(new Uint8Array());
    expect([answer.error, answer.events.at(-1)?.error]).toEqual([undefined, undefined]);
    const bytes = Buffer.from(toBinary(GetRecordTimelineResponseSchema, answer));
    expect([bytes.includes("not now"), bytes.includes("data")]).toEqual([false, false]);
  });

  test.each([
    ["once", async () => {}],
    ["again and again", (own: RecordStand) => MADE.available(own, instance("earlier"))],
  ])(
    "of an expired record that was tried %s are shown to nobody, whether or not the sweeper came",
    async (_, before) => {
      const own = recordStand();
      await before(own);
      await MADE.failed(own, instance("a"));
      expect((await timeline(own)).events.at(-1)?.error?.message).toBe("no such card");
      own.pass(24 * 60 * 60_000);
      const unswept = await timeline(own);
      await own.store.sweep(10);
      expect(await timeline(own)).toEqual(unswept);
      expect(unswept.record?.state).toBe(RecordState.EXPIRED);
      expect(unswept.events.flatMap(({ error, owner }) => error ?? owner ?? [])).toEqual([]);
    },
  );
});

test("an absent record, and one that is forgotten, have no timeline", async () => {
  const own = recordStand();
  const refusal = await own.refusal(admin.getRecordTimeline, { key: KEY });
  expect(refusal).toMatchObject({ code: Code.NOT_FOUND, reason: "RECORD_NOT_FOUND" });
  await MADE.expired(own);
  own.pass(24 * 60 * 60_000);
  expect((await own.refusal(admin.getRecordTimeline, { key: KEY })).reason).toBe("RECORD_NOT_FOUND");
});

test("the size of an answer is known about before it is encoded", async () => {
  const own = recordStand();
  const { handle } = await acquire(own);
  const checkpoint = { sequence: 1n, data: new Uint8Array(60 * 1024) };
  const error = { code: 14, message: "x".repeat(15 * 1024) };
  await own.call(methods.fail, { handle, kind: FailKind.RETRYABLE, error, checkpoint });
  const answer = await timeline(own);
  const bytes = toBinary(GetRecordTimelineResponseSchema, answer).length;
  expect(Math.abs(timelineBytes(answer) - bytes)).toBeLessThan(2_000);
});
