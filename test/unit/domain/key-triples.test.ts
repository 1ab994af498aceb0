import { beforeAll, describe, expect, test } from "vitest";
import { compareKeys, keyText, type RecordKey, sameKey } from "../../../src/domain/key.ts";
import { SIZES } from "../../../src/domain/limits.ts";
import { createMemoryStore } from "../../../src/store/memory.ts";
import { wakeId } from "../../../src/waiting/wake-id.ts";
import { createDice, keyTriples, SEPARATORS } from "../../support/key-triples.ts";
import { bytes, claimIdOf, claimOf, fingerprintOf, finishOf, freshToken, NOW } from "../../support/records.ts";
import { claimWords, finishWords, tally } from "../../support/words.ts";

const MANY = 1_000_000;
/** Enough for what costs more than a look at each. */
const SOME = 100_000;

let triples: readonly RecordKey[];
let some: readonly RecordKey[];
beforeAll(() => {
  triples = [...keyTriples(MANY)];
  some = triples.slice(0, SOME);
}, 120_000);

const parts = ({ tenant, scope, key }: RecordKey) => [tenant, scope, key];

const byBytes = (a: RecordKey, b: RecordKey): number => {
  for (const part of ["tenant", "scope", "key"] as const) {
    const order = Buffer.compare(Buffer.from(a[part]), Buffer.from(b[part]));
    if (order !== 0) return order;
  }
  return 0;
};

/** Mistakes that can be made with a key. Each makes some triples one, or the triples would prove nothing. */
const MISTAKES: Readonly<Record<string, (key: RecordKey) => string>> = {
  ...Object.fromEntries(SEPARATORS.map((by) => [`joins by ${inAscii(by)}`, (key) => parts(key).join(by)])),
  "joins by nothing": (key) => parts(key).join(""),
  "escapes the separator, and not the escape": (key) =>
    parts(key)
      .map((part) => part.replaceAll(":", "\\:"))
      .join(":"),
  "quotes, and not the quotes": (key) => `{${parts(key).map((part) => `"${part}"`)}}`,
  "joins scope and key": ({ tenant, scope, key }) => JSON.stringify([tenant, scope + key]),
  "joins tenant and scope": ({ tenant, scope, key }) => JSON.stringify([tenant + scope, key]),
  "forgets the tenant": ({ scope, key }) => JSON.stringify([scope, key]),
  "forgets the scope": ({ tenant, key }) => JSON.stringify([tenant, key]),
  "forgets the order": (key) => JSON.stringify(parts(key).toSorted()),
  ...each("folds to lower case", (part) => part.toLowerCase()),
  ...each("folds to upper case", (part) => part.toUpperCase()),
  ...each("composes", (part) => part.normalize("NFC")),
  ...each("decomposes", (part) => part.normalize("NFD")),
  ...each("makes compatible", (part) => part.normalize("NFKC")),
  ...each("trims", (part) => part.trim()),
  ...each("trims the end, as char(n) does", (part) => part.replace(/ +$/, "")),
  ...each("drops control characters", (part) => part.replaceAll(/\p{Cc}/gu, "")),
  ...each("drops what cannot be seen", (part) => part.replaceAll(/\p{Cf}/gu, "")),
  ...each("drops accents", (part) => part.normalize("NFD").replaceAll(/\p{M}/gu, "")),
  ...each("makes all white space one blank", (part) => part.replaceAll(/\s+/g, " ")),
  ...each("keeps the low bytes", (part) => Buffer.from(part, "latin1").toString("latin1")),
  ...each("keeps ASCII", (part) => part.replaceAll(/[^\x20-\x7e]/g, "?")),
  ...each("keeps the first plane", (part) => part.replaceAll(/[\u{10000}-\u{10ffff}]/gu, "\ufffd")),
  ...each("cuts at a line end", (part) => part.split(/[\r\n]/)[0] ?? ""),
  ...each("cuts long ones", (part) => Buffer.from(part).subarray(0, 60).toString("latin1")),
  ...each("reads numbers", (part) => String(Number.isFinite(Number(part)) ? Number(part) : part)),
  ...each("unescapes percents", (part) => part.replaceAll(/%2f/gi, "/").replaceAll(/%25/g, "%")),
};

/** For a reader and a terminal, which would act on some of them. */
function inAscii(text: string): string {
  return [...text]
    .map((it) => (/[!-~]/.test(it) ? it : `U+${it.codePointAt(0)?.toString(16).padStart(4, "0")}`))
    .join("");
}

/** Otherwise without a mistake: the parts are told apart. */
function each(name: string, fold: (part: string) => string): Record<string, (key: RecordKey) => string> {
  return { [name]: (key) => JSON.stringify(parts(key).map(fold)) };
}

