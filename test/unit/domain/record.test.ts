import { describe, expect, test } from "vitest";
import { Fault } from "../../../src/domain/fault.ts";
import { addMs, msBetween } from "../../../src/domain/instant.ts";
import { sameKey } from "../../../src/domain/key.ts";
import { isOwnLease, isSeenAs, type SeenState, sameBytes, sameProof } from "../../../src/domain/record.ts";
import { HOLDER, NOW, proofOf, tokenOf } from "../../support/records.ts";
import { STATES } from "./reducer/states.ts";

const SEEN: readonly SeenState[] = ["in-progress", "available", "completed", "failed", "outcome-unknown", "expired"];

/** In which states callers see what is stored. */
const SEEN_AS: Readonly<Record<string, readonly SeenState[]>> = {
  forgotten: ["expired"],
  live: ["in-progress"],
  lapsed: ["in-progress"],
  "lapsed, last attempt": ["in-progress"],
  "lapsed under HOLD": ["outcome-unknown"],
  "lapsed under HOLD, last attempt": ["outcome-unknown"],
  reconciling: ["in-progress"],
  "reconciling, lapsed": ["outcome-unknown"],
  "reconciling, lapsed, not HOLD": ["outcome-unknown"],
  available: ["available"],
  "available, due later": ["available"],
  "available, last attempt": ["available"],
  "available, unbound": ["available"],
  completed: ["completed"],
  failed: ["failed"],
  "failed, last attempt": ["failed"],
  "completed, expired": ["expired"],
  "failed, expired": ["expired"],
  "completed by the suspect": ["completed"],
  "outcome unknown": ["outcome-unknown"],
  "outcome unknown, a suspect cut off": ["outcome-unknown"],
};

describe("callers see", () => {
  test.each(Object.entries(STATES).filter(([, record]) => record !== null))("%s as what it is", (name, record) => {
    if (record === null) throw new Error("bug: filtered");
    expect(SEEN.filter((state) => isSeenAs(record, state, NOW))).toEqual(SEEN_AS[name]);
  });

  test("an ended record as expired from its very end on, and one whose result went before that as both", () => {
    const record = STATES["completed"];
    if (record === null || record === undefined) throw new Error("bug: no such state");
    const seenAt = (at: number, outcome = record.outcome) =>
      SEEN.filter((state) => isSeenAs({ ...record, outcome }, state, at));
    expect(seenAt(record.due - 1)).toEqual(["completed"]);
    expect(seenAt(record.due)).toEqual(["expired"]);
    expect(seenAt(record.due - 1, null)).toEqual(["completed", "expired"]);
  });
});

test("bytes are the same if they are as many, and each is the same", () => {
  const bytes = Uint8Array.of(1, 2, 3);
  expect(sameBytes(bytes, Uint8Array.of(1, 2, 3))).toBe(true);
  for (const other of [[0, 2, 3], [1, 2, 4], [1, 2], [1, 2, 3, 4], []]) {
    expect(sameBytes(bytes, Uint8Array.from(other))).toBe(false);
  }
});

test("a proof is the same if token and fence are, and a lease is one's own by the token alone", () => {
  expect(sameProof(proofOf("a", 1n), proofOf("a", 1n))).toBe(true);
  expect(sameProof(proofOf("a", 1n), proofOf("a", 2n))).toBe(false);
  expect(sameProof(proofOf("a", 1n), proofOf("b", 1n))).toBe(false);
  const record = STATES["live"];
  if (record === null || record === undefined) throw new Error("bug: no such state");
  expect(isOwnLease(record, HOLDER.token)).toBe(true);
  expect(isOwnLease(record, tokenOf("stranger"))).toBe(false);
});

test("a key is the same if all of its parts are", () => {
  const key = { tenant: "t", scope: "s", key: "k" };
  expect(sameKey(key, { ...key })).toBe(true);
  for (const part of ["tenant", "scope", "key"] as const) expect(sameKey(key, { ...key, [part]: "x" })).toBe(false);
});

test("an instant counts microseconds, and what lies between two is milliseconds with a sign", () => {
  expect(addMs(NOW, 2)).toBe(NOW + 2_000);
  expect(msBetween(NOW, NOW + 2_500)).toBe(2.5);
  expect(msBetween(NOW + 2_500, NOW)).toBe(-2.5);
});

test("a fault has its code and message, and of what else there is only what it was given", () => {
  const cause = new Error("why");
  const violations = [{ field: "key", allowed: "1 to 512 bytes" }];
  const given = new Fault("FIELD_INVALID", "a message", { violations, retryAfterMs: 5, cause });
  expect(given).toMatchObject({ name: "Fault", message: "a message", violations, retryAfterMs: 5, cause });
  expect(new Fault("DRAINING", "a message")).toMatchObject({ violations: [], retryAfterMs: null, cause: undefined });
});
