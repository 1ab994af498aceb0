import { randomUUID } from "node:crypto";
import { expect, test } from "vitest";
import { Fault } from "../../../../src/domain/fault.ts";
import type { RecordKey } from "../../../../src/domain/key.ts";
import { ENVELOPE_BYTES, readHead } from "../../../../src/store/sealed/envelope.ts";
import { createSealedStore } from "../../../../src/store/sealed/sealed-store.ts";
import { createBench, policyOf } from "../../../store/bench.ts";
import { openMemoryStore } from "../../../support/memory-store.ts";
import { OPERATOR, QUERY } from "../../../support/operating.ts";
import { bytes, HOUR } from "../../../support/records.ts";
import { sealStore } from "./sealing.ts";

const NEVER = Number.POSITIVE_INFINITY;
const CANARY = "canary of the operators";

async function openScene(tenant = "acme") {
  const raw = await openMemoryStore();
  const sealed = sealStore(raw.store);
  const key: RecordKey = { tenant, scope: "orders", key: randomUUID() };
  return {
    raw,
    ...sealed,
    key,
    bench: createBench({ ...raw, store: sealed.store }, key),
    /** As whoever can read the table sees it. */
    table: createBench(raw, key),
    list: (withOutcomes: boolean) => sealed.store.list({ ...QUERY, tenant, withOutcomes }, NEVER),
  };
}

async function faultOf(answer: Promise<unknown>): Promise<Fault> {
  const thrown = await answer.then(
    () => null,
    (error: unknown) => error,
  );
  if (!(thrown instanceof Fault)) throw new Error("no fault was thrown");
  return thrown;
}

test.each([
  ["completed", "completed"],
  ["failed", "failed"],
] as const)("what an operator says became of the work is sealed, and replayed open (%s)", async (kind, told) => {
  const { bench, table, store, key, alarms } = await openScene();
  const suspect = await bench.acquire({ policy: policyOf({ hold: true }) });
  bench.advance(HOUR);
  const call = { ...OPERATOR, key, fence: suspect.fence, force: false };
  await store.resolve({ ...call, verdict: { kind, outcome: bytes(CANARY) } }, NEVER);
  const { outcome } = await table.peek();
  expect(Buffer.from(outcome ?? []).includes(CANARY)).toBe(false);
  expect(outcome?.length).toBe(CANARY.length + ENVELOPE_BYTES);
  expect(readHead(outcome ?? new Uint8Array())).toEqual({ keyVersion: 1, fence: suspect.fence });
  expect(await bench.claim()).toMatchObject({ kind: told, record: { outcome: bytes(CANARY) } });
  expect(alarms).toEqual([]);
});

test("a verdict without content asks for no keys", async () => {
  const { raw, bench, key } = await openScene();
  const suspect = await bench.acquire({ policy: policyOf({ hold: true }) });
  bench.advance(HOUR);
  const store = createSealedStore({
    store: raw.store,
    keysOf: () => Promise.reject(new Fault("STORE_UNAVAILABLE", "The store does not answer.")),
    onUnopenable: () => {},
  });
  const call = { ...OPERATOR, key, fence: suspect.fence, force: false };
  expect(await store.resolve({ ...call, verdict: { kind: "not-done" } }, NEVER)).toMatchObject({
    kind: "changed-record",
  });
  const { lease } = await bench.acquire().then(({ record }) => record);
  await store.release({ ...call, fence: lease.fence }, NEVER);
  await store.list({ ...QUERY, tenant: "acme" }, NEVER);
  for (const asking of [
    store.resolve({ ...call, verdict: { kind: "completed", outcome: bytes("r") } }, NEVER),
    store.history({ key, withOutcomes: true }, NEVER),
    store.list({ ...QUERY, tenant: "acme", withOutcomes: true }, NEVER),
  ]) {
    expect((await faultOf(asking)).code).toBe("STORE_UNAVAILABLE");
  }
});

test("a list with outcomes shows them open, and one without reads none", async () => {
  const { bench, raw, list, store } = await openScene();
  await bench.finish(await bench.acquire(), "complete", { outcome: bytes(CANARY) });
  const other = createBench({ ...raw, store }, { ...bench.key, key: "failed" });
  await other.finish(await other.acquire(), "terminal", { outcome: bytes("refused") });
  const outcomes = async (withOutcomes: boolean) =>
    new Set(
      (await list(withOutcomes)).records.map(({ record }) => record.outcome && Buffer.from(record.outcome).toString()),
    );
  expect(await outcomes(true)).toEqual(new Set([CANARY, "refused"]));
  expect(await outcomes(false)).toEqual(new Set([null]));
});

