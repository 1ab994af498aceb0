import { expect, test } from "vitest";
import type { Fetched } from "../../../src/tenants/validators/request.ts";
import { createSigningKey, createStand, JWKS_URL, NOW, sign } from "./jwt-stand.ts";

const INVALID = { code: "CREDENTIALS_INVALID" };
const DOWN: Fetched = { kind: "uncertain", reason: "the address answered 503" };

const OUTAGE_S = 600;
/** Of one flood. */
const FORGED = 1000;
/** Between two fetches, however many unknown kids come along; and a little, for a fetch takes time. */
const COOLDOWN_S = 30;

test("an issuer that is down for 10 minutes, then changes its keys, under floods of tokens of unknown kids", async () => {
  const [old, fresh, stranger] = await Promise.all(
    ["old", "fresh", "stranger"].map((kid) => createSigningKey("ES256", kid)),
  );
  if (old === undefined || fresh === undefined || stranger === undefined) throw new Error("three keys");
  const stand = createStand();
  const lasting = { exp: NOW + 24 * 3600 };
  let tokens = 0;
  const known = () => sign(old, { ...lasting, jti: tokens++ });
  const [, claims, signature] = (await sign(stranger, lasting)).split(".");
  // Forged by hand: what is signed with an unknown key costs nobody a signature.
  const forged = () => {
    const head = JSON.stringify({ alg: "ES256", kid: `guess-${tokens++}` });
    return `${Buffer.from(head).toString("base64url")}.${claims}.${signature}`;
  };
  const flood = async () => {
    const told = await Promise.allSettled(Array.from({ length: FORGED }, () => stand.authenticate(forged())));
    for (const one of told) expect(one).toMatchObject({ status: "rejected", reason: INVALID });
  };

  stand.publisher.publish(JWKS_URL, old);
  await stand.authenticate(await known());
  stand.publisher.answer(JWKS_URL, async () => DOWN);
  for (let second = 0; second < OUTAGE_S; second++) {
    await stand.clock.advance(1000);
    if (second % 15 === 0) await flood();
    expect(await stand.authenticate(await known())).toMatchObject({ tenant: "acme" });
  }
  const during = stand.publisher.fetched.length;
  expect(during).toBeLessThanOrEqual(1 + OUTAGE_S / COOLDOWN_S);
  expect(during).toBeGreaterThan(OUTAGE_S / COOLDOWN_S / 2);

  stand.publisher.publish(JWKS_URL, fresh);
  const renewed = async () => stand.authenticate(await sign(fresh, { ...lasting, jti: tokens++ }));
  let seconds = 0;
  for (let isServed = false; !isServed; ) {
    isServed = await renewed().then(
      () => true,
      () => false,
    );
    if (!isServed) {
      await flood();
      await stand.clock.advance(1000);
      seconds++;
    }
  }
  expect(seconds).toBeLessThanOrEqual(COOLDOWN_S);
  // What the issuer has taken back is believed no more.
  await expect(stand.authenticate(await known())).rejects.toMatchObject(INVALID);
  expect(stand.publisher.fetched.length - during).toBeLessThanOrEqual(1);
});
