import { randomUUID } from "node:crypto";
import { describe, expect, test } from "vitest";
import { Fault } from "../../../../src/domain/fault.ts";
import type { RecordKey } from "../../../../src/domain/key.ts";
import { ENVELOPE_BYTES, seal } from "../../../../src/store/sealed/envelope.ts";
import { addTenantKey } from "../../../../src/store/sealed/rotation.ts";
import { createSealedStore } from "../../../../src/store/sealed/sealed-store.ts";
import type { Store } from "../../../../src/store/store.ts";
import { createBench, policyOf } from "../../../store/bench.ts";
import { openMemoryStore } from "../../../support/memory-store.ts";
import { OPERATOR, QUERY } from "../../../support/operating.ts";
import { bytes, finishOf, HOUR } from "../../../support/records.ts";
import { masterKeysOf, sealStore } from "./sealing.ts";

const NEVER = Number.POSITIVE_INFINITY;
const CANARY = "canary of the tests";

async function openScene() {
  const raw = await openMemoryStore();
  const sealed = sealStore(raw.store);
  const benchesOf = (key: RecordKey) => ({
    /** The record as its callers see it. */
    bench: createBench({ ...raw, store: sealed.store }, key),
    /** The record as whoever can write to the table sees it. */
    table: createBench(raw, key),
  });
  const { table: keyTable, ...others } = sealed;
  return { raw, ...others, keyTable, benchesOf, ...benchesOf(keyOf("acme")) };
}

function keyOf(tenant: string): RecordKey {
  return { tenant, scope: "orders", key: randomUUID() };
}

/** A record whose result was put there by somebody who knows how to end an attempt, but not the tenant's key. */
async function plantResult(scene: Awaited<ReturnType<typeof openScene>>, stored: Uint8Array) {
  await scene.table.finish(await scene.bench.acquire(), "complete", { outcome: stored });
}

async function faultOf(answer: Promise<unknown>): Promise<Fault> {
  const thrown = await answer.then(
    () => null,
    (error: unknown) => error,
  );
  if (!(thrown instanceof Fault)) throw new Error("no fault was thrown");
  return thrown;
}

test("what is stored of an encrypted tenant is sealed, and what is answered is open", async () => {
  const { bench, table } = await openScene();
  const lease = await bench.acquire();
  await bench.heartbeat(lease, { checkpoint: { sequence: 1n, encoded: bytes(`${CANARY}: half`) } });
  expect((await bench.peek()).checkpoint).toEqual(bytes(`${CANARY}: half`));
  const checkpoint = { sequence: 2n, encoded: bytes(`${CANARY}: all`) };
  const end = finishOf({ key: bench.key, proof: lease, outcome: bytes(CANARY), checkpoint });
  await bench.finish(lease, "complete", end);

  const replay = await bench.claim();
  const opened = { outcome: bytes(CANARY), checkpoint: bytes(`${CANARY}: all`) };
  expect(replay).toMatchObject({ kind: "completed", record: opened });
  expect(await bench.peek()).toMatchObject(opened);
  const stored = await table.peek();
  expect(stored.outcome?.length).toBe(CANARY.length + ENVELOPE_BYTES);
  expect(stored.endDigest).not.toEqual(end.digest);
  for (const part of [stored.outcome, stored.checkpoint, stored.endDigest]) {
    expect(Buffer.from(part ?? []).includes(CANARY)).toBe(false);
  }
});

test("a holder that takes over is handed the checkpoint and the error of the attempt before", async () => {
  const { bench } = await openScene();
  const lease = await bench.acquire();
  const checkpoint = { sequence: 1n, encoded: bytes("half") };
  await bench.finish(lease, "retryable", { outcome: bytes("refused"), checkpoint });
  const { record } = await bench.acquire();
  expect(record).toMatchObject({ attempt: 2, outcome: bytes("refused"), checkpoint: bytes("half") });
});

test("a suspect's late result, sealed under an older fence, opens under the reconciler's", async () => {
  const { bench } = await openScene();
  const suspect = await bench.acquire({ policy: policyOf({ hold: true }) });
  bench.moveTo(suspect.due);
  const reconciler = await bench.acquire({ intent: "reconcile" });
  expect(reconciler.fence).toBeGreaterThan(suspect.fence);
  await bench.finish(suspect, "complete", { outcome: bytes("paid after all") });
  expect(await bench.claim()).toMatchObject({ kind: "completed", record: { outcome: bytes("paid after all") } });
  expect(await bench.finished(suspect, "complete", { outcome: bytes("paid after all") })).toBe("already applied");
});

