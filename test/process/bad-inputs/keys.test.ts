import { create, type DescMessage, type MessageInitShape } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import {
  AcquireReason,
  ClaimOutcome,
  FailKind,
  IdempotencyService,
  RecordKeySchema,
} from "../../../gen/holdfast/v1/idempotency_pb.ts";
import { newClaimId } from "../callers.ts";
import { row } from "./rows.ts";
import { CANARY, call, FIELD_INVALID, generic, leaseOf, livesOn, refuses, useStand } from "./stand.ts";
import { DISTINCT_WIRES, encode, type Method, WIRE_NAMES, type Wire } from "./wires.ts";

const { method } = IdempotencyService;
const stand = useStand();

describe.each(DISTINCT_WIRES)("%s", (name) => {
  test.each([
    ["1 byte each", "s", ["a", "b", "c", "d", "e"]],
    ["128 and 512 bytes", "s".repeat(128), ["a", "b", "c", "d", "e"].map((letter) => letter.repeat(512))],
    [
      "32 and 128 letters of four bytes",
      "😀".repeat(32),
      ["🐀", "🐂", "🐅", "🐇", "🐉"].map((letter) => letter.repeat(128)),
    ],
  ])(`${row(35)}: %s`, async (_, scope, keys) => {
    await isExactly(stand.wires[name], { scope, key: keys[WIRE_NAMES.indexOf(name)] ?? "" });
  });

  test(`${row(38)} join two keys nowhere`, async () => {
    const wire = stand.wires[name];
    const pairs = ["\u001e", "\u001f", ":", "/", ",", "|", "\n", "\\"].flatMap((separator) => [
      { scope: "a", key: `b${separator}c-${name}` },
      { scope: `a${separator}b`, key: `c-${name}` },
      { scope: `a${separator}`, key: `b${separator}c-${name}` },
    ]);
    await areAllNew(wire, pairs);
  });

  test(`${row(40)} are different keys`, async () => {
    const keys = [
      "é",
      "e\u0301",
      "K",
      "\u212a",
      "i",
      "I",
      "İ",
      "ı",
      "a",
      "a ",
      " a",
      "A",
      "ａ",
      "а",
      "ß",
      "ss",
      "ﬁ",
      "fi",
    ];
    await areAllNew(stand.wires[name], [
      ...keys.map((key) => ({ scope: `alike ${name}`, key })),
      ...keys.map((scope) => ({ scope, key: `alike ${name}` })),
    ]);
  });

  test.each([
    ["right-to-left override", "\u202etxt.exe"],
    ["zero width", "a\u200b\u200d\ufeffb"],
    ["emoji", "👩‍👩‍👧‍👦🏴‍☠️"],
    ["four-byte code points", "𐍈𝒳\u{10ffff}"],
    ["control characters", "\u0001\r\n\t\u001b[31m\u007f"],
    ["what a database quotes", "'; drop table holdfast.record; --$1\\"],
    ["the replacement character", "\ufffd"],
  ])(`${row(41)} is kept exactly: %s`, async (_, text) => {
    await isExactly(stand.wires[name], { scope: text, key: `${text}${name}` });
  });

  test.each(["__proto__", "constructor", "toString", "hasOwnProperty", "valueOf", "then", "toJSON", "length"])(
    `${row(43)}: %s`,
    async (word) => {
      await isExactly(stand.wires[name], { scope: `${word}${name}`, key: word });
      await isExactly(stand.wires[name], { scope: word, key: `${word}${name}` });
    },
  );
});

const NOT_UTF8: readonly (readonly [string, readonly number[]])[] = [
  ["an overlong slash", [0xc0, 0xaf]],
  ["a surrogate by itself", [0xed, 0xa0, 0x80]],
  ["a pair of surrogates in six bytes", [0xed, 0xa0, 0xbd, 0xed, 0xb8, 0x80]],
  ["half a character", [0xe2, 0x82]],
  ["a code point beyond the last", [0xf4, 0x90, 0x80, 0x80]],
  ["a byte that never occurs", [0xff]],
];

