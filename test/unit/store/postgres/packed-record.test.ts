import { expect, test } from "vitest";
import { unpackRecord } from "../../../../src/store/postgres/packed-record.ts";
import type { RecordRow } from "../../../../src/store/postgres/record-row.ts";
import { bytes, NOW, recordOf, SECOND, SUSPECT } from "../../../support/records.ts";
import { columnsOf, int2, int8, packed } from "./packed.ts";
import { rowOf } from "./row-of.ts";

const { key } = recordOf();

const unpacked = (change: Partial<RecordRow> = {}) => unpackRecord(packed(...columnsOf(rowOf(change))), key);

test("an open record has nothing but what every record has", () => {
  expect(unpacked()).toEqual(recordOf());
});

test("each column of a record that has everything comes to its own place", () => {
  const record = unpacked({
    ...{ state: 4, due: NOW + 1, forget_at: NOW + 2, has_waiters: true, attempt: 3, hold: true, max_attempts: 4 },
    ...{ suspect_token: Buffer.from(SUSPECT.token), suspect_fence: SUSPECT.fence, max_execution_ms: 5n },
    ...{ result_retention_ms: 6n, tombstone_retention_ms: 7n, create_time: NOW + 8, attempt_start_time: NOW + 9 },
    ...{ end_time: NOW + 10, reason: 4, end_digest: bytes("digest"), outcome: bytes("outcome") },
    ...{ checkpoint: bytes("checkpoint"), checkpoint_sequence: 2n ** 63n - 1n, checkpoint_time: NOW + 11 },
    ...{ evidence: bytes("evidence"), external_ref: "charge-1", progress: bytes("half") },
  });
  expect(record).toEqual(
    recordOf({
      ...{ state: "failed", due: NOW + 1, forgetAt: NOW + 2, hasWaiters: true, attempt: 3, suspect: SUSPECT },
      policy: { hold: true, maxAttempts: 4, maxExecutionMs: 5, resultRetentionMs: 6, tombstoneRetentionMs: 7 },
      ...{ createTime: NOW + 8, attemptStartTime: NOW + 9, endTime: NOW + 10, reason: "max-attempts" },
      ...{ endDigest: bytes("digest"), outcome: bytes("outcome"), checkpoint: bytes("checkpoint") },
      ...{ checkpointSequence: 2n ** 63n - 1n, checkpointTime: NOW + 11 },
      ...{ evidence: bytes("evidence"), externalRef: "charge-1", progress: bytes("half") },
    }),
  );
});

test("an unbound record has no fingerprint, one without a payload an empty one", () => {
  expect(unpacked({ fingerprint: null })?.fingerprint).toBeNull();
  const empty = unpacked({ fingerprint: Buffer.alloc(0), fingerprint_algorithm: "" });
  expect(empty?.fingerprint).toEqual({ algorithm: "", digest: new Uint8Array() });
});

test("a suspect has both, token and fence, or there is none", () => {
  expect(unpacked({ suspect_token: Buffer.from(SUSPECT.token) })?.suspect).toBeNull();
  expect(unpacked({ suspect_fence: SUSPECT.fence })?.suspect).toBeNull();
});

test("where there is no record there is nothing to unpack", () => {
  expect(unpackRecord(null, key)).toBeNull();
});

test("a record without a state, and one with a column more than is read, are bugs", () => {
  const [, ...others] = columnsOf(rowOf());
  expect(() => unpackRecord(packed(int2(null), ...others), key)).toThrow("bug: no state has the code 0");
  expect(() => unpackRecord(packed(...columnsOf(rowOf()), int8(SECOND)), key)).toThrow("bug: a row has columns");
});