test("calls of other tenants reach the store as the very objects that they are, and so do its answers", async () => {
  const { raw, benchesOf } = await openScene();
  const { bench } = benchesOf(keyOf("plain"));
  const lease = await bench.acquire();
  const seen: unknown[] = [];
  const noting = <Call, Answer>(method: (call: Call, deadline: number) => Promise<Answer>) => {
    return (call: Call, deadline: number) => {
      const answer = method(call, deadline);
      seen.push(call, answer);
      return answer;
    };
  };
  const { claim, heartbeat, finish, peek } = raw.store;
  const store: Store = {
    ...raw.store,
    ...{ claim: noting(claim), heartbeat: noting(heartbeat), finish: noting(finish), peek: noting(peek) },
  };
  const passing = createSealedStore({
    store,
    keysOf: () => null,
    onUnopenable: () => {
      throw new Error("an alarm of a tenant that is not encrypted");
    },
  });
  const end = finishOf({ key: bench.key, proof: lease, checkpoint: { sequence: 1n, encoded: bytes("half") } });
  const beat = { key: bench.key, proof: lease, leaseMs: HOUR, checkpoint: null, progress: null, externalRef: null };
  const answers = [passing.heartbeat(beat, NEVER), passing.finish(end, NEVER), passing.peek(bench.key, NEVER)];
  await Promise.all(answers);
  expect(seen.length).toBe(6);
  for (const [i, same] of [beat, answers[0], end, answers[1], bench.key, answers[2]].entries()) {
    expect(seen[i]).toBe(same);
  }
});

test("while it cannot be told whether a tenant is encrypted, nothing of it is stored or answered", async () => {
  const { raw, table } = await openScene();
  const lease = await table.acquire();
  for (const keysOf of [
    () => Promise.reject(new Fault("STORE_UNAVAILABLE", "The store does not answer.")),
    () => {
      throw new Fault("STORE_UNAVAILABLE", "The store does not answer.");
    },
  ]) {
    const store = createSealedStore({ store: raw.store, keysOf, onUnopenable: () => {} });
    const bench = createBench({ ...raw, store }, table.key);
    const checkpoint = { sequence: 1n, encoded: bytes("half") };
    const calls = [
      bench.claim(),
      bench.finish(lease, "complete"),
      bench.heartbeat(lease, { checkpoint }),
      bench.find(),
    ];
    for (const fault of await Promise.all(calls.map(faultOf))) expect(fault.code).toBe("STORE_UNAVAILABLE");
    expect(await bench.heartbeat(lease), "a lease is extended all the same").toBe(await table.heartbeat(lease));
  }
  expect(await table.peek()).toMatchObject({ state: "in-progress", checkpoint: null, outcome: null });
});

describe("content that cannot be opened is INTERNAL, with an alarm and without a byte of it:", () => {
  type Scene = Awaited<ReturnType<typeof openScene>>;
  const encryptionOf = async ({ ring }: Scene, tenant = "acme") => (await ring.of(tenant)).newest().encryption;
  const headOf = async ({ table }: Scene) => ({ keyVersion: 1, fence: (await table.peek()).lease.fence });
  /** What another record's holder has stored, as it lies in the table. */
  const storedOf = async (scene: Scene, key: RecordKey, kind: "complete" | "terminal" = "complete") => {
    const { bench, table } = scene.benchesOf(key);
    const checkpoint = { sequence: 1n, encoded: bytes(CANARY) };
    await bench.finish(await bench.acquire(), kind, { outcome: bytes(CANARY), checkpoint });
    return await table.peek();
  };
  const present = (stored: Uint8Array | null) => {
    if (stored === null) throw new Error("nothing is stored");
    return stored;
  };
  /** Sealed by the holder for this very record, and then changed. */
  const changed = async (scene: Scene, change: (envelope: Uint8Array) => Uint8Array) => {
    await scene.bench.acquire();
    const place = { kind: "result", key: scene.bench.key } as const;
    const envelope = change(seal(bytes(CANARY), place, await headOf(scene), await encryptionOf(scene)));
    scene.bench.advance(HOUR);
    return envelope;
  };

  const plants: Readonly<Record<string, readonly [why: string, plant: (scene: Scene) => Promise<Uint8Array>]>> = {
    "plain bytes": ["not-sealed", async () => bytes(CANARY)],
    "no bytes at all": ["not-sealed", async () => new Uint8Array()],
    "an envelope cut short": ["malformed", (scene) => changed(scene, (envelope) => envelope.subarray(0, 41))],
    "an envelope of another format": ["malformed", (scene) => changed(scene, (envelope) => envelope.with(1, 9))],
    "an unknown version of the key": ["unknown-key-version", (scene) => changed(scene, (one) => one.with(5, 7))],
    "a version of the key that cannot be": [
      "unknown-key-version",
      (scene) => changed(scene, (one) => one.with(2, 255)),
    ],
    "a tampered last byte": ["not-authentic", (scene) => changed(scene, (one) => one.with(-1, (one.at(-1) ?? 0) ^ 1))],
    "a lowered fence": [
      "not-authentic",
      (scene) => changed(scene, (one) => one.with(13, (one[13] ?? 0) ^ 1).with(12, 0)),
    ],
    "the result of another record": [
      "not-authentic",
      async (scene) => present((await storedOf(scene, keyOf("acme"))).outcome),
    ],
    "the result under the same key in another scope": [
      "not-authentic",
      async (scene) => present((await storedOf(scene, { ...scene.bench.key, scope: "refunds" })).outcome),
    ],
    "the result under the same key of another tenant": [
      "not-authentic",
      async (scene) => present((await storedOf(scene, { ...scene.bench.key, tenant: "other" })).outcome),
    ],
    "the error of another record": [
      "not-authentic",
      async (scene) => present((await storedOf(scene, keyOf("acme"), "terminal")).outcome),
    ],
    "its own error, as a result": [
      "not-authentic",
      async (scene) => {
        await scene.bench.finish(await scene.bench.acquire(), "retryable", { outcome: bytes(CANARY) });
        return present((await scene.table.peek()).outcome);
      },
    ],
    "its own checkpoint, as a result": [
      "not-authentic",
      async (scene) => {
        const checkpoint = { sequence: 1n, encoded: bytes(CANARY) };
        await scene.bench.finish(await scene.bench.acquire(), "retryable", { outcome: null, checkpoint });
        return present((await scene.table.peek()).checkpoint);
      },
    ],
    "what an attempt of the future stored": [
      "fence-ahead",
      async (scene) => {
        const place = { kind: "result", key: scene.bench.key } as const;
        return seal(bytes(CANARY), place, { keyVersion: 1, fence: 2n ** 62n }, await encryptionOf(scene));
      },
    ],
  };

  test.each(Object.entries(plants))("%s", async (_, [why, plant]) => {
    const scene = await openScene();
    await plantResult(scene, await plant(scene));
    const before = scene.alarms.length;
    for (const call of [() => scene.bench.claim(), () => scene.bench.find()]) {
      const fault = await faultOf(call());
      expect(fault).toMatchObject({ code: "INTERNAL", message: "Internal error." });
      expect(fault.cause).toMatchObject({ message: `a sealed result of tenant acme cannot be opened: ${why}` });
      expect(JSON.stringify([fault, String(fault.cause)])).not.toContain(CANARY);
    }
    expect(scene.alarms.slice(before)).toEqual([`acme: ${why}`, `acme: ${why}`]);
  });

  test("a result, as the checkpoint of its own record", async () => {
    const scene = await openScene();
    const { outcome } = await storedOf(scene, scene.bench.key, "terminal");
    const lease = await scene.bench.acquire({ reuse: "retry-failed" });
    await scene.table.heartbeat(lease, { checkpoint: { sequence: 2n, encoded: present(outcome) } });
    const fault = await faultOf(scene.bench.find());
    expect(fault.cause).toMatchObject({
      message: "a sealed checkpoint of tenant acme cannot be opened: not-authentic",
    });
    expect(scene.alarms).toEqual(["acme: not-authentic"]);
  });
});

