import { afterEach, beforeEach, expect, test } from "vitest";
import { systemClock } from "../../../src/clock.ts";
import { createServerTime } from "../../../src/store/postgres/server-time.ts";
import { createSweep } from "../../../src/store/postgres/sweep.ts";
import { policyOf } from "../../store/bench.ts";
import { bytes, DAY, LEASE_MS, MINUTE, NO_FINGERPRINT } from "../../support/records.ts";
import { createScene, openSessions, type Scene, type Sessions } from "./sessions.ts";

/** Sweeping counts, so each test has a database of its own. */
let sessions: Sessions;
beforeEach(async () => {
  sessions = await openSessions();
});
afterEach(() => sessions.close());

const NOTHING = { forgotten: 0, emptied: 0, abandoned: 0, settled: 0 };
const SHORT = policyOf({ resultRetentionMs: MINUTE, tombstoneRetentionMs: MINUTE });

async function completed(scene: Scene): Promise<void> {
  const lease = await scene.a.acquire({ policy: SHORT, externalRef: "charge-1" });
  await scene.a.heartbeat(lease, { checkpoint: { sequence: 1n, encoded: bytes("cp") }, progress: bytes("half") });
  await scene.a.finish(lease, "complete");
}

test("an ended record is emptied after its result, and deleted after its tombstone", async () => {
  const scene = createScene(sessions);
  await completed(scene);
  expect(await scene.b.sweep()).toEqual(NOTHING);
  scene.advance(MINUTE);
  expect(await scene.b.sweep()).toEqual({ ...NOTHING, emptied: 1 });
  const row = await scene.row();
  expect(row).toMatchObject({ outcome: null, checkpoint: null, progress: null, external_ref: null, state: 3 });
  expect(row?.evidence).toHaveLength(0);
  expect(await scene.b.sweep()).toEqual(NOTHING);
  scene.advance(MINUTE);
  expect(await scene.b.sweep()).toEqual({ ...NOTHING, forgotten: 1 });
  expect(await scene.row()).toBeNull();
});

test("the fence of a deleted record is a floor for the one created in its place", async () => {
  const scene = createScene(sessions);
  await completed(scene);
  await scene.sql("update holdfast.record set fence = fence + 3600000000000 where $record");
  const { fence } = (await scene.a.peek()).lease;
  scene.advance(DAY);
  expect(await scene.b.sweep()).toMatchObject({ forgotten: 1 });
  expect((await scene.a.acquire()).fence).toBe(fence + 1n);
});

test("the fence of an abandoned record is a floor too", async () => {
  const scene = createScene(sessions);
  await scene.a.acquire({ policy: SHORT });
  await scene.sql("update holdfast.record set fence = fence + 3600000000000 where $record");
  const { fence } = (await scene.a.peek()).lease;
  scene.advance(LEASE_MS + MINUTE);
  expect(await scene.b.sweep()).toMatchObject({ abandoned: 1 });
  expect((await scene.a.acquire()).fence).toBe(fence + 1n);
});

test("only what is claimable for one result retention is abandoned: no hold, no suspect, no used-up and no live lease", async () => {
  const scenes = Object.fromEntries(
    ["lapsed", "available", "held", "suspect", "used up", "live"].map((name) => [name, createScene(sessions)]),
  );
  const { lapsed, available, held, suspect, live } = scenes;
  const usedUp = scenes["used up"];
  if (!lapsed || !available || !held || !suspect || !live || !usedUp) throw new Error("bug: a scene is missing");
  await lapsed.a.acquire({ policy: SHORT });
  await available.a.finish(await available.a.acquire({ policy: SHORT }), "retryable");
  await held.a.acquire({ policy: { ...SHORT, hold: true } });
  await suspect.a.finish(await suspect.a.acquire({ policy: SHORT }), "outcome-unknown");
  await suspect.a.acquire({ intent: "reconcile", fingerprint: NO_FINGERPRINT });
  await usedUp.a.acquire({ policy: { ...SHORT, maxAttempts: 1 } });
  await live.a.acquire({ policy: SHORT, leaseMs: DAY });
  lapsed.advance(LEASE_MS + MINUTE);
  expect(await lapsed.b.sweep()).toEqual({ ...NOTHING, abandoned: 2, settled: 1 });
  const left: string[] = [];
  for (const [name, { row }] of Object.entries(scenes)) if ((await row()) !== null) left.push(name);
  expect(left).toEqual(["held", "suspect", "used up", "live"]);
  expect(await usedUp.row()).toMatchObject({ state: 4, reason: 4 });
});