test("a history shows the errors of earlier attempts open, and the table none of them", async () => {
  const { bench, key, raw, store, alarms } = await openScene();
  for (const error of [`${CANARY} 1`, `${CANARY} 2`]) {
    await bench.finish(await bench.acquire(), "retryable", { outcome: bytes(error) });
  }
  const suspect = await bench.acquire({ policy: policyOf({ hold: true }) });
  await bench.finish(suspect, "outcome-unknown", { outcome: bytes(`${CANARY} 3`) });
  const fence = (await bench.peek()).lease.fence;
  const verdict = { kind: "failed", outcome: bytes(`${CANARY} 4`) } as const;
  await store.resolve({ ...OPERATOR, key, fence, force: false, verdict }, NEVER);
  const errorsOf = async (below: typeof store) =>
    (await below.history({ key, withOutcomes: true }, NEVER))?.events.flatMap(({ error }) =>
      error === null ? [] : Buffer.from(error).toString("latin1"),
    );
  expect(await errorsOf(store)).toEqual([1, 2, 3, 4].map((n) => `${CANARY} ${n}`));
  const stored = await errorsOf(raw.store);
  expect(stored).toHaveLength(4);
  expect(stored?.join()).not.toContain(CANARY);
  expect(alarms).toEqual([]);
});

test("an error in a history that does not open is left out, with an alarm, and all else is told", async () => {
  const { bench, table, store, key, alarms } = await openScene();
  await table.finish(await bench.acquire(), "retryable", { outcome: bytes(CANARY) });
  await table.finish(await table.acquire(), "retryable", { outcome: null });
  expect(await bench.peek()).toMatchObject({ attempt: 2, outcome: null });
  const { events = [] } = (await store.history({ key, withOutcomes: true }, NEVER)) ?? {};
  expect(events.map(({ kind, error }) => [kind, error])).toContainEqual(["failed-retryable", null]);
  expect(JSON.stringify(events.map(({ error }) => error))).not.toContain(CANARY);
  expect(alarms).toEqual(["acme: not-sealed"]);
});

test("an outcome that does not open leaves its record in the list, without it, and an alarm is raised", async () => {
  const { bench, table, raw, store, list, alarms } = await openScene();
  await table.finish(await bench.acquire(), "complete", { outcome: bytes(CANARY) });
  const other = createBench({ ...raw, store }, { ...bench.key, key: "readable" });
  await other.finish(await other.acquire(), "complete", { outcome: bytes("fine") });
  const { records } = await list(true);
  const told = new Map(records.map(({ record }) => [record.key.key, [record.state, record.outcome]]));
  expect(told).toEqual(
    new Map([
      [bench.key.key, ["completed", null]],
      ["readable", ["completed", bytes("fine")]],
    ]),
  );
  expect(alarms).toEqual(["acme: not-sealed"]);
});

test("a list whose keys cannot be had fails: what it would leave out may be whole", async () => {
  const { bench, raw, ring } = await openScene();
  await bench.finish(await bench.acquire(), "complete", { outcome: bytes(CANARY) });
  const gone = new Fault("STORE_UNAVAILABLE", "The store does not answer.");
  const keysOf = async (tenant: string) => ({ ...(await ring.of(tenant)), find: () => Promise.reject(gone) });
  const store = createSealedStore({ store: raw.store, keysOf, onUnopenable: () => {} });
  const asking = store.list({ ...QUERY, tenant: "acme", withOutcomes: true }, NEVER);
  expect((await faultOf(asking)).code).toBe("STORE_UNAVAILABLE");
});

test("a history without outcomes opens the checkpoint only, and is told also where that does not open", async () => {
  const { bench, table, store, key, alarms } = await openScene();
  const lease = await bench.acquire();
  await bench.heartbeat(lease, { checkpoint: { sequence: 1n, encoded: bytes("cp") } });
  await table.finish(lease, "retryable", { outcome: bytes(CANARY) });
  const told = async () => (await store.history({ key, withOutcomes: false }, NEVER))?.record;
  expect(await told()).toMatchObject({ outcome: new Uint8Array(), checkpoint: bytes("cp") });
  expect(alarms).toEqual([]);
  await table.heartbeat(await table.acquire(), { checkpoint: { sequence: 2n, encoded: bytes(CANARY) } });
  expect(await told()).toMatchObject({ checkpointSequence: 2n, checkpoint: new Uint8Array() });
  expect(alarms).toEqual(["acme: not-sealed"]);
});

test("what operators ask for of other tenants reaches the store as it is", async () => {
  const { raw, key } = await openScene("plain");
  const seen: unknown[] = [];
  const passing = createSealedStore({
    store: {
      ...raw.store,
      async resolve(call, deadline) {
        seen.push(call);
        return raw.store.resolve(call, deadline);
      },
      async list(query, deadline) {
        seen.push(query);
        return raw.store.list(query, deadline);
      },
    },
    keysOf: () => null,
    onUnopenable: () => {
      throw new Error("an alarm of a tenant that is not encrypted");
    },
  });
  const call = {
    ...OPERATOR,
    key,
    fence: 1n,
    force: false,
    verdict: { kind: "completed", outcome: bytes("r") },
  } as const;
  const query = { ...QUERY, tenant: "plain", withOutcomes: true };
  await passing.resolve(call, NEVER);
  await passing.list(query, NEVER);
  expect(seen[0]).toBe(call);
  expect(seen[1]).toBe(query);
});
