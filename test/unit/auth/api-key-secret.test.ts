import { createHmac, randomBytes } from "node:crypto";
import { describe, expect, test } from "vitest";
import { hashSecret, matchSecret, newApiKey, parseApiKey } from "../../../src/auth/api-key-secret.ts";

const ID = "Abc0123456789xyZ";
const SECRET = `${"s".repeat(42)}A`;
const random = (count: number) => new Uint8Array(randomBytes(count));

test("a new key reads back as its id and its secret, which opens it", () => {
  const { id, text, salt, hash } = newApiKey(random);
  expect(text).toMatch(/^hf_[A-Za-z0-9]{16}\.[A-Za-z0-9_-]{43}$/);
  const parsed = parseApiKey(text);
  expect(parsed?.id).toBe(id);
  expect([salt.length, hash.length]).toEqual([32, 32]);
  expect(matchSecret({ salt, hash }, parsed?.secret ?? "")).toBe(true);
});

test("no two keys share id, secret or salt", () => {
  const keys = Array.from({ length: 100 }, () => newApiKey(random));
  for (const part of [
    keys.map(({ id }) => id),
    keys.map(({ text }) => text.split(".")[1]),
    keys.map(({ salt }) => Buffer.from(salt).toString("hex")),
  ]) {
    expect(new Set(part).size).toBe(100);
  }
});

test("bytes that would make some letters of an id likelier are drawn again", () => {
  const draws = [new Uint8Array(16).fill(255), new Uint8Array(16).fill(0), new Uint8Array(32), new Uint8Array(32)];
  const { id } = newApiKey(() => draws.shift() ?? new Uint8Array());
  expect(id).toBe("A".repeat(16));
  expect(draws).toEqual([]);
});

test("what is stored is HMAC-SHA-256 of the secret's text, keyed with the salt", () => {
  for (const secret of ["", "a", SECRET, "ü".repeat(43), "s".repeat(1000)]) {
    const salt = random(32);
    expect(hashSecret(salt, secret)).toEqual(createHmac("sha256", salt).update(secret).digest());
  }
});

test.each([
  ["another secret", SECRET, `${SECRET.slice(0, -1)}B`],
  ["the same 32 bytes spelt otherwise", SECRET, `${SECRET.slice(0, -1)}C`],
])("%s does not open it", (_, right, wrong) => {
  const salt = random(32);
  const stored = { salt, hash: hashSecret(salt, right) };
  expect(matchSecret(stored, right)).toBe(true);
  expect(matchSecret(stored, wrong)).toBe(false);
});

describe("the form is strict:", () => {
  test("the one form", () => {
    expect(parseApiKey(`hf_${ID}.${SECRET}`)).toEqual({ id: ID, secret: SECRET });
  });

  test.each([
    ["empty", ""],
    ["no prefix", `${ID}.${SECRET}`],
    ["a prefix in capitals", `HF_${ID}.${SECRET}`],
    ["no secret", `hf_${ID}.`],
    ["no dot", `hf_${ID}${SECRET}`],
    ["a short id", `hf_${ID.slice(1)}.${SECRET}`],
    ["a long id", `hf_${ID}a.${SECRET}`],
    ["an id of other characters", `hf_${ID.slice(1)}-.${SECRET}`],
    ["a short secret", `hf_${ID}.${SECRET.slice(1)}`],
    ["a long secret", `hf_${ID}.${SECRET}A`],
    ["a secret of other characters", `hf_${ID}.${SECRET.slice(1)}+`],
    ["a space behind it", `hf_${ID}.${SECRET} `],
    ["a line break behind it", `hf_${ID}.${SECRET}\n`],
    ["something in front of it", ` hf_${ID}.${SECRET}`],
    ["1 MiB", `hf_${ID}.${"s".repeat(1024 * 1024)}`],
  ])("%s is none", (_, text) => {
    expect(parseApiKey(text)).toBeNull();
  });
});
