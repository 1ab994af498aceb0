import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { TimestampSchema } from "@bufbuild/protobuf/wkt";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { StatusSchema } from "../../../../gen/google/rpc/status_pb.ts";
import { CheckpointSchema, OwnerSchema, ResultSchema } from "../../../../gen/holdfast/v1/idempotency_pb.ts";
import {
  decodeCheckpoint,
  decodeError,
  decodeEvidence,
  decodeResult,
  encodeCheckpoint,
  encodeError,
  encodeEvidence,
  encodeResult,
} from "../../../../src/rpc/wire/stored.ts";
import { recordOf } from "../../../support/records.ts";

const text = fc.array(fc.integer({ min: 0, max: 0x10ffff }), { maxLength: 20 }).map((points) =>
  points
    .map((point) => String.fromCodePoint(point))
    .join("")
    .toWellFormed(),
);
const metadata = fc
  .array(fc.tuple(fc.oneof(text, fc.constantFrom("__proto__", "constructor", "10", "2", "")), text))
  .map((pairs): Record<string, string> => Object.fromEntries(pairs));
const bytes = fc.uint8Array({ maxLength: 64 });

const body = fc.oneof(
  fc.record({ case: fc.constant("inline" as const), value: bytes }),
  fc.record({ case: fc.constant("omittedReason" as const), value: text }),
  fc.record({
    case: fc.constant("reference" as const),
    value: fc.record({ uri: text, sha256: bytes, sizeBytes: fc.bigInt({ min: 0n, max: 2n ** 63n - 1n }) }),
  }),
);
const results = fc.record({ body, contentType: text, metadata });

/** A field of a later version: number 999, a varint. */
const UNKNOWN = Uint8Array.from([0xb8, 0x3e, 0x01]);

describe("a result", () => {
  test("is replayed as it was, whatever is in it", () => {
    fc.assert(
      fc.property(results, (init) => {
        const result = create(ResultSchema, { body: init.body, contentType: init.contentType });
        result.metadata = init.metadata;
        const stored = encodeResult(result);
        const replayed = decodeResult(recordOf({ outcome: stored }));
        expect(replayed.body).toEqual(result.body);
        expect(replayed.contentType).toBe(result.contentType);
        expect(Object.entries(replayed.metadata).toSorted()).toEqual(Object.entries(init.metadata).toSorted());
        expect(toBinary(ResultSchema, replayed)).toEqual(stored);
      }),
    );
  });

  test("is the same bytes in whatever order its metadata came", () => {
    fc.assert(
      fc.property(metadata, (entries) => {
        const encoded = (pairs: [string, string][]) => {
          const result = create(ResultSchema, { body: { case: "inline", value: new Uint8Array() } });
          result.metadata = Object.fromEntries(pairs);
          return encodeResult(result);
        };
        const pairs = Object.entries(entries);
        expect(encoded(pairs.toReversed())).toEqual(encoded(pairs));
      }),
    );
  });

  test("with an empty body has one", () => {
    const stored = encodeResult(create(ResultSchema, { body: { case: "inline", value: new Uint8Array() } }));
    expect(decodeResult(recordOf({ outcome: stored })).body).toEqual({ case: "inline", value: new Uint8Array() });
  });

  test("is stored without the fields of a later version", () => {
    const known = create(ResultSchema, { body: { case: "inline", value: Uint8Array.of(1) } });
    const newer = fromBinary(ResultSchema, Uint8Array.of(...toBinary(ResultSchema, known), ...UNKNOWN));
    expect(newer.$unknown).toHaveLength(1);
    expect(encodeResult(newer)).toEqual(toBinary(ResultSchema, known));
  });

  test("is no view into the request that it came in", () => {
    const frame = toBinary(
      ResultSchema,
      create(ResultSchema, { body: { case: "inline", value: Uint8Array.of(1, 2, 3) } }),
    );
    const stored = encodeResult(fromBinary(ResultSchema, frame));
    const before = Uint8Array.from(stored);
    frame.fill(0);
    expect(stored).toEqual(before);
  });

  test("that is not there is a bug, and one that is damaged is not passed off as another", () => {
    expect(() => decodeResult(recordOf({ outcome: null }))).toThrow("bug");
    expect(() => decodeResult(recordOf({ outcome: Uint8Array.of(0x0a, 200) }))).toThrow();
  });
});

test("an empty error is stored, and told from none", () => {
  const stored = encodeError(create(StatusSchema));
  expect(stored).toEqual(new Uint8Array());
  expect(decodeError(recordOf({ outcome: stored }))).toEqual(create(StatusSchema));
  expect(decodeError(recordOf({ outcome: null }))).toBeUndefined();
});

const TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

describe("evidence", () => {
  test("keeps the trace of the claim, alone or beside the rest", () => {
    const alone = encodeEvidence({ metadata: {}, traceparent: TRACEPARENT });
    expect(decodeEvidence(recordOf({ evidence: alone })).traceparent).toBe(TRACEPARENT);
    // Two bytes of tag, one of length.
    expect(alone).toHaveLength(3 + 55);
    const owner = create(OwnerSchema, { service: "billing" });
    const all = encodeEvidence({ owner, metadata: { a: "1" }, traceparent: TRACEPARENT });
    expect(decodeEvidence(recordOf({ evidence: all }))).toMatchObject({
      ...{ owner, metadata: { a: "1" }, traceparent: TRACEPARENT },
    });
    expect(encodeEvidence({ owner, metadata: { a: "1" }, traceparent: TRACEPARENT })).toEqual(all);
  });

  test("keeps owner and metadata, names like __proto__ included", () => {
    const owner = create(OwnerSchema, { service: "billing", instance: "pod-7" });
    const entries = Object.fromEntries([
      ["__proto__", "p"],
      ["b", "2"],
      ["a", "1"],
    ]);
    const decoded = decodeEvidence(
      recordOf({ evidence: encodeEvidence({ owner, metadata: entries, traceparent: null }) }),
    );
    expect(decoded.owner).toEqual(owner);
    expect(Object.entries(decoded.metadata)).toEqual(Object.entries(entries).toSorted());
  });

  test("of a claim that says nothing is nothing", () => {
    expect(encodeEvidence({ metadata: {}, traceparent: null })).toEqual(new Uint8Array());
  });

  test("at its largest fits the column that keeps it", () => {
    const owner = create(OwnerSchema, { service: "s".repeat(256), instance: "i".repeat(256) });
    const names = [...Array.from({ length: 128 }, (_, i) => String.fromCharCode(i)), ...twoByteNames(1984)];
    const largest = encodeEvidence({
      ...{ owner, traceparent: TRACEPARENT },
      metadata: Object.fromEntries(names.map((name) => [name, ""])),
    });
    expect(largest.length).toBeLessThanOrEqual(32_768);
  });
});

function twoByteNames(count: number): string[] {
  return Array.from({ length: count }, (_, i) => String.fromCharCode(0x80 + i));
}

test("a checkpoint is kept with its sequence and without a time that the caller made up", () => {
  const sent = create(CheckpointSchema, {
    name: "charged",
    sequence: 7n,
    data: Uint8Array.of(1),
    contentType: "text/plain",
    recordTime: create(TimestampSchema, { seconds: 1n }),
  });
  const kept = encodeCheckpoint(sent);
  expect(kept?.sequence).toBe(7n);
  const { recordTime, ...rest } = decodeCheckpoint(recordOf({ checkpoint: kept?.encoded ?? null })) ?? {};
  expect(recordTime).toBeUndefined();
  expect(rest).toMatchObject({ name: "charged", sequence: 7n, data: Uint8Array.of(1), contentType: "text/plain" });
});
