import { create, toBinary } from "@bufbuild/protobuf";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { describe, expect, test } from "vitest";
import { Code } from "../../../gen/google/rpc/code_pb.ts";
import { SessionRequestSchema } from "../../../gen/holdfast/v1/idempotency_pb.ts";
import { KEY, resultOf, seconds } from "./bundle.ts";
import { answerAs, claim, codeOf, complete, heartbeat, holding, openStand } from "./session-stand.ts";

const claimOfOther = (key: number) => claim({ key: { ...KEY, key: `other-${key}` } });
const waiting = () => claim({ wait: seconds(50) });

/** A claim that waits, with so many bytes in it of a field that nobody knows. */
function oversized(id: bigint, bytes: number): Uint8Array {
  const known = toBinary(SessionRequestSchema, create(SessionRequestSchema, { id, call: waiting() }));
  return Buffer.concat([
    known,
    new BinaryWriter().tag(99, WireType.LengthDelimited).bytes(Buffer.alloc(bytes)).finish(),
  ]);
}

describe("a session is read no more", () => {
  test("while more than twice as many answers are not taken as calls may be open, and again when one is", async () => {
    const stand = openStand({ limits: { callsMax: 2 } });
    stand.line.isRead = false;
    for (const id of [1n, 2n, 3n, 4n]) await stand.send({ id, call: claimOfOther(Number(id)) });
    expect(stand.line.isPaused).toBe(false);
    await stand.send({ id: 5n, call: claimOfOther(5) });
    expect(stand.line.isPaused).toBe(true);
    expect(stand.line.sent.map(({ id }) => id)).toEqual([0n, 1n, 2n, 3n, 4n, 5n]);
    stand.line.take(1);
    expect(stand.line.isPaused).toBe(false);
    await stand.send({ id: 6n, call: claimOfOther(6) });
    expect(stand.line.isPaused).toBe(true);
    expect(stand.told).toEqual(["opened", "paused", "paused"]);
  });

  test("while as many calls are not answered", async () => {
    const stand = openStand({ limits: { callsMax: 1 } });
    const sends = [1n, 2n, 3n].map((id) => stand.send({ id, call: claimOfOther(Number(id)) }));
    expect(stand.line.isPaused).toBe(true);
    await Promise.all(sends);
    expect(stand.line.isPaused).toBe(false);
  });

  test("while the messages of calls that are not answered are too many bytes", async () => {
    const stand = openStand({ limits: { requestBytesMax: 5000 } });
    const lease = await holding(stand);
    stand.line.isRead = false;
    const ends = [2n, 3n].map((id) => stand.send({ id, call: complete(lease, "x".repeat(4000)) }));
    expect(stand.line.isPaused).toBe(true);
    await Promise.all(ends);
    expect(stand.line.isPaused).toBe(false);
    const alone = stand.send({ id: 4n, call: complete(lease, "x".repeat(6000)) });
    expect(stand.line.isPaused).toBe(true);
    await alone;
    expect(stand.line.isPaused).toBe(false);
    expect(stand.told).toEqual(["opened", "paused", "paused"]);
  });

  test("not because of claims that wait, whatever their number", async () => {
    const stand = openStand({ limits: { callsMax: 1, requestBytesMax: 200 } });
    await holding(stand);
    for (let id = 2n; id < 52n; id++) await stand.send({ id, call: waiting() });
    expect(stand.line.isPaused).toBe(false);
    expect(stand.told).toEqual(["opened"]);
  });
});

describe("a claim that waits beyond those that may", () => {
  test("is refused with OVERLOADED, to be tried again, while all else gets through", async () => {
    const stand = openStand({ limits: { waitsMax: 2 } });
    const lease = await holding(stand);
    for (const id of [2n, 3n, 4n]) await stand.send({ id, call: waiting() });
    await stand.send({ id: 5n, call: heartbeat(lease) });
    const { code, message, details } = answerAs(stand.answer(4n), "error");
    expect(code).toBe(Code.RESOURCE_EXHAUSTED);
    expect(message).toBe("at most 2 claims with a wait may be open on one stream, as Hello has said");
    expect(details.map(({ typeUrl }) => typeUrl)).toContain("type.googleapis.com/google.rpc.RetryInfo");
    answerAs(stand.answer(5n), "heartbeat");
    await stand.send({ id: 6n, call: complete(lease) });
    for (const id of [2n, 3n]) expect(answerAs(stand.answer(id), "claim").detail.case).toBe("completed");
    await stand.send({ id: 7n, call: waiting() });
    expect(answerAs(stand.answer(7n), "claim").detail).toMatchObject({ value: { result: resultOf("done") } });
  });

  test("is refused also while twice as many answers to those that waited are not taken, and not before", async () => {
    const stand = openStand({ limits: { waitsMax: 1 } });
    const lease = await holding(stand);
    stand.line.isRead = false;
    await stand.send({ id: 2n, call: waiting() });
    await stand.send({ id: 3n, call: complete(lease) });
    await stand.send({ id: 4n, call: waiting() });
    for (const id of [2n, 4n]) answerAs(stand.answer(id), "claim");
    await stand.send({ id: 5n, call: waiting() });
    expect(codeOf(stand.answer(5n))).toBe(Code.RESOURCE_EXHAUSTED);
    stand.line.take();
    await stand.send({ id: 6n, call: waiting() });
    answerAs(stand.answer(6n), "claim");
  });

  test("is refused also when the messages of those that wait are too many bytes, until one is answered", async () => {
    const stand = openStand({ limits: { waitBytesMax: 10_000 } });
    const lease = await holding(stand);
    for (const id of [2n, 3n]) await stand.send(oversized(id, 4900));
    expect(stand.answers(2n)).toEqual([]);
    await stand.send(oversized(4n, 4900));
    const { code, message } = answerAs(stand.answer(4n), "error");
    expect(code).toBe(Code.RESOURCE_EXHAUSTED);
    expect(message).toBe("the claims with a wait that are open on one stream may be at most 10000 bytes together");
    expect(stand.line.isPaused).toBe(false);
    stand.line.isRead = false;
    await stand.send({ id: 5n, call: complete(lease) });
    await stand.send(oversized(6n, 9900));
    expect(answerAs(stand.answer(6n), "claim").detail.case).toBe("completed");
  });

  test("counts as a call like any other: refused ones hold the reading up", async () => {
    const stand = openStand({ limits: { callsMax: 1, waitsMax: 0 } });
    stand.line.isRead = false;
    for (const id of [1n, 2n, 3n]) await stand.send({ id, call: waiting() });
    expect(stand.line.isPaused).toBe(true);
  });
});
