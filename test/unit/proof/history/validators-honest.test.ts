import { describe, expect, test } from "vitest";
import type { MarkLine } from "../../../../proof/history/format.ts";
import { fencesRise } from "../../../../proof/history/validators/v1-fences.ts";
import { oneResult } from "../../../../proof/history/validators/v2-one-result.ts";
import { replayed } from "../../../../proof/history/validators/v3-replayed.ts";
import { sameBytes } from "../../../../proof/history/validators/v4-same-bytes.ts";
import { waitsEnd } from "../../../../proof/history/validators/v5-waits-end.ts";
import { ownCanaries } from "../../../../proof/history/validators/v6-canaries.ts";
import { lastLook } from "../../../../proof/history/validators/v7-last-look.ts";
import { tallyUnknown } from "../../../../proof/history/validators/v8-unknown.ts";
import type { Validator } from "../../../../proof/history/validators/validator.ts";
import { at, check, type Hand, hand, KEPT_MS, us, violationsOf } from "./lines.ts";

interface Row {
  readonly validator: Validator;
  readonly name: string;
  readonly write: (history: Hand) => void;
  readonly marks?: readonly MarkLine[];
}

/** Near to violating it. */
const HONEST: readonly Row[] = [
  {
    validator: fencesRise,
    name: "a lease that is confirmed, and a lower fence answered to a call that was open meanwhile",
    write(history) {
      history.acquire(0, "a", 10, {}, { return_ns: at(30) });
      history.acquire(5, "b", 20);
      history.acquire(8, "b", 20, { reason: "reattached" });
    },
  },
  {
    validator: oneResult,
    name: "a repeated result, and another one whose lease began when the first was no longer kept",
    write(history) {
      history.acquire(0, "a", 10);
      history.complete(10, 10, "one");
      history.complete(15, 10, "one", { already_applied: true, result_expires_us: us(60_010) });
      history.acquire(60_011, "b", 20);
      history.complete(60_020, 20, "two");
    },
  },
  {
    validator: oneResult,
    name: "a failure that was claimed again, and then a result",
    write(history) {
      history.acquire(0, "a", 10);
      history.add("fail", 5, { token: "token 10", fence: 10 }, { kind: "accepted", state: "failed" });
      history.acquire(10, "b", 20);
      history.complete(20, 20, "one");
    },
  },
  {
    validator: replayed,
    name: "a claim that was made before the result was acknowledged, and one when it may be no longer kept",
    write(history) {
      history.acquire(0, "a", 10);
      history.complete(10, 10, "one");
      history.claim(10, { kind: "in-progress" });
      history.acquire(60_010, "b", 20);
    },
  },
  {
    validator: replayed,
    name: "a mismatch of another fingerprint, RECORD_EXISTS, and an answer that nobody was given",
    write(history) {
      history.acquire(0, "a", 10);
      history.complete(10, 10, "one");
      const refused = { kind: "refused", reason: "FINGERPRINT_MISMATCH" } as const;
      history.add("claim", 20, { fingerprint: "other" }, refused);
      history.claim(30, { kind: "refused", reason: "RECORD_EXISTS" });
      history.claim(40, { kind: "unknown" }, { return_ns: null });
    },
  },
  {
    validator: sameBytes,
    name: "a result that was sent by a call without an answer",
    write(history) {
      history.complete(10, 10, "one", { kind: "unknown" }, { return_ns: null });
      history.replay(12, "one");
    },
  },
  {
    validator: waitsEnd,
    name: "a wait that is told in time, and one that was given up before there was an end",
    write(history) {
      history.add("wait_for", 0, {}, { kind: "completed" }, { return_ns: at(1510) });
      history.add("wait_for", 0, {}, { kind: "finish", reason: "timeout" }, { return_ns: at(9) });
      history.complete(10, 10, "one");
    },
  },
  {
    validator: waitsEnd,
    name: "a wait of a server that was down",
    write(history) {
      const line = { return_ns: at(9000), server: "one:1" };
      history.add("wait_for", 0, {}, { kind: "completed" }, line);
      history.complete(10, 10, "one");
    },
    marks: [{ v: 1, mark: "server-down", server: "one:1", from_ns: at(1000), to_ns: at(8000) }],
  },
  {
    validator: waitsEnd,
    name: "a wait that is told in time after the last of two troubles, of which one followed on the other",
    write(history) {
      history.add("wait_for", 0, {}, { kind: "completed" }, { return_ns: at(5400) });
      history.complete(10, 10, "one");
    },
    marks: [
      { v: 1, mark: "trouble", from_ns: at(3000), to_ns: at(4000) },
      { v: 1, mark: "trouble", from_ns: at(1000), to_ns: at(2000) },
    ],
  },
  {
    validator: ownCanaries,
    name: "its own canary",
    write(history) {
      history.add("claim", 0, {}, { kind: "completed" }, { canaries: ["t"] });
    },
  },
  {
    validator: lastLook,
    name: "a look while a call was open, a result that is there, and one that may be no longer kept",
    write(history) {
      history.acquire(0, "a", 10);
      history.add("get_record", 5, {}, { kind: "record", state: "in-progress", fence: 10 });
      history.complete(10, 10, "one");
      history.add("get_record", 50, {}, { kind: "record", state: "completed", fence: 10, result: "one" });
      history.add("get_record", 60_010, {}, { kind: "record", state: "expired", fence: 10 });
    },
  },
];

