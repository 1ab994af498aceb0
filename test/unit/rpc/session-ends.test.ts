import { describe, expect, test } from "vitest";
import { Code } from "../../../gen/google/rpc/code_pb.ts";
import { FailKind, RecordState, SessionGoodbye_Reason } from "../../../gen/holdfast/v1/idempotency_pb.ts";
import { Fault } from "../../../src/domain/fault.ts";
import { createMemoryStore } from "../../../src/store/memory.ts";
import { freshToken, NOW } from "../../support/records.ts";
import { createStoppingStore } from "../../support/waiting.ts";
import { settled } from "../store/manual-clock.ts";
import { KEY, methods, seconds } from "./bundle.ts";
import {
  answerAs,
  claim,
  complete,
  heartbeat,
  holding,
  openStand,
  type Stand,
  type StandOptions,
} from "./session-stand.ts";

const GONE = new Fault("CANCELLED", "the caller has gone");
const waiting = () => claim({ wait: seconds(50) });
const goodbyes = ({ line }: Stand) =>
  line.sent.flatMap(({ answer }) => (answer.case === "goodbye" ? [answer.value] : []));
const look = async ({ own }: Stand) => (await own.call(methods.getRecord, { key: KEY })).record;

describe("a session whose server says goodbye", () => {
  test("ends with OK at once if nothing is open", () => {
    const stand = openStand();
    stand.session.goodbye("draining");
    expect(goodbyes(stand)).toMatchObject([{ reason: SessionGoodbye_Reason.DRAINING }]);
    expect(stand.line.ended).toBeNull();
    expect(stand.own.observed.handledCalls).toMatchObject([{ method: "Session", code: Code.OK }]);
  });

  test("answers what is open, and then ends", async () => {
    const stand = openStand();
    const lease = await holding(stand);
    await stand.send({ id: 2n, call: waiting() });
    stand.session.goodbye("draining");
    stand.session.goodbye("max-age");
    expect(goodbyes(stand)).toHaveLength(1);
    expect(stand.line.ended).toBeUndefined();
    await stand.own.call(methods.complete, complete(lease).value);
    await settled();
    expect(answerAs(stand.answer(2n), "claim").detail.case).toBe("completed");
    expect(stand.line.ended).toBeNull();
  });

  test("answers what arrives later UNAVAILABLE, without effect, and no method hears of it", async () => {
    const stand = openStand();
    const lease = await holding(stand);
    await stand.send({ id: 2n, call: waiting() });
    const { startedMethods } = stand.own.observed;
    const before = startedMethods.length;
    stand.session.goodbye("max-age");
    await stand.send({ id: 3n, call: heartbeat(lease) });
    const { code, details } = answerAs(stand.answer(3n), "error");
    expect(code).toBe(Code.UNAVAILABLE);
    expect(details.map(({ typeUrl }) => typeUrl)).toContain("type.googleapis.com/google.rpc.RetryInfo");
    expect(startedMethods).toHaveLength(before);
  });

  test("answers what arrives later UNAVAILABLE, without effect, and does not wait for it to end", async () => {
    const stand = openStand();
    const lease = await holding(stand);
    await stand.send({ id: 2n, call: waiting() });
    stand.session.goodbye("max-age");
    await stand.send({ id: 3n, call: claim({ key: { ...KEY, key: "late" }, wait: seconds(5) }) });
    await stand.send({ id: 4n, call: complete(lease) });
    for (const id of [3n, 4n]) {
      const { code, message } = answerAs(stand.answer(id), "error");
      expect(code).toBe(Code.UNAVAILABLE);
      expect(message).toBe("the stream is about to end, as Goodbye has said; call again on another one");
    }
    const late = await stand.own.failure(methods.getRecord, { key: { ...KEY, key: "late" } });
    expect(late.code).toBe(Code.NOT_FOUND);
    expect((await look(stand))?.state).toBe(RecordState.IN_PROGRESS);
    stand.line.isRead = false;
    await stand.send({ id: 5n, call: heartbeat(lease) });
    await stand.send({ id: 2n, call: { case: "cancel", value: {} } });
    expect(stand.line.ended).toBeUndefined();
    stand.line.take(2);
    expect(stand.line.ended).toBeNull();
  });

  test("says that its connection has reached its age when it is told so, before or after it was opened", async () => {
    const stand = openStand();
    await holding(stand);
    stand.retiring.abort();
    expect(goodbyes(stand)).toMatchObject([{ reason: SessionGoodbye_Reason.MAX_AGE }]);
    expect(stand.line.ended).toBeNull();
    const late = openStand({ context: { retiring: AbortSignal.abort() } });
    expect(late.line.sent.map(({ answer }) => answer.case)).toEqual(["hello", "goodbye"]);
    expect(late.line.ended).toBeNull();
  });
});