const PLACEHOLDER = "~".repeat(20);
const key = { scope: "s", key: "k" };
const claimId = "0123456789abcdef";
const handle = { key, token: new Uint8Array(16), fence: 1n };
const result = { body: { case: "omittedReason", value: "" } } as const;

/** One request for each place that takes text. */
const PLACES: readonly (readonly [string, (wire: Wire) => Uint8Array, Method])[] = [
  place("claim: key.tenant", method.claim, { key: { ...key, tenant: PLACEHOLDER }, claimId }),
  place("claim: key.scope", method.claim, { key: { ...key, scope: PLACEHOLDER }, claimId }),
  place("claim: key.key", method.claim, { key: { ...key, key: PLACEHOLDER }, claimId }),
  place("claim: claim_id", method.claim, { key, claimId: PLACEHOLDER }),
  place("claim: fingerprint.algorithm", method.claim, { key, claimId, fingerprint: { algorithm: PLACEHOLDER } }),
  place("claim: owner.service", method.claim, { key, claimId, owner: { service: PLACEHOLDER } }),
  place("claim: a name in metadata", method.claim, { key, claimId, metadata: { [PLACEHOLDER]: CANARY } }),
  place("claim: a value in metadata", method.claim, { key, claimId, metadata: { [CANARY]: PLACEHOLDER } }),
  place("claim: external_ref", method.claim, { key, claimId, externalRef: PLACEHOLDER }),
  place("heartbeat: progress.message", method.heartbeat, { handle, progress: { message: PLACEHOLDER } }),
  place("heartbeat: checkpoint.name", method.heartbeat, { handle, checkpoint: { sequence: 1n, name: PLACEHOLDER } }),
  place("complete: result.content_type", method.complete, { handle, result: { ...result, contentType: PLACEHOLDER } }),
  place("fail: error.message", method.fail, { handle, kind: FailKind.TERMINAL, error: { message: PLACEHOLDER } }),
  place("getRecord: key.key", method.getRecord, { key: { ...key, key: PLACEHOLDER } }),
  place("resolveTenant: host.host", method.resolveTenant, {
    selector: { case: "host", value: { host: PLACEHOLDER } },
  }),
];

describe.each(DISTINCT_WIRES)("%s", (name) => {
  test.each(PLACES)(`${row(37)}: in %s`, async (_, requestFor, rpc) => {
    const wire = stand.wires[name];
    for (const [, bytes] of NOT_UTF8) {
      const request = Buffer.from(requestFor(wire));
      const at = request.indexOf(PLACEHOLDER);
      Buffer.from(bytes).copy(request, at);
      expect(at).toBeGreaterThan(0);
      await refuses(stand, wire, rpc, request, FIELD_INVALID());
    }
  });
});

livesOn(stand);

function place<I extends DescMessage>(
  name: string,
  rpc: Method<I>,
  init: MessageInitShape<I>,
): (typeof PLACES)[number] {
  return [name, (wire) => encode(wire, rpc, init), generic(rpc)];
}

type Key = MessageInitShape<typeof RecordKeySchema>;

async function areAllNew(wire: Wire, keys: readonly Key[]): Promise<void> {
  const answers = await Promise.all(keys.map((key) => call(wire, method.claim, { key, claimId: newClaimId() })));
  const reasons = answers.map(({ detail }) => detail.case === "acquired" && detail.value.reason);
  expect(reasons).toEqual(keys.map(() => AcquireReason.NEW));
}

/** The record is found again under these very bytes, and shows them. */
async function isExactly(wire: Wire, key: Key): Promise<void> {
  const claimed = leaseOf(await call(wire, method.claim, { key, claimId: newClaimId() }));
  const expected = create(RecordKeySchema, { tenant: "default", ...key });
  expect(claimed.handle?.key).toEqual(expected);
  expect((await call(wire, method.getRecord, { key })).record?.key).toEqual(expected);
  const { outcome } = await call(wire, method.claim, { key, claimId: newClaimId() });
  expect(outcome).toBe(ClaimOutcome.IN_PROGRESS);
}
