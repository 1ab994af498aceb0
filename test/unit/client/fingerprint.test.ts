import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { canonicalJson, fingerprint } from "../../../src/client/client.ts";

const hex = (input: unknown) => Buffer.from(fingerprint(input).digest).toString("hex");

/** RFC 8785, appendix B: the bits of a double, and its text. */
const NUMBERS: readonly (readonly [bits: string, text: string])[] = [
  ["0000000000000000", "0"],
  ["8000000000000000", "0"],
  ["0000000000000001", "5e-324"],
  ["8000000000000001", "-5e-324"],
  ["7fefffffffffffff", "1.7976931348623157e+308"],
  ["ffefffffffffffff", "-1.7976931348623157e+308"],
  ["4340000000000000", "9007199254740992"],
  ["c340000000000000", "-9007199254740992"],
  ["4430000000000000", "295147905179352830000"],
  ["44b52d02c7e14af5", "9.999999999999997e+22"],
  ["44b52d02c7e14af6", "1e+23"],
  ["44b52d02c7e14af7", "1.0000000000000001e+23"],
  ["444b1ae4d6e2ef4e", "999999999999999700000"],
  ["444b1ae4d6e2ef4f", "999999999999999900000"],
  ["444b1ae4d6e2ef50", "1e+21"],
  ["3eb0c6f7a0b5ed8c", "9.999999999999997e-7"],
  ["3eb0c6f7a0b5ed8d", "0.000001"],
  ["41b3de4355555553", "333333333.3333332"],
  ["41b3de4355555554", "333333333.33333325"],
  ["41b3de4355555555", "333333333.3333333"],
  ["41b3de4355555556", "333333333.3333334"],
  ["41b3de4355555557", "333333333.33333343"],
  ["becbf647612f3696", "-0.0000033333333333333333"],
  ["43143ff3c1cb0959", "1424953923781206.2"],
];

describe("canonical JSON (RFC 8785)", () => {
  test.each(NUMBERS)("writes the double %s as %s", (bits, text) => {
    expect(canonicalJson(Buffer.from(bits, "hex").readDoubleBE())).toBe(text);
  });

  test("writes numbers, escapes and literals as the RFC's example does", () => {
    const sample = {
      numbers: [Number("333333333.33333329"), 1e30, 4.5, 2e-3, 0.000000000000000000000000001],
      string: "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"/",
      literals: [null, true, false],
    };
    expect(canonicalJson(sample)).toBe(
      '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],' +
        '"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}',
    );
  });

  test("sorts keys by UTF-16 units, as the RFC's example has them, and not by code points", () => {
    const sample = {
      "\u20ac": "Euro Sign",
      "\r": "Carriage Return",
      "\ufb33": "Hebrew Letter Dalet With Dagesh",
      "1": "One",
      "\u{1f600}": "Emoji: Grinning Face",
      "\u0080": "Control",
      "\u00f6": "Latin Small Letter O With Diaeresis",
    };
    expect(canonicalJson(sample)).toBe(
      '{"\\r":"Carriage Return","1":"One","\u0080":"Control","\u00f6":"Latin Small Letter O With Diaeresis",' +
        '"\u20ac":"Euro Sign","\u{1f600}":"Emoji: Grinning Face","\ufb33":"Hebrew Letter Dalet With Dagesh"}',
    );
  });
});

describe("fingerprint", () => {
  test("is the SHA-256 of the canonical JSON", () => {
    const digest = createHash("sha256").update('{"a":1,"b":[true,null]}').digest("hex");
    expect(fingerprint({ b: [true, null], a: 1 }).algorithm).toBe("jcs-sha256");
    expect(hex({ b: [true, null], a: 1 })).toBe(digest);
  });

  test("does not see the order of keys, the spelling of numbers, or an undefined property", () => {
    expect(hex({ a: 1.0, b: 2 })).toBe(hex({ b: 2, a: 1, c: undefined }));
  });

  test("tells inputs apart that differ in type, order of a list, or normalisation form", () => {
    const inputs = [1, "1", true, null, [1, 2], [2, 1], [[1], 2], {}, [], "é", "e\u0301", { a: null }, ""];
    expect(new Set(inputs.map(hex)).size).toBe(inputs.length);
  });

  test("hashes bytes as they are, a view as what it shows", () => {
    const bytes = new Uint8Array([0, 1, 2, 3]);
    expect(fingerprint(bytes.subarray(1, 3)).algorithm).toBe("sha256");
    expect(hex(bytes.subarray(1, 3))).toBe(
      createHash("sha256")
        .update(Buffer.from([1, 2]))
        .digest("hex"),
    );
  });

  test("takes a Date as its JSON", () => {
    expect(hex({ at: new Date(0) })).toBe(hex({ at: "1970-01-01T00:00:00.000Z" }));
  });

  test("goes as deep as memory lasts", () => {
    let deep: unknown = [];
    for (let i = 0; i < 50_000; i++) deep = [deep];
    expect(fingerprint(deep).digest).toHaveLength(32);
  });

  const cycle: Record<string, unknown> = {};
  cycle["self"] = cycle;
  test.each([
    ["undefined", undefined],
    ["a function", () => 1],
    ["a symbol", Symbol("s")],
    ["NaN", Number.NaN],
    ["Infinity", { n: [Number.POSITIVE_INFINITY] }],
    ["a BigInt", { n: 1n }],
    ["a lone surrogate", "\ud800"],
    ["a lone surrogate in a key", { "\udc00": 1 }],
    ["a cycle", cycle],
    ["a nested function", { f: () => 1 }],
    ["a Map", { m: new Map([[1, 2]]) }],
    ["a Set", new Set([1])],
    ["a nested typed array", { bytes: new Uint8Array(2) }],
    ["a Promise", [Promise.resolve(1)]],
    ["an Error", new Error("x")],
    ["an invalid Date", { at: new Date(Number.NaN) }],
  ])("refuses %s with a TypeError", (_, input) => {
    expect(() => fingerprint(input)).toThrow(TypeError);
  });
});
