import { createSecretKey, randomBytes } from "node:crypto";
import { describe, expect, test } from "vitest";
import { ENVELOPE_BYTES, open, type Place, readHead, seal } from "../../../../src/store/sealed/envelope.ts";
import { bytes } from "../../../support/records.ts";

const secret = createSecretKey(randomBytes(32));
const place: Place = { kind: "result", key: { tenant: "acme", scope: "orders", key: "order-1" } };
const head = { keyVersion: 3, fence: 1_787_227_200_000_000n };
const sealed = () => seal(bytes("paid"), place, head, secret);

test.each([
  ["nothing", new Uint8Array()],
  ["one zero byte", new Uint8Array(1)],
  ["every byte", Uint8Array.from({ length: 256 }, (_, i) => i)],
  ["a mebibyte", new Uint8Array(randomBytes(1_048_576))],
])("%s comes back byte by byte, and the envelope says how it is to be read", (_, content) => {
  const envelope = seal(content, place, head, secret);
  expect(envelope.length).toBe(content.length + ENVELOPE_BYTES);
  expect(readHead(envelope)).toEqual(head);
  const opened = open(envelope, place, secret);
  expect(opened !== null && Buffer.compare(opened, content) === 0).toBe(true);
});

test("an envelope is read at any place in a larger buffer, as a driver hands it out", () => {
  const envelope = sealed();
  const larger = new Uint8Array(envelope.length + 7);
  larger.set(envelope, 5);
  const view = larger.subarray(5, 5 + envelope.length);
  expect(readHead(view)).toEqual(head);
  expect(open(view, place, secret)).toEqual(bytes("paid"));
});

test.each([
  ["the lowest", { keyVersion: 1, fence: 1n }],
  ["the highest", { keyVersion: 2 ** 31 - 1, fence: 2n ** 63n - 1n }],
])("%s version and fence are kept", (_, extreme) => {
  const envelope = seal(bytes("paid"), place, extreme, secret);
  expect(readHead(envelope)).toEqual(extreme);
  expect(open(envelope, place, secret)).toEqual(bytes("paid"));
});

test("the same content is never sealed twice into the same bytes", () => {
  const envelopes = Array.from({ length: 1_000 }, () => Buffer.from(sealed()).toString("hex"));
  expect(new Set(envelopes).size).toBe(1_000);
});

test("a byte changed at any position opens nothing", () => {
  const envelope = sealed();
  for (let at = 0; at < envelope.length; at++) {
    for (const change of [0x01, 0x80, 0xff]) {
      const tampered = envelope.with(at, (envelope[at] ?? 0) ^ change);
      expect(typeof readHead(tampered) === "string" || open(tampered, place, secret) === null, `byte ${at}`).toBe(true);
    }
  }
});

test("an envelope cut short or made longer opens nothing", () => {
  const envelope = sealed();
  for (let length = 0; length < envelope.length; length++) {
    const cut = envelope.subarray(0, length);
    expect(typeof readHead(cut) === "string" || open(cut, place, secret) === null, `${length} bytes`).toBe(true);
  }
  expect(open(new Uint8Array([...envelope, 0]), place, secret)).toBeNull();
});

describe("an envelope opens in its own place only, not", () => {
  const { key } = place;
  const elsewhere: Readonly<Record<string, Place>> = {
    "as an error": { ...place, kind: "error" },
    "as a checkpoint": { ...place, kind: "checkpoint" },
    "of another tenant": { ...place, key: { ...key, tenant: "other" } },
    "in another scope": { ...place, key: { ...key, scope: "order" } },
    "under another key": { ...place, key: { ...key, key: "order-2" } },
    "where the border of scope and key has moved": { ...place, key: { ...key, scope: "order", key: "sorder-1" } },
    "where the border of tenant and scope has moved": { ...place, key: { ...key, tenant: "acmeo", scope: "rders" } },
  };

  test.each(Object.entries(elsewhere))("%s", (_, other) => {
    expect(open(sealed(), other, secret)).toBeNull();
    expect(open(seal(bytes("paid"), other, head, secret), place, secret)).toBeNull();
  });
});

test("another key opens nothing", () => {
  expect(open(sealed(), place, createSecretKey(randomBytes(32)))).toBeNull();
});

test.each([
  ["nothing", [], "not-sealed"],
  ["a protobuf message", [0x0a, 0x01, 0x61], "not-sealed"],
  ["the mark alone", [0], "malformed"],
  ["an envelope without room for a tag", [0, 1, ...new Uint8Array(39)], "malformed"],
  ["a format of the future", [0, 2, ...new Uint8Array(60)], "malformed"],
])("%s is told from an envelope", (_, stored, why) => {
  expect(readHead(Uint8Array.from(stored))).toBe(why);
});
