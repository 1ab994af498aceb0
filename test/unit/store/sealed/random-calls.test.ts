import { randomUUID } from "node:crypto";
import fc from "fast-check";
import { expect, test } from "vitest";
import { sealEndDigest, sealFingerprint } from "../../../../src/store/sealed/data-keys.ts";
import { readHead } from "../../../../src/store/sealed/envelope.ts";
import type { TenantKeys } from "../../../../src/store/sealed/tenant-keys.ts";
import type { Store } from "../../../../src/store/store.ts";
import { runBoth } from "../../../store/random-calls.ts";
import { randomSteps } from "../../../store/random-steps.ts";
import { openMemoryStore } from "../../../support/memory-store.ts";
import { sealStore } from "./sealing.ts";

const KEYS = 3;
const steps = randomSteps({ keys: KEYS, maxLength: 60, stepsBack: true });

/** A store whose fingerprints are sealed above it. */
function fingerprintsSealed(store: Store, keys: TenantKeys): Store {
  return {
    ...store,
    claim: (call, deadline) => store.claim({ ...call, fingerprint: sealFingerprint(keys, call.fingerprint) }, deadline),
  };
}

/** Stores digests as the sealed store does, and seals nothing. */
function digestsSealed(store: Store, keys: TenantKeys): Store {
  return {
    ...store,
    finish: (call, deadline) => store.finish({ ...call, digest: sealEndDigest(keys, call.key, call.digest) }, deadline),
  };
}

test("a sealed store and a plain one agree on every sequence of calls, and what is stored is sealed", async () => {
  let envelopes = 0;
  const agreement = fc.asyncProperty(steps, async (sequence) => {
    const [plain, raw, name] = [await openMemoryStore(), await openMemoryStore(), randomUUID()];
    const { store: sealed, ring, alarms } = sealStore(raw.store);
    const keys = await ring.of("default");
    const first = { ...plain, store: fingerprintsSealed(digestsSealed(plain.store, keys), keys) };
    const second = { ...raw, store: fingerprintsSealed(sealed, keys) };
    expect(await runBoth(first, second, { name, keys: KEYS, steps: sequence })).toBeNull();
    expect(alarms).toEqual([]);
    for (let i = 0; i < KEYS; i++) {
      const key = { tenant: "default", scope: "random", key: `${name} ${i}` };
      const { record } = await raw.store.peek(key, Number.POSITIVE_INFINITY);
      for (const stored of [record?.outcome ?? null, record?.checkpoint ?? null]) {
        if (stored === null) continue;
        expect(readHead(stored)).toMatchObject({ keyVersion: 1 });
        envelopes++;
      }
    }
  });
  await fc.assert(agreement, { numRuns: 200 });
  expect(envelopes).toBeGreaterThan(20);
});
