import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { AdminService } from "../../../../gen/holdfast/v1/admin_pb.ts";
import {
  ClaimRequestSchema,
  IdempotencyService,
  LeaseHandleSchema,
} from "../../../../gen/holdfast/v1/idempotency_pb.ts";
import { callHeaders, integer, longHeaders } from "../../../../proof/hostile/frames/frame.ts";
import { generate } from "../../../../proof/hostile/messages/generate.ts";
import { inputOf } from "../../../../proof/hostile/messages/inputs.ts";
import { MUTATIONS } from "../../../../proof/hostile/messages/mutate.ts";
import { isBug, WAYS } from "../../../../proof/hostile/messages/ways.ts";
import { bytesField, spansOf, varintField } from "../../../../proof/hostile/messages/wire.ts";
import { createChance } from "../../../../proof/sim/chance.ts";

const handle = toBinary(LeaseHandleSchema, fromBinary(LeaseHandleSchema, new Uint8Array()));
const WORLD = { handles: [handle] };
const CREDENTIALS = { own: "Bearer own", admin: "Bearer admin" };
const inputs = (seed: number, count: number) =>
  Array.from({ length: count }, (_, number) => inputOf(seed, number, WORLD, CREDENTIALS));

describe("inputs", () => {
  test("are the same for the same seed and number, and others for others", () => {
    expect(inputs(3, 50)).toEqual(inputs(3, 50));
    expect(inputOf(3, 49, WORLD, CREDENTIALS)).toEqual(inputs(3, 50)[49]);
    expect(inputs(4, 50)).not.toEqual(inputs(3, 50));
  });

  test("are of every method, over every way, with every mutation", () => {
    const all = inputs(1, 2500);
    const methods = [...IdempotencyService.methods, ...AdminService.methods].map(({ name }) => name);
    expect(new Set(all.map(({ method }) => method.name))).toEqual(
      new Set([...methods, "Check", "Watch", "List", "ServerReflectionInfo"]),
    );
    expect(new Set(all.map(({ way }) => way))).toEqual(new Set(Object.keys(WAYS)));
    const told = all.map(({ how }) => how).join("\n");
    for (const { name } of MUTATIONS) expect(told).toContain(name);
  });

  test("do only what administrators do with the credential of one", () => {
    for (const { method, headers } of inputs(2, 500)) {
      const { authorization } = headers as { readonly authorization?: string };
      if (authorization === CREDENTIALS.admin) expect(method.parent.typeName).toBe(AdminService.typeName);
    }
  });
});

test("a generated message is one, before anything is done to it", () => {
  for (let seed = 0; seed < 200; seed++) {
    const bytes = generate(ClaimRequestSchema, createChance(seed), WORLD);
    expect(() => spansOf(bytes)).not.toThrow();
    // Text in it may be what no text is; else it can be decoded.
    expect(spansOf(bytes).at(-1)?.end ?? 0).toBe(bytes.length);
  }
});

test("the fields of a message are found where they are, as far as it is one", () => {
  const message = Buffer.concat([bytesField(1, Buffer.from("abc")), varintField(200, 2n ** 40n)]);
  expect(spansOf(message).map(({ field, type, at, end }) => ({ field, type, at, end }))).toEqual([
    { field: 1, type: 2, at: 0, end: 5 },
    { field: 200, type: 0, at: 5, end: message.length },
  ]);
  expect(spansOf(message.subarray(0, message.length - 1))).toHaveLength(1);
  expect(spansOf(Buffer.of(0xff))).toEqual([]);
});

test("numbers of HPACK are as RFC 7541, C.1, has them", () => {
  expect([...integer(10, 5, 0)]).toEqual([0x0a]);
  expect([...integer(1337, 5, 0)]).toEqual([0x1f, 0x9a, 0x0a]);
  expect([...integer(42, 8, 0)]).toEqual([0x2a]);
});

test("headers that are too long for a frame go on in others, of which only the last ends them", () => {
  const frames = longHeaders(1, Buffer.alloc(40_000));
  const types: (readonly [type: number, flags: number])[] = [];
  for (let rest = frames; rest.length > 0; rest = rest.subarray(9 + rest.readUIntBE(0, 3))) {
    types.push([rest.readUInt8(3), rest.readUInt8(4)]);
  }
  expect(types).toEqual([
    [1, 0],
    [9, 0],
    [9, 4],
  ]);
  expect(callHeaders("/a/b")).toContainEqual([":path", "/a/b"]);
});

test.each([
  ["INTERNAL", true],
  ["UNKNOWN", true],
  ["DATA_LOSS", true],
  ["HTTP 500", true],
  ["reset 2", true],
  ["INVALID_ARGUMENT", false],
  ["HTTP 400", false],
  ["reset 8", false],
  ["closed", false],
])("%s is a bug: %s", (code, is) => {
  expect(isBug(code)).toBe(is);
});
