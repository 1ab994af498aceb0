import { randomUUID } from "node:crypto";
import type { Client } from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ClaimCall } from "../../../src/domain/calls.ts";
import { type RecordKey, sameKey } from "../../../src/domain/key.ts";
import { withClient } from "../../../src/store/postgres/connection.ts";
import type { PostgresStore } from "../../../src/store/postgres/store.ts";
import { createTestDatabase, type TestDatabase } from "../../support/database.ts";
import { createDice, keyTriples } from "../../support/key-triples.ts";
import { bytes, claimOf, fingerprintOf, freshToken } from "../../support/records.ts";
import { claimWords, tally } from "../../support/words.ts";
import { openStoreOn } from "./open-store.ts";

const NEVER = Number.POSITIVE_INFINITY;

/** Through the store; a million would take minutes. */
const CLAIMED = 100_000;
/** Straight into a table. */
const STORED = 1_000_000;

/** So many wait in the store at once: well below what it takes of one tenant. */
const WAVE = 4_096;

let database: TestDatabase;
let store: PostgresStore;
beforeAll(async () => {
  database = await createTestDatabase();
  store = await openStoreOn(database.url);
});
afterAll(async () => {
  await store.close();
  await database.drop();
});

/** Says which claim it is wherever a claim can, so that none is taken for another one of the same record. */
const claimNumber = (i: number, key: RecordKey): ClaimCall =>
  claimOf({
    key,
    claimId: `claim number ${i}`.padEnd(24, "."),
    token: freshToken(),
    fingerprint: fingerprintOf(`${i}`),
    evidence: bytes(`${i}`),
    leaseMs: 3_600_000,
  });

const inHex = (text: string) => Buffer.from(text).toString("hex");
const hexOf = (column: string) => `encode(convert_to(${column}, 'UTF8'), 'hex')`;
const keyInHex = ({ tenant, scope, key }: RecordKey) => [tenant, scope, key].map(inHex).join(" ");

describe("a hundred thousand triples", () => {
  const triples = [...keyTriples(CLAIMED)];

  test("are claimed each for the first time, and each is answered with its own record", async () => {
    const words: string[] = [];
    const strangers: RecordKey[] = [];
    for (let from = 0; from < triples.length; from += WAVE) {
      const wave = triples.slice(from, from + WAVE);
      const answers = await Promise.all(wave.map((key, i) => store.claim(claimNumber(from + i, key), NEVER)));
      for (const [i, answer] of answers.entries()) {
        words.push(claimWords(answer));
        const key = wave[i] as RecordKey;
        if (answer.kind === "refused" || answer.kind === "fault") continue;
        const isOwn = sameKey(answer.record.key, key) && textOf(answer.record.evidence) === `${from + i}`;
        if (!isOwn) strangers.push(key);
      }
    }
    // Whoever shares a record is told IN_PROGRESS or FINGERPRINT_MISMATCH instead.
    expect(tally(words)).toEqual({ "acquired new": CLAIMED });
    expect(strangers.slice(0, 5)).toEqual([]);
  }, 180_000);

  test("are as many rows, each with the bytes of its own key", async () => {
    const stored = await withClient({ url: database.url }, async (client) => {
      const { rows } = await client.query<{ name: string; number: string }>(`
        select
          concat_ws(' ', ${["tenant", "scope", "key"].map(hexOf)}) as name,
          convert_from(evidence, 'UTF8') as number
        from holdfast.record
        where convert_from(evidence, 'UTF8') ~ '^[0-9]+$'`);
      return new Map(rows.map(({ name, number }) => [name, number]));
    });
    expect(stored.size).toBe(CLAIMED);
    const lost = triples.filter((key, i) => stored.get(keyInHex(key)) !== `${i}`);
    expect(lost.slice(0, 5)).toEqual([]);
  }, 60_000);

  test("are found again by their keys, and by nothing that is like them", async () => {
    const dice = createDice(2);
    const sample = Array.from({ length: 5_000 }, () => dice.below(CLAIMED));
    const found = await Promise.all(sample.map((i) => store.peek(triples[i] as RecordKey, NEVER)));
    for (const [at, { record }] of found.entries()) {
      const i = sample[at] as number;
      const own = record !== null && keyInHex(record.key) === keyInHex(triples[i] as RecordKey);
      if (!own || textOf(record.evidence) !== `${i}`) throw new Error(`not its own: ${JSON.stringify(triples[i])}`);
    }
    const known = new Set(triples.map(keyInHex));
    const alike = sample
      .map((i) => triples[i] as RecordKey)
      .flatMap((key) => [
        { ...key, scope: key.key.slice(0, 30), key: key.scope },
        { ...key, key: `${key.key.slice(0, 100)} ` },
        { ...key, tenant: key.tenant.slice(0, 10).toUpperCase() },
      ])
      .filter((key) => !known.has(keyInHex(key)) && Object.values(key).every((part) => part.isWellFormed()));
    expect(alike.length).toBeGreaterThan(5_000);
    const peeked = await Promise.all(alike.map((key) => store.peek(key, NEVER)));
    expect(peeked.filter(({ record }) => record !== null)).toEqual([]);
  }, 60_000);
});

