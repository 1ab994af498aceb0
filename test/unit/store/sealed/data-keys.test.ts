import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { deriveDataKeys, sealEndDigest, sealFingerprint } from "../../../../src/store/sealed/data-keys.ts";
import { bytes, fingerprintOf, NO_FINGERPRINT } from "../../../support/records.ts";

const keysOf = (secret: string) => deriveDataKeys(1, bytes(secret.padEnd(32)));
const [acme, other] = [keysOf("acme"), keysOf("other")];
const key = { tenant: "acme", scope: "orders", key: "order-1" };
const sha256 = (text: string) => new Uint8Array(createHash("sha256").update(text).digest());

test("each use has a key of its own, and the same secret always gives the same ones", () => {
  const secrets = (keys: typeof acme) =>
    [keys.encryption, keys.fingerprints, keys.ends].map((part) => part.export().toString("hex"));
  expect(secrets(acme)).toEqual(secrets(keysOf("acme")));
  expect(new Set([...secrets(acme), ...secrets(other)]).size).toBe(6);
});

test("the bytes that keys are derived from are wiped", () => {
  const secret = bytes("acme".padEnd(32));
  deriveDataKeys(1, secret);
  expect(secret).toEqual(new Uint8Array(32));
});

test("a sealed fingerprint is that of the payload for this tenant alone, and never its SHA-256", () => {
  const payloads = ["", "0", "1", "yes", "no"];
  const given = payloads.map((payload) => ({ algorithm: "sha-256", digest: sha256(payload) }));
  const sealed = given.map((fingerprint) => sealFingerprint(acme, fingerprint));
  const hex = (all: readonly { readonly digest: Uint8Array }[]) =>
    all.map(({ digest }) => Buffer.from(digest).toString("hex"));
  expect(sealed.map(({ digest }) => digest.length)).toEqual(payloads.map(() => 32));
  expect(hex(given.map((fingerprint) => sealFingerprint(acme, fingerprint)))).toEqual(hex(sealed));
  const foreign = given.map((fingerprint) => sealFingerprint(other, fingerprint));
  const doubled = given.map(({ digest }) => ({ digest: createHash("sha256").update(digest).digest() }));
  expect(new Set([...hex(given), ...hex(sealed), ...hex(foreign), ...hex(doubled)]).size).toBe(4 * payloads.length);
});

test("no fingerprint stays none, and the label stays as it is and is not compared", () => {
  expect(sealFingerprint(acme, NO_FINGERPRINT)).toEqual(NO_FINGERPRINT);
  const labelled = sealFingerprint(acme, fingerprintOf("payload"));
  expect(labelled.algorithm).toBe("sha-256");
  expect(sealFingerprint(acme, { ...fingerprintOf("payload"), algorithm: "mine" }).digest).toEqual(labelled.digest);
});

test("an end's digest is equal for equal ends of one record of one tenant, and nowhere else", () => {
  const digest = sha256("paid");
  const sealed = [
    sealEndDigest(acme, key, digest),
    sealEndDigest(acme, key, sha256("refused")),
    sealEndDigest(acme, { ...key, key: "order-2" }, digest),
    sealEndDigest(acme, { ...key, scope: "ordersorder", key: "-1" }, digest),
    sealEndDigest(other, key, digest),
    digest,
  ];
  expect(sealEndDigest(acme, key, digest)).toEqual(sealed[0]);
  expect(new Set(sealed.map((one) => Buffer.from(one).toString("hex"))).size).toBe(sealed.length);
});
