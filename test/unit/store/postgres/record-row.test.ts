import { describe, expect, test } from "vitest";
import {
  decodeFound,
  decodeRecord,
  encodeSeenState,
  encodeState,
  type FoundRow,
} from "../../../../src/store/postgres/record-row.ts";
import { bytes, recordOf, SUSPECT } from "../../../support/records.ts";
import { rowOf } from "./row-of.ts";

test("an open record is decoded", () => {
  expect(decodeRecord(rowOf())).toEqual(recordOf());
});

test("bytes are plain, as those of the memory store, and copied from nowhere", () => {
  const evidence = Buffer.from("evidence");
  const record = decodeRecord(rowOf({ evidence }));
  expect(record.evidence.constructor).toBe(Uint8Array);
  expect(record.evidence.buffer).toBe(evidence.buffer);
});

test("an ended record with everything in it is decoded", () => {
  const row = rowOf({
    state: 4,
    suspect_token: Buffer.from(SUSPECT.token),
    suspect_fence: SUSPECT.fence,
    max_execution_ms: 604_800_000n,
    end_time: 5,
    reason: 4,
    end_digest: Buffer.from("digest"),
    outcome: Buffer.from("outcome"),
    checkpoint: Buffer.from("checkpoint"),
    checkpoint_sequence: 2n ** 63n - 1n,
    external_ref: "charge-1",
    progress: Buffer.from("half"),
  });
  expect(decodeRecord(row)).toEqual(
    recordOf({
      state: "failed",
      suspect: SUSPECT,
      policy: { ...recordOf().policy, maxExecutionMs: 604_800_000 },
      endTime: 5,
      reason: "max-attempts",
      endDigest: bytes("digest"),
      outcome: bytes("outcome"),
      checkpoint: bytes("checkpoint"),
      checkpointSequence: 2n ** 63n - 1n,
      externalRef: "charge-1",
      progress: bytes("half"),
    }),
  );
});

test("an unbound record has no fingerprint, one without a payload an empty one", () => {
  expect(decodeRecord(rowOf({ fingerprint: null })).fingerprint).toBeNull();
  const empty = decodeRecord(rowOf({ fingerprint: Buffer.alloc(0), fingerprint_algorithm: "" }));
  expect(empty.fingerprint).toEqual({ algorithm: "", digest: new Uint8Array() });
});

test("a row without a state says that there is no record", () => {
  const nothing = { i: 1n, seen_at: 0, tenant: "a", scope: "b", key: "c", state: null };
  expect(decodeFound(nothing)).toBeNull();
  expect(decodeFound({ ...rowOf(), i: 1n, seen_at: 0 } as FoundRow)).toEqual(recordOf());
});

test("a suspect has both, token and fence, or there is none", () => {
  expect(decodeRecord(rowOf({ suspect_token: Buffer.from(SUSPECT.token) })).suspect).toBeNull();
  expect(decodeRecord(rowOf({ suspect_fence: SUSPECT.fence })).suspect).toBeNull();
});

describe("codes", () => {
  test("are written as they are read, and one more for what is seen as expired", () => {
    for (const state of ["in-progress", "available", "completed", "failed", "outcome-unknown"] as const) {
      expect(decodeRecord(rowOf({ state: encodeState(state) })).state).toBe(state);
      expect(encodeSeenState(state)).toBe(encodeState(state));
    }
    expect(encodeSeenState("expired")).toBe(6);
  });

  test.each([
    [1, "in-progress"],
    [2, "available"],
    [3, "completed"],
    [4, "failed"],
    [5, "outcome-unknown"],
  ])("state %d is %s", (state, name) => {
    expect(decodeRecord(rowOf({ state })).state).toBe(name);
  });

  test.each([
    [1, "lease-expired"],
    [2, "reported"],
    [3, "store-restored"],
    [4, "max-attempts"],
    [5, "resolved"],
  ])("reason %d is %s", (reason, name) => {
    expect(decodeRecord(rowOf({ reason })).reason).toBe(name);
  });

  test("any other code is a bug", () => {
    expect(() => decodeRecord(rowOf({ state: 9 }))).toThrow("bug");
    expect(() => decodeRecord(rowOf({ reason: 0 }))).toThrow("bug");
  });
});
