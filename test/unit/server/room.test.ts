import { EventEmitter } from "node:events";
import { create } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import {
  ClaimResponseSchema,
  GetRecordResponseSchema,
  IdempotencyService,
  type Result,
  ResultSchema,
} from "../../../gen/holdfast/v1/idempotency_pb.ts";
import { claimBodyBytes } from "../../../src/rpc/body-bytes.ts";
import type { Endpoint } from "../../../src/rpc/endpoint.ts";
import { decodeResult, encodeResult } from "../../../src/rpc/wire/stored.ts";
import { enterUntilClosed, largeBytesOf } from "../../../src/server/large-answer.ts";
import { LARGE_ANSWER_BYTES_MIN } from "../../../src/server/limits.ts";
import { createRoom, type Place } from "../../../src/server/room.ts";

/** A room of 100 bytes that writes down who enters, and who has left the queue instead. */
function watchedRoom(connectionBytesMax = 100) {
  const room = createRoom({ bytesMax: 100, connectionBytesMax });
  const entered: string[] = [];
  const gone: string[] = [];
  const connections = new Map<string, object>();
  return {
    entered,
    gone,
    enter(name: string, bytes: number, on = "one"): Place {
      const connection = connections.get(on) ?? {};
      connections.set(on, connection);
      const place = room.enter(connection, bytes);
      void place.entered.then((isEntered) => (isEntered ? entered : gone).push(name));
      return place;
    },
    /** Whatever has been decided was told. */
    told: () => new Promise((resolve) => setImmediate(resolve)),
  };
}

describe("the room", () => {
  test("lets in what it has space for, and the others in the order in which they came", async () => {
    const { enter, entered, told } = watchedRoom();
    const [a, b] = [enter("a", 60), enter("b", 40)];
    for (const name of ["c", "d", "e"]) enter(name, 50);
    await told();
    expect(entered).toEqual(["a", "b"]);
    a.leave();
    await told();
    expect(entered).toEqual(["a", "b", "c"]);
    b.leave();
    await told();
    expect(entered).toEqual(["a", "b", "c", "d"]);
  });

  test("lets nobody past a larger answer that came first", async () => {
    const { enter, entered, told } = watchedRoom();
    const a = enter("a", 60);
    enter("large", 90, "another");
    enter("small", 10, "a third");
    await told();
    expect(entered).toEqual(["a"]);
    a.leave();
    await told();
    expect(entered).toEqual(["a", "large", "small"]);
  });

  test("lets in what is larger than itself when it is empty, and nothing beside it", async () => {
    const { enter, entered, told } = watchedRoom();
    const a = enter("a", 1);
    const giant = enter("giant", 1000);
    enter("b", 1);
    await told();
    expect(entered).toEqual(["a"]);
    a.leave();
    await told();
    expect(entered).toEqual(["a", "giant"]);
    giant.leave();
    await told();
    expect(entered).toEqual(["a", "giant", "b"]);
  });

  test("whoever leaves the queue is told so, never enters, and lets the next one pass", async () => {
    const { enter, entered, gone, told } = watchedRoom();
    enter("a", 60);
    const large = enter("large", 90);
    enter("b", 40);
    large.leave();
    await told();
    expect([entered, gone]).toEqual([["a", "b"], ["large"]]);
  });

  test("gives the same bytes back only once", async () => {
    const { enter, entered, told } = watchedRoom();
    const a = enter("a", 50);
    enter("b", 50);
    const queued = enter("queued", 50);
    for (const place of [queued, queued, a, a]) place.leave();
    for (const name of ["c", "d"]) enter(name, 50);
    await told();
    expect(entered).toEqual(["a", "b", "c"]);
  });

  test("of one connection holds its share at most, so that others enter beside it", async () => {
    const { enter, entered, told } = watchedRoom(50);
    const a = enter("a", 50, "stuck");
    for (const name of ["b", "c"]) enter(name, 50, "stuck");
    enter("d", 50, "another");
    await told();
    expect(entered).toEqual(["a", "d"]);
    a.leave();
    await told();
    expect(entered).toEqual(["a", "d", "b"]);
  });

  test("lets connections take turns, however many answers one of them has waiting", async () => {
    const { enter, entered, told } = watchedRoom();
    const all = enter("all", 100, "crowd");
    const queued = ["crowd 1", "crowd 2", "crowd 3"].map((name) => enter(name, 100, "crowd"));
    const late = enter("late", 100, "single");
    for (const place of [all, late, ...queued]) place.leave();
    await told();
    expect(entered).toEqual(["all", "late", "crowd 1", "crowd 2", "crowd 3"]);
  });

  test("an answer larger than the share of its connection enters when that has nothing else there", async () => {
    const { enter, entered, told } = watchedRoom(20);
    const a = enter("a", 10);
    enter("large", 30);
    await told();
    expect(entered).toEqual(["a"]);
    a.leave();
    await told();
    expect(entered).toEqual(["a", "large"]);
  });

  test("is as empty as at first when thousands have come and gone in any order", async () => {
    const { enter, entered, gone, told } = watchedRoom(40);
    const places = Array.from({ length: 5000 }, (_, i) => enter(`${i}`, 1 + (i % 37), `${i % 7}`));
    for (const [i, place] of places.entries()) if (i % 3 === 1) place.leave();
    for (const place of places.toReversed()) place.leave();
    await told();
    expect(entered.length + gone.length).toBe(5000);
    enter("last", 100);
    await told();
    expect(entered.at(-1)).toBe("last");
  });
});

