import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ClaimCall } from "../../../src/domain/calls.ts";
import type { RecordKey } from "../../../src/domain/key.ts";
import type { Proof } from "../../../src/domain/record.ts";
import { bytes, claimOf, fingerprintOf, finishOf, freshToken, heartbeatOf } from "../../support/records.ts";
import { canariesIn, canaryOf } from "./mixed-caller.ts";
import { type MixedStand, openMixedStand, type Row } from "./mixed-stand.ts";

const NEVER = Number.POSITIVE_INFINITY;

let stand: MixedStand;
beforeAll(async () => {
  stand = await openMixedStand();
});
afterAll(() => stand.close());

/** The same scope and key for each tenant: nothing but the tenant tells their rows apart. */
function keysFor(kinds: readonly ("plain" | "sealed")[]): readonly RecordKey[] {
  const [scope, key] = [randomUUID(), "order-1"];
  return Array.from({ length: 24 }, (_, i) => ({ tenant: `${kinds[i % kinds.length]}-${10 + i}`, scope, key }));
}

interface Holder {
  readonly key: RecordKey;
  readonly claim: ClaimCall;
  readonly proof: Proof;
}

const claimFor = (key: RecordKey): ClaimCall =>
  claimOf({
    key,
    claimId: `${canaryOf(key.tenant)} claims`,
    token: freshToken(),
    fingerprint: fingerprintOf(canaryOf(key.tenant)),
    evidence: bytes(canaryOf(key.tenant)),
  });

async function hold(keys: readonly RecordKey[]): Promise<readonly Holder[]> {
  return await Promise.all(
    keys.map(async (key) => {
      const claim = claimFor(key);
      const answer = await stand.store.claim(claim, NEVER);
      if (answer.kind !== "acquired") throw new Error(`not acquired: ${answer.kind}`);
      return { key, claim, proof: answer.record.lease };
    }),
  );
}

const endOf = ({ key, proof }: Holder) => finishOf({ key, proof, outcome: bytes(`${canaryOf(key.tenant)} outcome`) });

const swapNumbers = ([one, other, ...others]: readonly Row[]): readonly Row[] => [
  { ...one, i: other?.["i"] },
  { ...other, i: one?.["i"] },
  ...others,
];

/** By statement: prepares the records and makes the calls, one for each key. Each of them may be made again. */
const CALLS: Readonly<Record<string, (keys: readonly RecordKey[]) => Promise<readonly (() => Promise<unknown>)[]>>> = {
  claim: async (keys) => keys.map(claimFor).map((call) => () => stand.store.claim(call, NEVER)),
  reclaim: async (keys) => {
    const failed = (await hold(keys)).map((holder) => ({ ...endOf(holder), kind: "retryable" as const, delayMs: 0 }));
    await Promise.all(failed.map((call) => stand.store.finish(call, NEVER)));
    const again = keys.map((key): ClaimCall => ({ ...claimFor(key), claimId: `${canaryOf(key.tenant)} claims again` }));
    return again.map((call) => () => stand.store.claim(call, NEVER));
  },
  reconcile: async (keys) => {
    const holders = await hold(keys);
    const unknown = holders.map((holder) => ({ ...endOf(holder), kind: "outcome-unknown" as const }));
    await Promise.all(unknown.map((call) => stand.store.finish(call, NEVER)));
    const reconciles = keys.map((key): ClaimCall => ({ ...claimFor(key), intent: "reconcile", claimId: randomUUID() }));
    return reconciles.map((call) => () => stand.store.claim(call, NEVER));
  },
  heartbeat: async (keys) => {
    const checkpointOf = (key: RecordKey) => ({ sequence: 1n, encoded: bytes(`${canaryOf(key.tenant)} checkpoint`) });
    return (await hold(keys)).map(
      ({ key, proof }) =>
        () =>
          stand.store.heartbeat(heartbeatOf({ key, proof, checkpoint: checkpointOf(key) }), NEVER),
    );
  },
  finish: async (keys) => (await hold(keys)).map((holder) => () => stand.store.finish(endOf(holder), NEVER)),
  peek: async (keys) =>
    (await hold(keys)).map(
      ({ key }) =>
        () =>
          stand.store.peek(key, NEVER),
    ),
  watch: async (keys) =>
    (await hold(keys)).map(
      ({ key, proof }) =>
        () =>
          stand.store.watch({ key, state: "in-progress", fence: proof.fence }, NEVER),
    ),
};

/** What became of all calls, sent at once, when the first answer to two of them at least was tampered with. */
async function settleTampered(
  statement: string,
  keys: readonly RecordKey[],
  calls: readonly (() => Promise<unknown>)[],
  tamper: (rows: readonly Row[]) => readonly Row[],
) {
  const from = stand.batches.length;
  stand.tamperOnce(statement, tamper);
  const settled = await Promise.allSettled(calls.map((call) => call()));
  const batch = stand.batches.slice(from).find((sent) => sent.statement === statement && sent.rows.length > 1);
  const tampered = new Set(batch?.keys.map(({ tenant }) => tenant));
  expect(tampered.size).toBeGreaterThanOrEqual(2);
  return settled.map((result, i) => {
    const tenant = keys[i]?.tenant ?? "";
    return { tenant, result, wasTampered: tampered.has(tenant) };
  });
}

