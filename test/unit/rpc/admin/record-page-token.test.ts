import { create, type MessageInitShape } from "@bufbuild/protobuf";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { RecordState } from "../../../../gen/holdfast/v1/idempotency_pb.ts";
import { ListRecordsRequestSchema } from "../../../../gen/holdfast/v1/operator_pb.ts";
import { Fault } from "../../../../src/domain/fault.ts";
import { positionOf, toRecordPageToken } from "../../../../src/rpc/wire/record-page-token.ts";
import type { ListPosition } from "../../../../src/store/operator-store.ts";
import { NOW } from "../../../support/records.ts";
import { seconds } from "../bundle.ts";

type Init = Exclude<MessageInitShape<typeof ListRecordsRequestSchema>, { readonly $typeName: string }>;

const requestOf = (more: Init = {}) => create(ListRecordsRequestSchema, more);
const POSITION: ListPosition = { part: "open", createTime: NOW, scope: "charge", key: "evt_1" };
const TOKEN = toRecordPageToken(POSITION, requestOf());

/** The same token with other bytes at a place. */
const changed = (at: number, ...bytes: readonly number[]) => {
  const copy = Buffer.from(TOKEN, "base64url");
  copy.set(bytes, at);
  return copy.toString("base64url");
};

const refused = (pageToken: string, more: Init = {}) => {
  try {
    return positionOf(requestOf({ ...more, pageToken }));
  } catch (error) {
    if (error instanceof Fault) return { code: error.code, fields: error.violations.map(({ field }) => field) };
    throw error;
  }
};

const REFUSED = { code: "FIELD_INVALID", fields: ["page_token"] };

test("the first page needs none, and the last one gives none", () => {
  expect(positionOf(requestOf())).toBeNull();
  expect(toRecordPageToken(null, requestOf())).toBe("");
});

test("every position comes back from its token, which fits into a request", () => {
  const text = (max: number) =>
    fc
      .string({ unit: "binary", maxLength: max })
      .filter((each) => !each.includes("\0") && Buffer.byteLength(each) <= max);
  const position = fc.record({
    part: fc.constantFrom("stuck", "open", "ended"),
    createTime: fc.oneof(fc.constant(Number.NEGATIVE_INFINITY), fc.maxSafeInteger()),
    scope: text(128),
    key: text(512),
  });
  fc.assert(
    fc.property(position, (given) => {
      const next = given as ListPosition;
      const pageToken = toRecordPageToken(next, requestOf());
      expect(positionOf(requestOf({ pageToken }))).toEqual(next);
      expect(pageToken.length).toBeLessThan(2048);
    }),
  );
});

describe("a token is refused", () => {
  test.each<[string, Init]>([
    ["tenant", { tenantId: "acme" }],
    ["scope", { scope: "charge" }],
    ["key prefix", { keyPrefix: "evt" }],
    ["states", { states: [RecordState.FAILED] }],
    ["stuck ones", { stuckOnly: true }],
    ["owner", { owner: "billing" }],
    ["age", { olderThan: seconds(60) }],
    ["other age", { newerThan: seconds(60) }],
  ])("with another %s", (_, more) => {
    expect(refused(TOKEN, more)).toEqual(REFUSED);
  });

  test.each([
    ["that is another list's", Buffer.from("acme").toString("base64url")],
    ["that is no base64url", "%%%"],
    ["with a character behind it", `${TOKEN}A`],
    ["that is cut", TOKEN.slice(0, -4)],
    ["that is cut in its head", TOKEN.slice(0, 20)],
    ["of another version", changed(0, 2)],
    ["of another digest", changed(1, 0, 0, 0)],
    ["of another part", changed(9, 2)],
    ["of a part that there is not", changed(9, 3)],
    ["of another time", changed(17, 0xff)],
    ["of another key", changed(25, 0x66)],
    ["with text that is not UTF-8", changed(19, 0xff)],
    ["with padding", `${TOKEN}=`],
  ])("%s", (_, token) => {
    expect(refused(token)).toEqual(REFUSED);
  });

  test.each<[string, Partial<ListPosition>]>([
    ["a time that is none", { createTime: Number.NaN }],
    ["a time that never comes", { createTime: Number.POSITIVE_INFINITY }],
    ["a time between two microseconds", { createTime: 0.5 }],
    ["a time beyond all", { createTime: 1e300 }],
    ["U+0000 in its scope", { scope: "a\0b" }],
    ["U+0000 in its key", { key: "\0" }],
  ])("with %s, be it made by somebody who knows how", (_, wrong) => {
    expect(refused(toRecordPageToken({ ...POSITION, ...wrong }, requestOf()))).toEqual(REFUSED);
  });

  test("whatever it is that nobody gave out", () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1, maxLength: 64 }), (token) => {
        expect(refused(token)).toEqual(REFUSED);
      }),
    );
  });
});

test("what does not say which records there are may change from page to page", () => {
  expect(positionOf(requestOf({ pageToken: TOKEN, pageSize: 7, includeOutcomes: true }))).toEqual(POSITION);
  const states = [RecordState.FAILED, RecordState.COMPLETED];
  const pageToken = toRecordPageToken(POSITION, requestOf({ states }));
  expect(positionOf(requestOf({ states: states.toReversed(), pageToken }))).toEqual(POSITION);
});
