import { expect, test } from "vitest";
import { type KeySyntax, readKey } from "../../../src/middleware/http/key.ts";

const any: KeySyntax = { keySyntax: "any", keyLengthMax: 255, keyPattern: undefined };
const UUID = "8e03978e-40d5-43e8-bc93-6894a57f9324";

test.each([
  [`"${UUID}"`, UUID],
  [UUID, UUID],
  ['"a b, c; d"', "a b, c; d"],
  ['"say \\"hi\\""', 'say "hi"'],
  ['"back\\\\slash"', "back\\slash"],
  ['  "padded"\t', "padded"],
  ['"with";parameter=1', "with"],
  ['"with"; a;b=?1;c="x; y";d=:YQ==:;e=@17;f=1.5;g=tok/en;h=%"%c3%a9"', "with"],
  ["KG5LxwFBepaKHyUD", "KG5LxwFBepaKHyUD"],
  ["order/42:charge+1=", "order/42:charge+1="],
  [`"${"x".repeat(255)}"`, "x".repeat(255)],
])("%s is the key %s", (field, key) => {
  expect(readKey(field, any)).toEqual({ kind: "key", key });
});

test.each([
  ["two fields, which HTTP joins", '"a", "b"'],
  ["two bare values", "a, b"],
  ["a string that does not end", '"open'],
  ["a string that does not begin", 'open"'],
  ["something after the string", '"a" b'],
  ["a list behind a parameter", '"a";p=1, "b"'],
  ["garbage for parameters", '"a"; garbage (('],
  ["a parameter without a name", '"a";'],
  ["a space in front of a parameter", '"a" ;x'],
  ["a wrong escape", '"a\\n"'],
  ["what is no ASCII", '"caf\u00e9"'],
  ["a control character", '"a\u0001"'],
  ["a bare value with a space", "a b"],
  ["a bare value with parameters", "a;b=1"],
  ["nothing", ""],
  ["an empty string", '""'],
  ["256 characters", `"${"x".repeat(256)}"`],
  ["256 bare characters", "x".repeat(256)],
])("%s is no key", (_, field) => {
  const answer = readKey(field, any);
  expect(answer.kind).toBe("malformed");
  expect(JSON.stringify(answer)).not.toContain("xxx");
});

test("with the syntax of the draft alone, a bare value is no key", () => {
  expect(readKey(`"${UUID}"`, { ...any, keySyntax: "string" })).toEqual({ kind: "key", key: UUID });
  expect(readKey(UUID, { ...any, keySyntax: "string" })).toMatchObject({ kind: "malformed" });
});

test("a key is held against the pattern and the length that the service asks for", () => {
  const strict = { ...any, keyPattern: /^[0-9a-f-]{36}$/, keyLengthMax: 36 };
  expect(readKey(UUID, strict).kind).toBe("key");
  expect(readKey("order-1", strict)).toEqual({ kind: "malformed", why: "it must match ^[0-9a-f-]{36}$" });
  expect(readKey("x".repeat(37), strict)).toEqual({ kind: "malformed", why: "it must have 1 to 36 characters" });
});

test("no field is no key", () => {
  expect(readKey(undefined, any)).toEqual({ kind: "absent" });
});

test("a long field that is no string is refused as fast as a short one", () => {
  expect(readKey(`"${"\\".repeat(100_001)}`, any).kind).toBe("malformed");
  expect(readKey(`"${" ".repeat(100_000)}`, any).kind).toBe("malformed");
});