describe("a session that its client has half-closed", () => {
  test("ends with OK when all that is open is answered and taken", async () => {
    const stand = openStand();
    const lease = await holding(stand);
    stand.line.isRead = false;
    await stand.send({ id: 2n, call: waiting() });
    stand.session.finish();
    await stand.own.call(methods.complete, complete(lease).value);
    await settled();
    answerAs(stand.answer(2n), "claim");
    expect(stand.line.ended).toBeUndefined();
    stand.line.take();
    expect(stand.line.ended).toBeNull();
    expect(stand.told).toEqual(["opened", "closed"]);
  });

  test("answers also what it has refused after a goodbye", async () => {
    const stand = openStand();
    const lease = await holding(stand);
    await stand.send({ id: 2n, call: waiting() });
    stand.line.isRead = false;
    stand.session.goodbye("draining");
    await stand.send({ id: 3n, call: heartbeat(lease) });
    stand.session.finish();
    await stand.send({ id: 2n, call: { case: "cancel", value: {} } });
    stand.line.take(2);
    expect(stand.line.ended).toBeUndefined();
    stand.line.take();
    expect(stand.line.ended).toBeNull();
  });
});

describe("a session that broke", () => {
  test("lets go of the claims that wait, and answers nothing any more", async () => {
    const stand = openStand();
    const lease = await holding(stand);
    for (const id of [2n, 3n]) await stand.send({ id, call: waiting() });
    expect((await look(stand))?.hasWaiters).toBe(true);
    stand.session.broken(GONE);
    await settled();
    await stand.own.call(methods.fail, { handle: lease, kind: FailKind.NOT_STARTED });
    await settled();
    expect((await look(stand))?.state).toBe(RecordState.AVAILABLE);
    expect(stand.line.sent.map(({ id }) => id)).toEqual([0n, 1n]);
    expect(stand.line.ended).toBeUndefined();
    const { handledCalls } = stand.own.observed;
    expect(
      handledCalls
        .filter(({ code }) => code === Code.CANCELLED)
        .map(({ method }) => method)
        .toSorted(),
    ).toEqual(["Claim", "Claim", "Session"]);
    stand.session.broken(GONE);
    stand.session.goodbye("draining");
    stand.session.finish();
    await stand.send({ id: 9n, call: claim() });
    expect(stand.told).toEqual(["opened", "closed"]);
  });
});

describe("a lease that came to a claim that waited", () => {
  /** The claim under 2 is promoted; its answer was handed to the line. */
  async function promoted(options: StandOptions = {}): Promise<Stand> {
    const stand = openStand(options);
    const lease = await holding(stand);
    await stand.send({ id: 2n, call: claim({ wait: seconds(50), lease: seconds(600) }) });
    stand.line.isRead = false;
    await stand.own.call(methods.fail, { handle: lease, kind: FailKind.NOT_STARTED });
    await settled();
    answerAs(stand.answer(2n), "claim");
    expect(await look(stand)).toMatchObject({ state: RecordState.IN_PROGRESS });
    return stand;
  }

  test("stays with it when its answer was taken and has reached the client", async () => {
    const stand = await promoted();
    stand.line.take();
    await settled();
    expect((await look(stand))?.state).toBe(RecordState.IN_PROGRESS);
  });

  test("is given back when the stream breaks before its answer is taken", async () => {
    const stand = await promoted();
    stand.session.broken(GONE);
    await settled();
    expect((await look(stand))?.state).toBe(RecordState.AVAILABLE);
  });

  test("is given back when the answer was taken and the connection broke before it arrived", async () => {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const stand = await promoted({ context: { confirm: () => promise } });
    stand.line.take();
    await settled();
    expect((await look(stand))?.state).toBe(RecordState.IN_PROGRESS);
    resolve(false);
    await settled();
    expect((await look(stand))?.state).toBe(RecordState.AVAILABLE);
  });

  test("is given back when the caller has cancelled while it came", async () => {
    const stopping = createStoppingStore(createMemoryStore({ now: () => NOW, newToken: freshToken }));
    const stand = openStand({ store: stopping.store });
    const lease = await holding(stand);
    await stand.send({ id: 2n, call: claim({ wait: seconds(50), lease: seconds(600) }) });
    const stop = stopping.stop("after", "claim");
    await stand.own.call(methods.fail, { handle: lease, kind: FailKind.NOT_STARTED });
    await stop.reached;
    await stand.send({ id: 2n, call: { case: "cancel", value: {} } });
    expect(stand.answers(2n)).toEqual([]);
    stop.go();
    await settled();
    expect(answerAs(stand.answer(2n), "claim").detail.case).toBe("acquired");
    expect((await look(stand))?.state).toBe(RecordState.AVAILABLE);
  });
});
