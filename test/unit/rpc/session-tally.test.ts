import { describe, expect, test } from "vitest";
import { SessionTally } from "../../../src/rpc/session-tally.ts";

const LIMITS = { callsMax: 4, requestBytesMax: 1000, waitsMax: 3, waitBytesMax: 500 };
const call = (bytes: number) => ({ isWait: false, isLate: false, bytes });
const wait = (bytes: number) => ({ isWait: true, isLate: false, bytes });

describe("what a session holds", () => {
  test("is the messages of its calls until they are answered, and the answers until they are taken", () => {
    const tally = new SessionTally(LIMITS);
    for (const one of [call(300), wait(100), call(200)]) tally.arrived(one);
    expect([tally.bytes, tally.calls]).toEqual([600, 3]);
    tally.answered(call(300));
    tally.answered(wait(100));
    expect([tally.bytes, tally.calls]).toEqual([200, 3]);
    tally.taken(call(300));
    tally.taken(wait(100));
    expect([tally.bytes, tally.calls]).toEqual([200, 1]);
  });

  test("is never more bytes than both limits and one message, whatever comes", () => {
    const tally = new SessionTally(LIMITS);
    let most = 0;
    for (let i = 0; i < 1000 && !tally.isFull; i++) {
      const bytes = 1 + ((i * 37) % 90);
      const mayWait = i % 2 === 0 && tally.whyNoWait(bytes) === null;
      tally.arrived(mayWait ? wait(bytes) : call(bytes));
      most = Math.max(most, tally.bytes);
    }
    expect(tally.isFull).toBe(true);
    expect(most).toBeLessThanOrEqual(1000 + 500 + 90);
  });

  test("is too much for no client that keeps to Hello, even if it has the answers of a whole write before we know", () => {
    const tally = new SessionTally(LIMITS);
    const full = call(250);
    for (let i = 0; i < 4; i++) tally.arrived(full);
    for (let round = 0; round < 10; round++) {
      // All are answered in one write; the client has it, and sends as many again before the write is over.
      for (let i = 0; i < 4; i++) tally.answered(full);
      for (let i = 0; i < 4; i++) {
        tally.arrived(full);
        expect(tally.isFull).toBe(false);
      }
      for (let i = 0; i < 4; i++) tally.taken(full);
    }
    tally.arrived(call(1));
    expect(tally.isFull).toBe(true);
  });

  test("has room for as many claims with a wait as Hello says, also while the answers to as many are not taken", () => {
    const tally = new SessionTally(LIMITS);
    const arrive = () => {
      for (let i = 0; i < 3; i++) {
        expect(tally.whyNoWait(100)).toBeNull();
        tally.arrived(wait(100));
      }
    };
    arrive();
    expect(tally.whyNoWait(1)).toBe("at most 3 claims with a wait may be open on one stream, as Hello has said");
    for (let i = 0; i < 3; i++) tally.answered(wait(100));
    arrive();
    for (let i = 0; i < 3; i++) tally.answered(wait(100));
    expect(tally.whyNoWait(1)).not.toBeNull();
    tally.taken(wait(100));
    expect(tally.whyNoWait(500)).toBeNull();
    expect(tally.whyNoWait(501)).toContain("may be at most 500 bytes together");
    expect(tally.isFull).toBe(false);
  });
});
