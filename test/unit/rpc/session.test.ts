import { describe, expect, test } from "vitest";
import { Code } from "../../../gen/google/rpc/code_pb.ts";
import { FailKind, RecordState } from "../../../gen/holdfast/v1/idempotency_pb.ts";
import { KEY, methods, resultOf, seconds } from "./bundle.ts";
import { answerAs, claim, complete, heartbeat, holding, LIMITS, openStand } from "./session-stand.ts";

describe("the calls of a session", () => {
  test("are answered under their ids, behind a Hello with the limits", async () => {
    const stand = openStand();
    const handle = await holding(stand);
    await stand.send({ id: 2n, call: heartbeat(handle) });
    await stand.send({ id: 3n, call: complete(handle) });
    await stand.send({ id: 4n, call: claim() });
    const { callsMax, waitsMax, requestBytesMax } = LIMITS;
    const value = { callsMax, waitsMax, requestBytesMax };
    expect(stand.line.sent[0]).toMatchObject({ id: 0n, answer: { case: "hello", value } });
    expect(answerAs(stand.answer(2n), "heartbeat").lease?.handle).toEqual(handle);
    expect(answerAs(stand.answer(3n), "complete")).toMatchObject({ alreadyApplied: false, late: false });
    const { detail } = answerAs(stand.answer(4n), "claim");
    expect(detail).toMatchObject({ case: "completed", value: { result: resultOf("done") } });
  });

  test("end attempts without a result too", async () => {
    const stand = openStand();
    const handle = await holding(stand);
    await stand.send({ id: 2n, call: { case: "fail", value: { handle, kind: FailKind.NOT_STARTED } } });
    expect(answerAs(stand.answer(2n), "fail").state).toBe(RecordState.AVAILABLE);
  });

  test("are observed as calls of their methods, and the stream as one of its own", async () => {
    const stand = openStand();
    await holding(stand);
    await stand.send({ id: 2n, call: { case: "heartbeat", value: {} } });
    expect(stand.own.observed.startedMethods).toEqual(["Session", "Claim", "Heartbeat"]);
    stand.session.finish();
    expect(stand.own.observed.handledCalls).toMatchObject([
      { method: "Claim", code: Code.OK },
      { method: "Heartbeat", code: Code.INVALID_ARGUMENT },
      { method: "Session", code: Code.OK },
    ]);
    expect(stand.told).toEqual(["opened", "closed"]);
  });

  test("overtake one that waits, which is answered when there is something to say", async () => {
    const stand = openStand();
    const handle = await holding(stand);
    await stand.send({ id: 7n, call: claim({ wait: seconds(50) }) });
    await stand.send({ id: 3n, call: heartbeat(handle) });
    expect(stand.line.sent.map(({ id }) => id)).toEqual([0n, 1n, 3n]);
    await stand.send({ id: 4n, call: complete(handle) });
    expect(stand.line.sent.map(({ id }) => id).toSorted()).toEqual([0n, 1n, 3n, 4n, 7n]);
    expect(answerAs(stand.answer(7n), "claim").detail.case).toBe("completed");
  });

  test("belong to the trace that they name, and to the stream's if they name none", async () => {
    const of = (digit: string) => `00-${digit.repeat(32)}-${digit.repeat(16)}-01`;
    const [own, stream] = [of("1"), of("2")];
    const headers: Record<string, string | undefined> = { traceparent: stream, tracestate: "a=b", other: "kept" };
    const stand = openStand({ context: { metadata: (name) => headers[name] } });
    await stand.send({ id: 1n, traceparent: own, call: claim() });
    await stand.send({ id: 2n, call: claim({ key: { ...KEY, key: "evt_2" } }) });
    const traceOf = async (key: string) => {
      const { record } = await stand.own.call(methods.getRecord, { key: { ...KEY, key } });
      return record?.traceparent;
    };
    expect(await traceOf(KEY.key)).toBe(own);
    expect(await traceOf("evt_2")).toBe(stream);
  });
});