describe("a place that is held until the answer is closed", () => {
  class Carrier extends EventEmitter {
    closed = false;
    destroyed = false;
    close() {
      this.closed = true;
      this.emit("close");
    }
  }
  const newRoom = () => createRoom({ bytesMax: 1, connectionBytesMax: 1 });

  test("is given back when it closes, and by leaving; the carrier is forgotten then", async () => {
    const room = newRoom();
    const carriers = [new Carrier(), new Carrier(), new Carrier()];
    const places = carriers.map((carrier) => enterUntilClosed(room, {}, 1, carrier));
    expect(await places[0]?.entered).toBe(true);
    carriers[0]?.close();
    expect(await places[1]?.entered).toBe(true);
    places[1]?.leave();
    expect(await places[2]?.entered).toBe(true);
    expect(carriers.map((carrier) => carrier.listenerCount("close"))).toEqual([0, 0, 1]);
  });

  test("leaves the queue when its carrier closes, and never enters with one that is closed", async () => {
    const room = newRoom();
    const first = enterUntilClosed(room, {}, 1, new Carrier());
    const [queued, closed] = [new Carrier(), new Carrier()];
    closed.close();
    const places = [queued, closed].map((carrier) => enterUntilClosed(room, {}, 1, carrier));
    queued.close();
    expect(await Promise.all(places.map(({ entered }) => entered))).toEqual([false, false]);
    first.leave();
    expect(await enterUntilClosed(room, {}, 1, new Carrier()).entered).toBe(true);
  });
});

describe("what an answer takes", () => {
  const inline = (bytes: number): Result =>
    create(ResultSchema, { body: { case: "inline", value: new Uint8Array(bytes) } });
  const claimed = (bytes: number) =>
    create(ClaimResponseSchema, { detail: { case: "completed", value: { result: inline(bytes) } } });
  const endpoint = { method: IdempotencyService.method.claim, bytesOf: claimBodyBytes } as unknown as Endpoint;

  test("is nothing below the limit, and the bytes of its result from there on", () => {
    expect(largeBytesOf(endpoint, claimed(LARGE_ANSWER_BYTES_MIN - 1))).toBe(0);
    expect(largeBytesOf(endpoint, claimed(LARGE_ANSWER_BYTES_MIN))).toBe(LARGE_ANSWER_BYTES_MIN);
    expect(largeBytesOf(endpoint, create(ClaimResponseSchema))).toBe(0);
  });

  test("is nothing where an endpoint says nothing of its size", () => {
    const small = { method: IdempotencyService.method.getRecord } as unknown as Endpoint;
    const answer = create(GetRecordResponseSchema, { result: inline(LARGE_ANSWER_BYTES_MIN) });
    expect(largeBytesOf(small, answer)).toBe(0);
  });

  test("is no copy before it is encoded: a decoded result is a view of the record", () => {
    const outcome = encodeResult(inline(LARGE_ANSWER_BYTES_MIN));
    const { body } = decodeResult({ outcome } as Parameters<typeof decodeResult>[0]);
    expect(body.case === "inline" && body.value.buffer === outcome.buffer).toBe(true);
  });
});