/** The clock is ahead for as long as is said, and meanwhile the record is claimed anew, or not. */
function writeAhead(history: Hand, aheadMs: number, isAnew: boolean): void {
  history.acquire(0, "a", 10);
  history.complete(10, 10, "one");
  const key = { server_time_us: us(30 + aheadMs), ...(!isAnew && { op: "heartbeat" as const }) };
  history.acquire(30, isAnew ? "b" : "a", isAnew ? 20 : 10, {}, key);
  history.add("wait_for", 45, {}, { kind: "finish", reason: "timeout" }, { return_ns: at(2000) });
  history.acquire(50, isAnew ? "b" : "a", isAnew ? 20 : 10, { reason: "reattached" });
  history.claim(3000, { kind: "in-progress" });
  history.add("get_record", 4000, {}, { kind: "record", state: "in-progress", fence: isAnew ? 20 : 10 });
}

const AHEAD: readonly MarkLine[] = [
  { v: 1, mark: "clock-step", from_ns: at(20), to_ns: at(22) },
  { v: 1, mark: "clock-step", from_ns: at(40), to_ns: at(42) },
];

describe.each([replayed, waitsEnd, lastLook])("after the clock was ahead for a while, $id", (validator) => {
  test("has nothing against a record that was another one by the time that its result was kept no longer", () => {
    const history = hand();
    writeAhead(history, KEPT_MS, true);
    expect(violationsOf(validator, history, AHEAD)).toEqual([]);
  });

  test("finds a result that is gone though it was kept all the time", () => {
    const history = hand();
    writeAhead(history, KEPT_MS / 2, false);
    expect(violationsOf(validator, history, AHEAD)).not.toEqual([]);
  });
});

const UNSWEPT = AHEAD.map((mark) => ({ ...mark, unswept: true }));

/** Another record has told that the clock was ahead beyond the end of the result; of this one it may have been claimed. */
function writeLost(history: Hand, isClaimed: boolean): void {
  history.acquire(0, "a", 10);
  history.complete(10, 10, "one");
  const more = { server_time_us: us(30 + KEPT_MS) };
  if (isClaimed) history.acquire(30, "b", 20, {}, more);
  else history.add("heartbeat", 30, {}, { kind: "extended", fence: 10, token: "token 10" }, more);
  history.acquire(45, "c", 10, {}, { op: "heartbeat" });
  history.claim(3000, { kind: "in-progress" });
  history.add("get_record", 4000, {}, { kind: "record", state: "in-progress", fence: 20 });
}

describe.each([replayed, lastLook])("after a step of the clock that misled no sweeper, $id", (validator) => {
  test("finds a result that is gone though nobody claimed the key meanwhile", () => {
    const history = hand();
    writeLost(history, false);
    expect(violationsOf(validator, history, AHEAD)).toEqual([]);
    expect(violationsOf(validator, history, UNSWEPT)).not.toEqual([]);
  });

  test("has nothing against a record that was claimed anew meanwhile", () => {
    const history = hand();
    writeLost(history, true);
    expect(violationsOf(validator, history, UNSWEPT)).toEqual([]);
  });
});

describe("a validator has nothing against", () => {
  test.each(HONEST)("$validator.id: $name", ({ validator, write, marks }) => {
    const history = hand();
    write(history);
    expect(violationsOf(validator, history, marks)).toEqual([]);
  });
});

test("V5 has judged a wait that was told of its end before the caller who ended it, and not one of another end", () => {
  const history = hand();
  history.add("wait_for", 0, {}, { kind: "completed" }, { return_ns: at(10.5) });
  history.add("wait_for", 0, {}, { kind: "completed" }, { return_ns: at(9) });
  history.add("wait_for", 0, {}, { kind: "finish", reason: "timeout" }, { return_ns: at(10.5) });
  history.complete(10, 10, "one");
  expect(check(waitsEnd, history)).toEqual({ judged: [{ fromNs: at(0), toNs: at(11) }], violations: [] });
});

test("V5 has judged no wait that was over before its patience was, be it that it missed its end", () => {
  const history = hand();
  history.add("wait_for", 0, {}, { kind: "finish", reason: "timeout" }, { return_ns: at(1400) });
  history.claim(0, { kind: "in-progress" }, { input: { wait_ms: 1400 }, return_ns: at(1400) });
  history.claim(0, { kind: "in-progress" }, { return_ns: at(5000) });
  history.complete(10, 10, "one");
  expect(check(waitsEnd, history)).toEqual({ judged: [], violations: [] });
});

test("V5 has judged a claim that waited and was told of the end", () => {
  const history = hand();
  history.claim(0, { kind: "completed" }, { input: { wait_ms: 5000 }, return_ns: at(12) });
  history.complete(10, 10, "one");
  expect(check(waitsEnd, history)).toMatchObject({ judged: [{ fromNs: at(0), toNs: at(12) }], violations: [] });
});

test("V7 has judged the facts that a look was held against, and no look as such", () => {
  const history = hand();
  history.add("get_record", 5, {}, { kind: "refused", reason: "RECORD_NOT_FOUND" });
  expect(check(lastLook, history).judged).toEqual([]);
});

test("V8 counts what nobody was answered, and tells what its repeat was told", () => {
  const history = hand();
  const lost = { return_ns: null } as const;
  history.add("claim", 0, { claim_id: "a" }, { kind: "unknown", code: "Unavailable" }, lost);
  history.add("claim", 5, { claim_id: "a" }, { kind: "acquired", reason: "reattached" });
  history.complete(10, 10, "one", { kind: "unknown", code: "Canceled" }, lost);
  history.complete(20, 10, "one", { already_applied: true });
  history.add("heartbeat", 30, { token: "t" }, { kind: "unknown", code: "Canceled" }, lost);
  const tally = tallyUnknown();
  tally.add(history.calls);
  expect(tally.figures()).toEqual({
    ...{ calls: 5, unknown: 3, byCode: { Canceled: 2, Unavailable: 1 }, neverRepeated: 1 },
    resolved: { "claim: had been acquired": 1, "complete: had been applied": 1 },
  });
});
