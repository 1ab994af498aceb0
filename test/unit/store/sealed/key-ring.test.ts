import { describe, expect, test } from "vitest";
import { Fault } from "../../../../src/domain/fault.ts";
import { addTenantKey } from "../../../../src/store/sealed/rotation.ts";
import type { TenantKeyTable, WrappedKey } from "../../../../src/store/sealed/tenant-key-table.ts";
import type { TenantKeys } from "../../../../src/store/sealed/tenant-keys.ts";
import { KeysUnusable, wrapFreshKey } from "../../../../src/store/sealed/wrapping.ts";
import { createManualClock, settled } from "../manual-clock.ts";
import { createMemoryKeyTable } from "./memory-key-table.ts";
import { createTestRing, masterKeyLine, masterKeysOf } from "./sealing.ts";

const masterKeys = masterKeysOf("main");
const REFRESH_MS = 60_000;

/** All that a tenant's keys are, as text. */
async function secretsOf(keys: TenantKeys): Promise<readonly string[]> {
  const { version, encryption } = keys.newest();
  return [String(version), ...[encryption, keys.fingerprints, keys.ends].map((key) => key.export().toString("hex"))];
}

describe("a tenant's keys", () => {
  test("are made with the first question, and are the same on every ring from then on", async () => {
    const table = createMemoryKeyTable();
    const first = await secretsOf(await createTestRing({ table }).of("acme"));
    expect(await secretsOf(await createTestRing({ table }).of("acme"))).toEqual(first);
    expect(await secretsOf(await createTestRing({ table }).of("other"))).not.toEqual(first);
    expect((await table.read("acme")).map(({ version }) => version)).toEqual([1]);
  });

  test("are read once for all who ask at once, and handed out without waiting afterwards", async () => {
    const table = createMemoryKeyTable();
    await createTestRing({ table }).of("acme");
    const before = table.reads();
    const ring = createTestRing({ table });
    const [first, ...others] = await Promise.all(Array.from({ length: 100 }, () => ring.of("acme")));
    expect(others.every((keys) => keys === first)).toBe(true);
    expect(ring.of("acme")).toBe(first);
    expect(table.reads() - before).toBe(1);
  });

  test("are forgotten for others' at the bound, and read again", async () => {
    const table = createMemoryKeyTable();
    const ring = createTestRing({ table, tenantsMax: 2 });
    const first = await ring.of("a");
    for (const tenant of ["b", "c"]) await ring.of(tenant);
    expect(ring.of("c")).not.toBeInstanceOf(Promise);
    const again = ring.of("a");
    expect(again).toBeInstanceOf(Promise);
    expect(await secretsOf(await again)).toEqual(await secretsOf(first));
  });

  test("that cannot be read are asked for again by the next question", async () => {
    const memory = createMemoryKeyTable();
    let isDown = true;
    const table: TenantKeyTable = {
      ...memory,
      async read(tenant) {
        if (isDown) throw new Fault("STORE_UNAVAILABLE", "The store does not answer.");
        return memory.read(tenant);
      },
    };
    const ring = createTestRing({ table });
    const answers = await Promise.allSettled([ring.of("acme"), ring.of("acme")]);
    expect(answers.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
    isDown = false;
    expect((await ring.of("acme")).newest().version).toBe(1);
  });

  test("are one ring's when two make the first one at once", async () => {
    const memory = createMemoryKeyTable();
    const bothHaveRead = Promise.withResolvers<void>();
    let reads = 0;
    const table: TenantKeyTable = {
      ...memory,
      async read(tenant) {
        const found = await memory.read(tenant);
        if (++reads === 2) bothHaveRead.resolve();
        if (reads <= 2) await bothHaveRead.promise;
        return found;
      },
    };
    const [one, two] = await Promise.all([createTestRing({ table }).of("acme"), createTestRing({ table }).of("acme")]);
    expect(await secretsOf(one)).toEqual(await secretsOf(two));
  });
});

describe("keys are unusable, and the error says whose and why, when", () => {
  const { current } = masterKeys;
  const tampered = ({ wrapped, ...key }: WrappedKey, at: number): WrappedKey => ({
    ...key,
    wrapped: wrapped.with(at, (wrapped.at(at) ?? 0) ^ 1),
  });
  const cases: Readonly<Record<string, readonly [keys: readonly WrappedKey[], message: string]>> = {
    "their master key is not configured": [
      [wrapFreshKey(current, "acme", 1), wrapFreshKey(masterKeysOf("2024").current, "acme", 2)],
      "key 2 of tenant acme was wrapped with master key 2024, which is not configured",
    ],
    "their master key has become another one": [
      [{ ...wrapFreshKey(masterKeysOf("2024").current, "acme", 1), masterKey: "main" }],
      "key 1 of tenant acme cannot be unwrapped with master key main: another key, or tampered",
    ],
    "they were tampered with": [
      [tampered(wrapFreshKey(current, "acme", 1), 40)],
      "key 1 of tenant acme cannot be unwrapped with master key main: another key, or tampered",
    ],
    "they are another tenant's": [
      [{ ...wrapFreshKey(current, "other", 1), tenant: "acme" }],
      "key 1 of tenant acme cannot be unwrapped with master key main: another key, or tampered",
    ],
    "they are of another version": [
      [{ ...wrapFreshKey(current, "acme", 2), version: 1 }],
      "key 1 of tenant acme cannot be unwrapped with master key main: another key, or tampered",
    ],
    "they are no wrapped keys": [
      [{ tenant: "acme", version: 1, wrapped: new Uint8Array(32), masterKey: "main" }],
      "key 1 of tenant acme is not a wrapped key",
    ],
    "the first one is missing": [[wrapFreshKey(current, "acme", 2)], "key 1 of tenant acme is missing"],
  };

  test.each(Object.entries(cases))("%s", async (_, [keys, message]) => {
    const table = createMemoryKeyTable();
    for (const key of keys) await table.add(key);
    const ring = createTestRing({ table, masterKeys });
    await expect(ring.of("acme")).rejects.toThrow(new KeysUnusable(message));
    expect((await table.read("acme")).length, "none is made in their place").toBe(keys.length);
  });

  test("a byte of a wrapped key is another one, whichever", async () => {
    const key = wrapFreshKey(current, "acme", 1);
    for (let at = 0; at < key.wrapped.length; at++) {
      const table = createMemoryKeyTable();
      await table.add(tampered(key, at));
      await expect(createTestRing({ table }).of("acme"), `byte ${at}`).rejects.toThrow(KeysUnusable);
    }
  });

  test("and holds no key", () => {
    const secret = masterKeyLine("main").slice("main:".length);
    for (const [, message] of Object.values(cases)) expect(message).not.toContain(secret);
  });
});

describe("a new version that another server has added", () => {
  async function openScene(onRefreshFailed?: (tenant: string, error: unknown) => void) {
    const table = createMemoryKeyTable();
    const clock = createManualClock();
    const ring = createTestRing({ table, clock, refreshMs: REFRESH_MS, ...(onRefreshFailed && { onRefreshFailed }) });
    const keys = await ring.of("acme");
    const add = (master = masterKeys) => addTenantKey({ table, masterKeys: master }, "acme");
    return { table, clock, keys, add };
  }

  test("is asked for by whoever meets it, and written with from then on", async () => {
    const { table, keys, add } = await openScene();
    const first = keys.newest();
    await add();
    expect(keys.newest()).toBe(first);
    const asked = [keys.find(2), keys.find(2), keys.find(2)];
    const before = table.reads();
    const found = await Promise.all(asked);
    expect(table.reads() - before).toBe(1);
    expect(keys.newest().version).toBe(2);
    expect(found.every((key) => key === keys.newest().encryption)).toBe(true);
    expect(keys.find(1)).toBe(first.encryption);
    expect(keys.fingerprints.equals((await createTestRing({ table }).of("acme")).fingerprints)).toBe(true);
  });

  test("is found although a reading was under way that had missed it", async () => {
    const memory = createMemoryKeyTable();
    const [reached, going] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    let isHeld = false;
    const table: TenantKeyTable = {
      ...memory,
      async read(tenant) {
        const found = await memory.read(tenant);
        if (isHeld) {
          isHeld = false;
          reached.resolve();
          await going.promise;
        }
        return found;
      },
    };
    const keys = await createTestRing({ table }).of("acme");
    isHeld = true;
    const missed = keys.find(9);
    await reached.promise;
    await addTenantKey({ table, masterKeys }, "acme");
    const met = keys.find(2);
    going.resolve();
    expect(await missed).toBeNull();
    expect(await met).toBe(keys.newest().encryption);
  });

  test("is written with after the refresh time without being met", async () => {
    const { clock, keys, add } = await openScene();
    await add();
    await clock.advance(REFRESH_MS - 1);
    expect(keys.newest().version).toBe(1);
    await settled();
    expect(keys.newest().version).toBe(1);
    await clock.advance(1);
    expect(keys.newest().version, "nobody waits for it").toBe(1);
    await settled();
    expect(keys.newest().version).toBe(2);
  });

  test("that does not exist is asked for once a second, however many ask", async () => {
    const { table, clock, keys, add } = await openScene();
    const before = table.reads();
    for (let i = 0; i < 100; i++) expect(await keys.find(7 + i)).toBeNull();
    expect(table.reads() - before).toBe(1);
    await add();
    await clock.advance(1_000);
    expect(await keys.find(2)).toBe(keys.newest().encryption);
  });

  test("of a master key that this server does not have fails those who meet it, and nobody else", async () => {
    const failed: unknown[] = [];
    const { table, clock, keys, add } = await openScene((tenant, error) => failed.push([tenant, error]));
    await add(masterKeysOf("2027", "main"));
    const unusable = new KeysUnusable("key 2 of tenant acme was wrapped with master key 2027, which is not configured");
    const before = table.reads();
    await expect(keys.find(2)).rejects.toThrow(unusable);
    expect(() => keys.find(2)).toThrow(unusable);
    expect(table.reads() - before).toBe(1);
    await clock.advance(REFRESH_MS);
    expect(keys.newest().version).toBe(1);
    await settled();
    expect(failed).toEqual([["acme", unusable]]);
    for (let i = 0; i < 10; i++) expect(keys.newest().version).toBe(1);
    await settled();
    expect(failed.length, "it is tried again after the refresh time only").toBe(1);
  });
});
