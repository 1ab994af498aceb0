import { randomUUID } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { addMs } from "../../../src/domain/instant.ts";
import type { Store } from "../../../src/store/store.ts";
import type { StoreUnderTest } from "../../store/contract.ts";
import { runBoth } from "../../store/random-calls.ts";
import { randomSteps } from "../../store/random-steps.ts";
import { openMemoryStore } from "../../support/memory-store.ts";

const KEYS = 3;
const steps = randomSteps({ keys: KEYS, maxLength: 60, stepsBack: true });

/** The same run over a memory store and over one that answers through `change`. */
function agreement(change: (store: Store, under: StoreUnderTest) => Partial<Store>) {
  return fc.asyncProperty(steps, async (sequence) => {
    const first = await openMemoryStore();
    const under = await openMemoryStore();
    const second = { ...under, store: { ...under.store, ...change(under.store, under) } };
    expect(await runBoth(first, second, { name: randomUUID(), keys: KEYS, steps: sequence })).toBeNull();
  });
}

test("two stores with the same rules agree on every sequence of calls", async () => {
  await fc.assert(
    agreement(() => ({})),
    { numRuns: 200 },
  );
});

test("two stores agree over many runs one after the other", async () => {
  const [first, second] = [await openMemoryStore(), await openMemoryStore()];
  for (const [i, sequence] of fc.sample(steps, { numRuns: 50, seed: 7 }).entries()) {
    expect(await runBoth(first, second, { name: `run ${i}`, keys: KEYS, steps: sequence })).toBeNull();
  }
});

describe("a difference is found when the second store", () => {
  const faults: Readonly<Record<string, (store: Store, under: StoreUnderTest) => Partial<Store>>> = {
    "lets every claim acquire": (store) => ({
      claim: (call, deadline) => store.claim({ ...call, mayAcquire: "anything" }, deadline),
    }),
    "never compares payloads": (store) => ({
      claim: (call, deadline) =>
        store.claim({ ...call, fingerprint: { algorithm: "", digest: new Uint8Array() } }, deadline),
    }),
    "grants a millisecond more": (store) => ({
      heartbeat: (call, deadline) => store.heartbeat({ ...call, leaseMs: call.leaseMs + 1 }, deadline),
    }),
    "drops the guard of a give-back": (store) => ({
      finish: (call, deadline) => store.finish({ ...call, onlyIfDue: null }, deadline),
    }),
    "takes the end of a lease for part of it": (store, under) => ({
      async claim(call, deadline) {
        const { record, now } = await store.peek(call.key, deadline);
        if (record?.due !== now) return store.claim(call, deadline);
        under.setNow(now - 1);
        const answer = await store.claim(call, deadline);
        under.setNow(now);
        return { ...answer, now };
      },
    }),
    "loses the flag of those who wait": () => ({ watch: async () => true }),
    "forces every reset": (store) => ({ reset: (call, deadline) => store.reset({ ...call, force: true }, deadline) }),
    "resolves under a reconciler's hands": (store) => ({
      resolve: (call, deadline) => store.resolve({ ...call, force: true }, deadline),
    }),
    "says that a release did nothing": (store, under) => ({
      async release(call, deadline) {
        await store.release(call, deadline);
        return { kind: "refused", why: "state", record: null, now: under.now() };
      },
    }),
    "releases what a lapse has made unknown": (store, under) => ({
      async release(call, deadline) {
        const { record, now } = await store.peek(call.key, deadline);
        if (record?.state !== "in-progress" || record.due > now) return store.release(call, deadline);
        under.setNow(record.due - 1);
        const answer = await store.release(call, deadline);
        under.setNow(now);
        return { ...answer, now };
      },
    }),
    "purges what is held": (store) => ({ purge: (call, deadline) => store.purge({ ...call, force: true }, deadline) }),
    "keeps no histories": (store) => ({
      async history(query, deadline) {
        const history = await store.history(query, deadline);
        return history && { ...history, events: [] };
      },
    }),
    "never sweeps": () => ({
      sweep: async () => ({ forgotten: 0, abandoned: 0, emptied: 0, settled: 0, round: null }),
    }),
    "sweeps too early": (store, under) => ({
      async sweep(limit) {
        const now = under.now();
        under.setNow(addMs(now, 1));
        const swept = await store.sweep(limit);
        under.setNow(now);
        return swept;
      },
    }),
    "forgets a record when nobody looks": (store) => ({
      async peek(key, deadline) {
        const { now } = await store.peek(key, deadline);
        return { record: null, now };
      },
    }),
    throws: () => ({
      async heartbeat() {
        throw new Error("gone");
      },
    }),
  };

  test.each(Object.entries(faults))("%s", async (_, fault) => {
    const found = await fc.check(agreement(fault), { numRuns: 1_000, endOnFailure: true, seed: 3 });
    expect(found.failed).toBe(true);
  });
});
