import { generateKeyPairSync } from "node:crypto";
import { describe, expect, test } from "vitest";
import { readKeySet } from "../../../src/auth/key-set.ts";

const rsa = (bits: number) =>
  generateKeyPairSync("rsa", { modulusLength: bits }).publicKey.export({ format: "jwk" }) as Record<string, string>;
const ec = (namedCurve: string) => generateKeyPairSync("ec", { namedCurve }).publicKey.export({ format: "jwk" });

/** The figures of a key of so many bits; making a real one of 16 384 would take minutes. */
const modulus = (bits: number) => {
  const bytes = Buffer.alloc(Math.ceil(bits / 8), 0xff);
  bytes[0] = 0xff >> ((8 - (bits % 8)) % 8);
  return { kty: "RSA", n: bytes.toString("base64url"), e: "AQAB" };
};

const RSA = rsa(2048);
const P256 = ec("P-256");
const ED25519 = generateKeyPairSync("ed25519").publicKey.export({ format: "jwk" });
const X25519 = generateKeyPairSync("x25519").publicKey.export({ format: "jwk" });
const read = (set: unknown) => readKeySet(Buffer.from(typeof set === "string" ? set : JSON.stringify(set)));
const many = (count: number) => [...Array(count).keys()].map((n) => ({ ...RSA, kid: `key-${n}` }));

describe("a key set is usable", () => {
  test.each([
    ["RSA", RSA],
    ["RSA of 8192 bits", modulus(8192)],
    ["P-256", P256],
    ["P-384", ec("P-384")],
    ["P-521", ec("P-521")],
    ["Ed25519", ED25519],
    ["for signatures", { ...P256, use: "sig", key_ops: ["verify"] }],
  ])("with a key of kind %s", (_, key) => {
    expect(read({ keys: [{ ...key, kid: "a" }] })).toMatchObject({ kind: "usable", keys: [{ kid: "a" }] });
  });

  test.each([
    ["encryption", { ...RSA, use: "enc" }],
    ["other operations", { ...RSA, key_ops: ["encrypt"] }],
    ["an unknown type", { kty: "AKP", alg: "ML-DSA-44", pub: "AA" }],
    ["an unknown curve", ec("secp256k1")],
    ["a curve that signs nothing", X25519],
  ])("without what it holds for %s", (_, key) => {
    expect(read({ keys: [{ ...key, kid: "other" }, P256] })).toMatchObject({ keys: [{ kty: "EC" }] });
    const reason = "the key set holds no key that verifies signatures";
    expect(read({ keys: [key] })).toEqual({ kind: "unusable", reason });
  });

  test("with 100 keys, and no member but those of the keys", () => {
    const reading = read({
      keys: many(100).map((key) => ({ ...key, x5c: ["canary"], jku: "canary" })),
      more: "canary",
    });
    expect(reading).toMatchObject({ kind: "usable", keys: { length: 100 } });
    expect(JSON.stringify(reading)).not.toContain("canary");
  });
});

describe("a key set is not usable", () => {
  const NOT_A_SET = "the answer is not a key set";
  const NOT_A_KEY = "the key set holds something that is not a key";
  const RSA_SIZE = "the key set holds an RSA key of less than 2048 or more than 8192 bits";
  const RSA_EXPONENT = "the key set holds an RSA key with an unusable exponent";
  test.each([
    ["", NOT_A_SET],
    ["null", NOT_A_SET],
    ["[]", NOT_A_SET],
    ['{"keys":{}}', NOT_A_SET],
    ['{"keys":null}', NOT_A_SET],
    ['{"keys":[', NOT_A_SET],
    ["[".repeat(200_000), NOT_A_SET],
    [`{"keys":${"[".repeat(100_000)}${"]".repeat(100_000)}}`, NOT_A_KEY],
    ['{"keys":[]}', "the key set holds no key that verifies signatures"],
    ['{"keys":[1]}', NOT_A_KEY],
    ['{"keys":[null]}', NOT_A_KEY],
    ['{"keys":[{}]}', NOT_A_KEY],
    [{ keys: many(101) }, "the key set holds more than 100 keys"],
    [{ keys: Array(10_000).fill({}) }, "the key set holds more than 100 keys"],
    [{ keys: [P256, { kty: "oct", k: "c2VjcmV0" }] }, "the key set holds a symmetric key"],
    [{ keys: [P256, { kty: "oct", use: "enc" }] }, "the key set holds a symmetric key"],
    [{ keys: [{ ...P256, k: "c2VjcmV0" }] }, "the key set holds a symmetric key"],
    [{ keys: [{ ...P256, d: "c2VjcmV0" }] }, "the key set holds a private key"],
    [{ keys: [{ ...RSA, use: "enc", p: "c2VjcmV0" }] }, "the key set holds a private key"],
    [
      {
        keys: [
          { ...P256, kid: "a" },
          { ...RSA, kid: "a" },
        ],
      },
      "the key set holds two keys of one kid",
    ],
    [{ keys: [{ ...P256, kid: "a".repeat(257) }] }, NOT_A_KEY],
    [{ keys: [{ ...P256, kid: 1 }] }, NOT_A_KEY],
    [{ keys: [{ ...P256, alg: {} }] }, NOT_A_KEY],
    [{ keys: [{ ...P256, x: "AAAA" }] }, NOT_A_KEY],
    [{ keys: [{ ...P256, x: [] }] }, NOT_A_KEY],
    [{ keys: [{ ...P256, y: P256.x }] }, NOT_A_KEY],
    [{ keys: [{ ...P256, crv: 256 }] }, NOT_A_KEY],
    [{ keys: [{ ...ED25519, x: "AAAA" }] }, NOT_A_KEY],
    [{ keys: [modulus(1024)] }, RSA_SIZE],
    [{ keys: [modulus(2047)] }, RSA_SIZE],
    [{ keys: [modulus(8193)] }, RSA_SIZE],
    [{ keys: [modulus(16_384)] }, RSA_SIZE],
    [{ keys: [{ ...RSA, n: `AAAA${modulus(1024).n}`.padStart(600, "A") }] }, RSA_SIZE],
    [{ keys: [{ ...RSA, n: "?".repeat(342) }] }, RSA_SIZE],
    [{ keys: [{ ...RSA, n: 1 }] }, RSA_SIZE],
    [{ keys: [{ ...RSA, e: "AQ" }] }, RSA_EXPONENT],
    [{ keys: [{ ...RSA, e: "Ag" }] }, RSA_EXPONENT],
    [{ keys: [{ ...RSA, e: "" }] }, RSA_EXPONENT],
    [{ keys: [{ ...RSA, e: RSA["n"] }] }, RSA_EXPONENT],
    [{ keys: [{ kty: "RSA", n: RSA["n"] }] }, RSA_EXPONENT],
  ])("%.80j", (set, reason) => {
    expect(read(set)).toEqual({ kind: "unusable", reason });
  });

  test("that is not UTF-8", () => {
    const bytes = Buffer.concat([Buffer.from('{"keys":[],"x":"'), Buffer.from([0xff]), Buffer.from('"}')]);
    expect(readKeySet(bytes)).toEqual({ kind: "unusable", reason: NOT_A_SET });
  });
});