test("content under a key that cannot be unwrapped is INTERNAL with an alarm, and the log hears which master key it needs", async () => {
  const { raw, bench, ring, keyTable, alarms } = await openScene();
  await ring.of("acme");
  await addTenantKey({ table: keyTable, masterKeys: masterKeysOf("2027", "main") }, "acme");
  const ahead = sealStore(raw.store, { table: keyTable, masterKeys: masterKeysOf("2027", "main") });
  const writer = createBench({ ...raw, store: ahead.store }, bench.key);
  await writer.finish(await writer.acquire(), "complete", { outcome: bytes(CANARY) });
  const fault = await faultOf(bench.claim());
  expect(fault.code).toBe("INTERNAL");
  expect(fault.cause).toMatchObject({
    message: "a sealed result of tenant acme cannot be opened: keys-unusable",
    cause: { message: "key 2 of tenant acme was wrapped with master key 2027, which is not configured" },
  });
  expect(alarms).toEqual(["acme: keys-unusable"]);
});

test("a claim that cannot open what it acquired holds the lease, and so does its repeat, until an operator resets", async () => {
  const { store, bench, table, alarms } = await openScene();
  await table.finish(await bench.acquire(), "retryable", { outcome: bytes(CANARY) });
  const claimId = "the claim that is sent twice";
  for (const attempt of [2, 2]) {
    expect((await faultOf(bench.claim({ claimId }))).code).toBe("INTERNAL");
    expect(await table.peek()).toMatchObject({ state: "in-progress", claimId, attempt });
  }
  expect(alarms).toEqual(["acme: not-sealed", "acme: not-sealed"]);
  // Its name and its fence are told by a list, which opens nothing unless it is asked for outcomes.
  const [listed] = (await store.list({ ...QUERY, tenant: "acme" }, NEVER)).records;
  const fence = listed?.record.lease.fence ?? 0n;
  expect(await store.reset({ ...OPERATOR, key: bench.key, fence, force: true }, NEVER)).toMatchObject({
    kind: "changed-record",
  });
  expect(await bench.claimed()).toBe("acquired new");
});

test("an older envelope of the same record and kind, put back, opens: nothing tells it from the newest", async () => {
  const { bench, table } = await openScene();
  await bench.finish(await bench.acquire(), "retryable", { outcome: bytes("first refusal") });
  const { outcome } = await table.peek();
  await bench.finish(await bench.acquire(), "retryable", { outcome: bytes("second refusal") });
  await table.finish(await bench.acquire(), "terminal", { outcome });
  expect(await bench.claim()).toMatchObject({ kind: "failed", record: { outcome: bytes("first refusal") } });
});
