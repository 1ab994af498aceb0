import { expect, test } from "vitest";
import {
  bytesOfClaim,
  bytesOfFinish,
  bytesOfHeartbeat,
  bytesOfKeyed,
} from "../../../../src/store/postgres/call-bytes.ts";
import { bytes, claimOf, finishOf, heartbeatOf } from "../../../support/records.ts";

const key = { tenant: "ab", scope: "abc", key: "abcde" };
const checkpoint = { sequence: 1n, encoded: bytes("12345678") };

test("a call weighs its key and a share of its own, and its content on top", () => {
  expect(bytesOfKeyed({ key })).toBe(256 + 10);
  const keyed = bytesOfKeyed({ key });
  const claim = claimOf({ key, claimId: "1234", evidence: bytes("123"), externalRef: "12" });
  expect(bytesOfClaim(claim)).toBe(keyed + 4 + 3 + 2);
  expect(bytesOfHeartbeat(heartbeatOf({ key, checkpoint, progress: bytes("123"), externalRef: "12" }))).toBe(
    keyed + 8 + 3 + 2,
  );
  expect(bytesOfFinish(finishOf({ key, outcome: bytes("1234567"), checkpoint }))).toBe(keyed + 7 + 8);
});

test("what a call does not have weighs nothing", () => {
  const keyed = bytesOfKeyed({ key });
  expect(bytesOfClaim(claimOf({ key, claimId: "1234", evidence: bytes(""), externalRef: null }))).toBe(keyed + 4);
  expect(bytesOfHeartbeat(heartbeatOf({ key }))).toBe(keyed);
  expect(bytesOfFinish(finishOf({ key, kind: "not-started", outcome: null }))).toBe(keyed);
});