test("what another session holds is left alone, and nobody waits for it", async () => {
  const revived = createScene(sessions);
  const lease = await revived.a.acquire({ policy: SHORT });
  const ended = createScene(sessions);
  await completed(ended);
  revived.advance(LEASE_MS + MINUTE);
  await sessions.a.query({ name: "", text: "begin" }, []);
  await revived.a.heartbeat(lease);
  await ended.sql("select from holdfast.record where $record for update");
  expect(await revived.b.sweep()).toEqual(NOTHING);
  await sessions.a.query({ name: "", text: "commit" }, []);
  expect(await revived.b.sweep()).toEqual({ ...NOTHING, emptied: 1 });
});

test("passes go through the open records window by window and then start over", async () => {
  const scenes = Array.from({ length: 25 }, () => createScene(sessions));
  for (const [i, { a, advance }] of scenes.entries()) {
    advance(i);
    await a.acquire({ policy: SHORT, leaseMs: i < 24 ? DAY : LEASE_MS });
  }
  let now = (scenes[0] as Scene).a.now() + (LEASE_MS + MINUTE + 24) * 1000;
  const sweep = createSweep(createServerTime({ clock: systemClock, asOf: () => now }));
  const abandoned = async () => (await sweep(sessions.b, 1)).abandoned;
  expect([await abandoned(), await abandoned(), await abandoned()]).toEqual([0, 0, 1]);
  now += (DAY + MINUTE) * 1000;
  const passes: number[] = [];
  for (let pass = 0; pass < 24; pass++) passes.push(await abandoned());
  expect(passes).toEqual(new Array(24).fill(1));
});

test("a round over the open records is told by the pass that finishes it, and counts each of them once", async () => {
  const scenes = Array.from({ length: 25 }, () => createScene(sessions));
  for (const [i, { a, advance }] of scenes.entries()) {
    advance(i);
    await a.acquire({ policy: policyOf({ hold: i % 5 === 0 }), leaseMs: LEASE_MS });
  }
  const now = (scenes[0] as Scene).a.now() + (LEASE_MS + MINUTE + 24) * 1000;
  const sweep = createSweep(createServerTime({ clock: systemClock, asOf: () => now }));
  const rounds: unknown[] = [];
  for (let pass = 0; pass < 6; pass++) rounds.push((await sweep(sessions.b, 1)).round);
  const counted = {
    open: 25,
    stuck: { "outcome-unknown": 5, "lease-expired": 20, overdue: 0 },
    stuckMsMax: { "outcome-unknown": MINUTE + 24, "lease-expired": MINUTE + 23, overdue: 0 },
  };
  expect(rounds).toEqual([null, null, counted, null, null, counted]);
});

test("a window that is looked at once more, for what the limit left over, is counted once", async () => {
  const scenes = Array.from({ length: 5 }, () => createScene(sessions));
  for (const [i, { a }] of scenes.entries())
    await a.acquire({ policy: i < 3 ? SHORT : policyOf({}), leaseMs: LEASE_MS });
  const now = (scenes[0] as Scene).a.now() + (LEASE_MS + MINUTE) * 1000;
  const sweep = createSweep(createServerTime({ clock: systemClock, asOf: () => now }));
  const passes: unknown[] = [];
  for (let pass = 0; pass < 3; pass++) {
    const { abandoned, round } = await sweep(sessions.b, 1);
    passes.push([abandoned, round?.open ?? null]);
  }
  expect(passes).toEqual([
    [1, null],
    [1, null],
    [1, 2],
  ]);
});