const ANOTHERS = "bug: a row of a batch is another call's";

test.each(Object.entries(CALLS))(
  "when two rows of an answer to %s change places, every call of the batch fails, and none gets another's answer",
  async (statement, prepare) => {
    const keys = keysFor(["plain", "sealed"]);
    const calls = await prepare(keys);
    for (const { tenant, result, wasTampered } of await settleTampered(statement, keys, calls, swapNumbers)) {
      expect(result.status, tenant).toBe(wasTampered ? "rejected" : "fulfilled");
      if (result.status === "rejected") expect(result.reason.message).toBe(ANOTHERS);
    }
    // What the statement did is done all the same; the same call again tells each caller of its own.
    const again = await Promise.all(calls.map((call) => call()));
    for (const [i, answer] of again.entries()) {
      const own = canaryOf(keys[i]?.tenant ?? "");
      for (const found of canariesIn(answer)) expect(found).toBe(own);
    }
  },
);

const TAMPERED: Readonly<Record<string, readonly [tamper: (rows: readonly Row[]) => readonly Row[], why: string]>> = {
  "is there twice, in another's place": [
    ([one, , ...others]) => [{ ...one }, { ...one }, ...others],
    "bug: two rows of a batch are one call's",
  ],
  "is missing": [([, ...others]) => others, "bug: a call of a batch has no row"],
  "has no call's number": [([one, ...others]) => [{ ...one, i: 10_000n }, ...others], ANOTHERS],
  "has the number 0": [([one, ...others]) => [{ ...one, i: 0n }, ...others], ANOTHERS],
  "names another tenant": [
    ([one, other, ...others]) => [{ ...one, tenant: other?.["tenant"] }, { ...other }, ...others],
    ANOTHERS,
  ],
  "names another scope": [([one, ...others]) => [{ ...one, scope: `${one?.["scope"]} ` }, ...others], ANOTHERS],
  "names the key in another case": [([one, ...others]) => [{ ...one, key: "Order-1" }, ...others], ANOTHERS],
};

describe.each(["claim", "peek"])("an answer to %s", (statement) => {
  test.each(Object.entries(TAMPERED))("of which a row %s fails its whole batch", async (_, [tamper, why]) => {
    const keys = keysFor(["plain", "sealed"]);
    const calls = (await CALLS[statement]?.(keys)) ?? [];
    for (const { result, wasTampered } of await settleTampered(statement, keys, calls, tamper)) {
      expect(result.status).toBe(wasTampered ? "rejected" : "fulfilled");
      if (result.status === "rejected") expect(result.reason.message).toBe(why);
    }
  });

  test("in another order is to each call what it was", async () => {
    const keys = keysFor(["plain", "sealed"]);
    const calls = (await CALLS[statement]?.(keys)) ?? [];
    for (const { tenant, result } of await settleTampered(statement, keys, calls, (rows) => rows.toReversed())) {
      if (result.status === "rejected") throw result.reason;
      expect([...canariesIn(result.value)]).toEqual([canaryOf(tenant)]);
    }
  });
});

/** Below number and key nothing tells two rows apart: what lies there comes from the table, and a seal holds it. */
describe("rows whose contents change places below number and key", () => {
  const swapContents = ([one = {}, other = {}, ...others]: readonly Row[]): readonly Row[] => {
    const nameOf = ({ i, tenant, scope, key }: Row) => ({ i, tenant, scope, key });
    return [{ ...other, ...nameOf(one) }, { ...one, ...nameOf(other) }, ...others];
  };
  const peekSwapped = async (kind: "plain" | "sealed") => {
    const keys = keysFor([kind]);
    await Promise.all((await hold(keys)).map((holder) => stand.store.finish(endOf(holder), NEVER)));
    const calls = keys.map((key) => () => stand.store.peek(key, NEVER));
    return await settleTampered("peek", keys, calls, swapContents);
  };

  test("are seen by their canaries, or these tests would prove nothing", async () => {
    const strange = (await peekSwapped("plain")).filter(
      ({ tenant, result }) =>
        result.status === "fulfilled" && [...canariesIn(result.value)].some((found) => found !== canaryOf(tenant)),
    );
    expect(strange).toHaveLength(2);
  });

  test("do not open when they are sealed: both callers get an error, and an alarm is raised for each", async () => {
    const failed = (await peekSwapped("sealed")).filter(({ result }) => result.status === "rejected");
    expect(failed).toHaveLength(2);
    for (const { result } of failed) expect(result).toMatchObject({ reason: { code: "INTERNAL" } });
    expect(stand.alarms).toHaveLength(2);
    for (const { tenant } of failed) {
      expect(stand.alarms.some((alarm) => new RegExp(`^${tenant}: (not-authentic|fence-ahead)$`).test(alarm))).toBe(
        true,
      );
    }
  });
});