describe("a million triples in a table like that of the records", () => {
  test("are as many rows as they are triples, and fewer if anything joined them", async () => {
    const counted = await withClient({ url: database.ownerUrl }, async (client) => {
      // The indexes but the primary key's are about other things, and the log of an unlogged table is not written.
      await client.query("create unlogged table public.scratch (like holdfast.record including all)");
      await client.query("drop index public.scratch_tenant_create_time_idx, public.scratch_sweep_at_idx");
      for (const chunk of chunks(keyTriples(STORED), 10_000)) await insert(client, chunk);
      const { rows } = await client.query<{ rows: string; joined: string }>(
        "select count(*) as rows, count(distinct tenant || scope || key) as joined from public.scratch",
      );
      await client.query("drop table public.scratch");
      return rows[0];
    });
    expect(Number(counted?.rows)).toBe(STORED);
    expect(Number(counted?.joined)).toBeLessThan(STORED / 2);
  }, 600_000);
});

/** A row whose key is there already is left out, and so is missed in the count. */
async function insert(client: Client, keys: readonly RecordKey[]): Promise<void> {
  await client.query(
    `insert into public.scratch (
       tenant, scope, key, state, due, attempt, fence, lease_token, claim_id, fingerprint, fingerprint_algorithm, hold,
       max_attempts, result_retention_ms, tombstone_retention_ms, create_time, attempt_start_time, evidence
     )
     select t.tenant, t.scope, t.key, 1, now(), 1, 1, $4, 'claim', '', '', false, 0, 0, 0, now(), now(), ''
     from unnest($1::text[], $2::text[], $3::text[]) as t (tenant, scope, key)
     on conflict (tenant, scope, key) do nothing`,
    [keys.map(({ tenant }) => tenant), keys.map(({ scope }) => scope), keys.map(({ key }) => key), freshToken()],
  );
}

function* chunks<T>(items: Iterable<T>, size: number): Generator<T[]> {
  let chunk: T[] = [];
  for (const item of items) {
    chunk.push(item);
    if (chunk.length < size) continue;
    yield chunk;
    chunk = [];
  }
  if (chunk.length > 0) yield chunk;
}

describe("text that is no key, should it ever come so far", () => {
  const plain = (change: Partial<RecordKey>): RecordKey => ({
    ...{ tenant: "no-key", scope: "no-key", key: randomUUID() },
    ...change,
  });
  const rowsOf = (scope: string) =>
    withClient({ url: database.url }, async (client) => {
      const text = "select count(*)::int as rows from holdfast.record where scope = $1 or tenant = $1";
      return (await client.query<{ rows: number }>(text, [scope])).rows[0]?.rows;
    });

  test.each([
    ["U+0000 in the tenant", "tenant", "a\0b"],
    ["U+0000 in the scope", "scope", "a\0b"],
    ["U+0000 in the key", "key", "a\0b"],
    ["a tenant of nothing but U+0000", "tenant", "\0"],
    ["a scope of nothing but U+0000", "scope", "\0"],
    ["a key of nothing but U+0000", "key", "\0"],
    ["a key that ends in U+0000", "key", "a\0"],
    ["a tenant of 64 bytes", "tenant", "x".repeat(64)],
    ["a scope of 129 bytes", "scope", "x".repeat(129)],
    ["a key of 513 bytes", "key", "x".repeat(513)],
    ["no key at all", "key", ""],
    // UTF-8 has no form for it, and another character would go out in its place: two keys would be one.
    ["half of a surrogate pair in the tenant", "tenant", "a\ud800"],
    ["half of a surrogate pair in the scope", "scope", "\udfff"],
    ["half of a surrogate pair in the key", "key", "\ud800"],
  ] as const)("%s is refused by itself, and those of its batch are not", async (_, part, text) => {
    const scope = randomUUID();
    const mates = Array.from({ length: 8 }, (_, i) => plain({ scope, tenant: `mate-${i}` }));
    const bad = { ...plain({ scope }), [part]: text };
    const answers = await Promise.allSettled(
      [...mates.slice(0, 4), bad, ...mates.slice(4)].map((key, i) => store.claim(claimNumber(i, key), NEVER)),
    );
    const words = answers.map((answer) =>
      answer.status === "fulfilled" ? claimWords(answer.value) : `${answer.reason.code}: ${answer.reason.message}`,
    );
    expect(tally(words)).toEqual({ "acquired new": 8, "INTERNAL: Internal error.": 1 });
    expect(words[4]).toContain("INTERNAL");
    expect(await rowsOf(scope)).toBe(8);
  });

  test("half of a surrogate pair is never answered with the record of another text", async () => {
    const scope = randomUUID();
    await store.claim(claimNumber(0, plain({ scope, key: "\ufffd" })), NEVER);
    const peek = store.peek(plain({ scope, key: "\ud800" }), NEVER);
    await expect(peek).rejects.toMatchObject({ code: "INTERNAL" });
  });
});

function textOf(content: Uint8Array): string {
  return Buffer.from(content).toString();
}
