import { randomUUID } from "node:crypto";
import { describe, expect, test } from "vitest";
import type { RecordKey } from "../../../src/domain/key.ts";
import { bytes, freshToken } from "../../support/records.ts";
import { type Bench, createBench } from "../bench.ts";
import type { StoreUnderTest } from "../contract.ts";

/** Pairs of (scope, key) that some way of joining, folding or ordering takes for one. `run` keeps tests apart. */
const ALIKE: Readonly<Record<string, (run: string) => readonly (readonly [string, string])[]>> = {
  "a separator that moves": (run) =>
    [":", "/", "|", ".", ",", "\u001e", "\u001f", "\t", "\n", "'", '"', "\\", "{}", "%", "_"].flatMap((separator) => [
      [`${run}a`, `b${separator}c`],
      [`${run}a${separator}b`, "c"],
      [`${run}a${separator}`, `${separator}b${separator}c`],
    ]),
  "a border that moves": (run) => [
    [`${run}ab`, "c"],
    [`${run}a`, "bc"],
    [`${run}a2`, "1:bc"],
    [`${run}a`, "21:bc"],
  ],
  "normalisation and look-alikes": (run) =>
    ["é", "e\u0301", "K", "\u212a", "k", "i", "I", "ı", "İ", "а", "a", "A", "ß", "ss", "ﬁ", "fi"].map((key) => [
      run,
      key,
    ]),
  "white space, direction and what cannot be seen": (run) =>
    ["a", "a ", " a", "a\u00a0", "a\u200b", "\u202ea", "a\u202c", "\ufeffa", "a\u0001", "a\u007f"].map((key) => [
      run,
      key,
    ]),
  "code points of each length": (run) =>
    [
      "\u007f",
      "\u0080",
      "\u07ff",
      "\u0800",
      "\ud7ff",
      "\ue000",
      "\ufffd",
      "\uffff",
      "\u{10000}",
      "\u{1f600}",
      "\u{10ffff}",
    ].map((key) => [run, key]),
  "names that objects have already": (run) =>
    ["__proto__", "constructor", "toString", "hasOwnProperty", "null", "undefined", "NULL", "NaN"].map((key) => [
      run,
      key,
    ]),
};

const LONGEST_SCOPE = 128;
const LONGEST_KEY = 512;

/** Claims each, all at once, completes each with its own name, and expects each to replay its own. */
async function expectApart(benches: readonly Bench[]): Promise<void> {
  const leases = await Promise.all(benches.map((bench) => bench.acquire()));
  await Promise.all(
    benches.map((bench, i) =>
      bench.finish(leases[i] ?? { token: freshToken(), fence: 1n }, "complete", { outcome: bytes(`${i}`) }),
    ),
  );
  for (const [i, bench] of benches.entries()) {
    expect(await bench.claim(), `${JSON.stringify(bench.key)}`).toMatchObject({
      kind: "completed",
      record: { key: bench.key, attempt: 1, outcome: bytes(`${i}`) },
    });
  }
}

export function isolation(under: () => StoreUnderTest): void {
  const benchOf = (key: RecordKey) => createBench(under(), key);

  describe("isolation", () => {
    test.each(Object.entries(ALIKE))("%s makes another record", async (_, pairs) => {
      const run = randomUUID().slice(0, 8);
      await expectApart(pairs(run).map(([scope, key]) => benchOf({ tenant: "default", scope, key })));
    });

    test("the longest scope and key are told apart by their last byte", async () => {
      const run = randomUUID();
      const padded = (length: number, last: string) => `${run.padEnd(length - 1, "x")}${last}`;
      await expectApart(
        ["a", "b"].flatMap((scope) =>
          ["a", "b"].map((key) =>
            benchOf({ tenant: "default", scope: padded(LONGEST_SCOPE, scope), key: padded(LONGEST_KEY, key) }),
          ),
        ),
      );
    });

    test("equal scopes and keys of other tenants are independent", async () => {
      const { scope, key } = { scope: randomUUID(), key: randomUUID() };
      await expectApart(["default", "other", "Default", "default "].map((tenant) => benchOf({ tenant, scope, key })));
    });

    test("neither a claim_id nor a token works on another tenant's record", async () => {
      const { scope, key } = { scope: randomUUID(), key: randomUUID() };
      const [mine, theirs] = [benchOf({ tenant: "mine", scope, key }), benchOf({ tenant: "theirs", scope, key })];
      const lease = await mine.acquire();
      expect(await theirs.heartbeat(lease)).toBe("RECORD_NOT_FOUND");
      expect(await theirs.finished(lease, "complete")).toBe("RECORD_NOT_FOUND");
      const other = await theirs.acquire({ claimId: lease.claimId });
      expect(other.record.attempt).toBe(1);
      expect(await theirs.finished({ ...lease, fence: other.fence }, "complete")).toBe("LEASE_TOKEN_INVALID");
      expect(await mine.peek()).toEqual(lease.record);
    });

    test("a peek at what nobody claimed finds nothing and leaves nothing", async () => {
      const bench = createBench(under());
      expect(await under().store.peek(bench.key, Number.POSITIVE_INFINITY)).toEqual({ record: null, now: bench.now() });
      expect(await bench.claimed()).toBe("acquired new");
    });
  });
}