describe("the triples", () => {
  test("are within the limits of a key, of many tenants, and reach every limit", () => {
    const longest = [0, 0, 0];
    for (const triple of triples) {
      for (const [i, part] of parts(triple).entries()) {
        longest[i] = Math.max(longest[i] ?? 0, Buffer.byteLength(part));
        if (part === "" || part.includes("\0") || !part.isWellFormed()) throw new Error(`not a key: ${part}`);
      }
    }
    expect(longest).toEqual([SIZES.tenantBytesMax, SIZES.scopeBytesMax, SIZES.keyBytesMax]);
    expect(triples).toHaveLength(MANY);
    expect(new Set(triples.map(({ tenant }) => tenant)).size).toBeGreaterThan(10_000);
  });

  test("hold every control character but U+0000, at the beginning, in the middle and at the end of each part", () => {
    for (const part of ["tenant", "scope", "key"] as const) {
      const texts = new Set(triples.map((triple) => triple[part]));
      for (let code = 1; code < 0xa0; code++) {
        if (code >= 0x20 && code < 0x7f) continue;
        const control = String.fromCharCode(code);
        for (const text of [control, `${control}x`, `x${control}`, `x${control}x`]) {
          expect(texts.has(text), JSON.stringify(text)).toBe(true);
        }
      }
    }
  });

  test.each(Object.entries(MISTAKES))("would show a key that %s", (_, mistake) => {
    expect(new Set(some.map(mistake)).size).toBeLessThan(SOME);
  });
});

describe("of a million triples", () => {
  test("no two have the same text", () => {
    expect(new Set(triples.map(keyText)).size).toBe(MANY);
  });

  test("each lies behind the one before it by its UTF-8 bytes, once they are sorted", () => {
    const sorted = triples.toSorted(compareKeys);
    let disorder = 0;
    for (let i = 1; i < sorted.length; i++) {
      if (byBytes(sorted[i - 1] as RecordKey, sorted[i] as RecordKey) >= 0) disorder++;
    }
    expect(disorder).toBe(0);
  }, 120_000);

  test("any two are ordered as by their UTF-8 bytes, either way round, and only one and itself are the same", () => {
    const dice = createDice(1);
    for (let i = 0; i < 200_000; i++) {
      // Half of the pairs are neighbours, which differ in little.
      const at = dice.below(MANY);
      const a = triples[at] as RecordKey;
      const b = triples[i % 2 ? dice.below(MANY) : Math.min(MANY - 1, at + dice.below(3))] as RecordKey;
      const order = byBytes(a, b);
      if (Math.sign(compareKeys(a, b)) !== order || Math.sign(compareKeys(b, a)) !== Math.sign(-order)) {
        throw new Error(`out of order: ${JSON.stringify([a, b])}`);
      }
      if (sameKey(a, b) !== (a === b) || (order === 0) !== (a === b)) {
        throw new Error(`taken for the same: ${JSON.stringify([a, b])}`);
      }
    }
  }, 120_000);
});

/** Two records of one id would be told of each other's changes and read once too often: wake-collisions.test.ts. */
test("no two of a hundred thousand triples have the same wake id, though they might", () => {
  expect(new Set(some.map(wakeId)).size).toBe(SOME);
}, 120_000);

test("no two triples share a record of the memory store", async () => {
  const store = createMemoryStore({ now: () => NOW, newToken: freshToken });
  const sample = some.slice(0, 50_000);
  const claim = (key: RecordKey, i: number) =>
    claimOf({
      key,
      claimId: claimIdOf(`${i}`),
      token: freshToken(),
      fingerprint: fingerprintOf(`${i}`),
      evidence: bytes(`${i}`),
    });
  const claimed = [];
  const ended = [];
  for (const [i, key] of sample.entries()) {
    const answer = await store.claim(claim(key, i), Number.POSITIVE_INFINITY);
    claimed.push(claimWords(answer));
    if (answer.kind !== "acquired") continue;
    const end = finishOf({ key, proof: answer.record.lease, outcome: bytes(`${i}`) });
    ended.push(finishWords(await store.finish(end, Number.POSITIVE_INFINITY)));
  }
  expect(tally(claimed)).toEqual({ "acquired new": sample.length });
  expect(tally(ended)).toEqual({ completed: sample.length });
  for (const [i, key] of sample.entries()) {
    const { record } = await store.peek(key, Number.POSITIVE_INFINITY);
    if (record === null || !sameKey(record.key, key) || Buffer.from(record.outcome ?? []).toString() !== `${i}`) {
      throw new Error(`not its own record: ${JSON.stringify(key)}`);
    }
  }
}, 120_000);
