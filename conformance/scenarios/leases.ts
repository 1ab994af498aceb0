import { deepEqual, equal, ok } from "node:assert/strict";
import { timestampMs } from "@bufbuild/protobuf/wkt";
import { eventually } from "../bounds.ts";
import { has } from "../expect.ts";
import { addressOf, type Stage } from "../stage.ts";
import type { Scenario } from "./scenario.ts";

/** The shortest that a server takes: of holders that die. */
const SHORT = { leaseMs: 1_000 };
const HOLD = { onLeaseExpiry: "hold" } as const;

/** Begins the work in a process that dies over it. */
async function dies(stage: Stage, key: string, fields: object = {}) {
  const doomed = await stage.doomed();
  const work = await doomed.once(key, { ...SHORT, ...fields }).work();
  return { work, kill: () => doomed.driver.kill() };
}

export const LEASES: readonly Scenario[] = [
  {
    name: "holds a record by heartbeats for longer than its lease",
    async play(stage) {
      const client = await stage.client();
      const leaseMs = 3_000;
      const call = client.once("k", { leaseMs });
      const work = await call.work();
      const other = (await stage.other()).once("k", { leaseMs });
      await eventually("the lease is extended past its first end", async () => {
        const record = await stage.record("k");
        if (record?.leaseExpireTime === undefined || record.attemptStartTime === undefined) return false;
        return timestampMs(record.leaseExpireTime) - timestampMs(record.attemptStartTime) > 2 * leaseMs;
      });
      await work.returns("1");
      has(await call.answered(), { replayed: false, attempt: 1 });
      has(await other.answered(), { replayed: true, attempt: 1 });
      deepEqual(other.events, []);
    },
  },
  {
    name: "takes over when the holder was killed, with a higher fence",
    async play(stage) {
      const { work: first, kill } = await dies(stage, "k");
      await kill();
      const call = (await stage.client()).once("k", SHORT);
      const work = await call.work();
      has(work.event, { attempt: 2, reason: "takeover" });
      ok(work.fence > first.fence, `${work.fence} is not above ${first.fence}`);
      await work.returns("2");
      has(await call.answered(), { value: "2", replayed: false, attempt: 2 });
    },
  },
  {
    name: "takes over while it waits, when the holder is killed",
    async play(stage) {
      const { kill } = await dies(stage, "k");
      const waiting = (await stage.client()).once("k", SHORT);
      await kill();
      const work = await waiting.work();
      equal(work.attempt, 2);
      await work.returns("2");
      has(await waiting.answered(), { value: "2", replayed: false });
    },
  },
  {
    name: "finds the outcome unknown under hold, where the holder was killed",
    async play(stage) {
      const { kill } = await dies(stage, "k", HOLD);
      await kill();
      const call = (await stage.client()).once("k", { ...SHORT, ...HOLD });
      has(await call.refused(), { error: "OutcomeUnknown", why: "lease-expired", attempt: 1 });
      deepEqual(call.events, []);
    },
  },
  {
    name: "gives the next attempt what the one before left behind",
    async play(stage) {
      const { work: first, kill } = await dies(stage, "k");
      await first.step("checkpoint", { data: `{"page":2}` });
      await first.step("checkpoint", { data: `{"page":3,"of":"\u00fc"}`, name: "pages" });
      await kill();
      const call = (await stage.client()).once("k");
      const work = await call.work();
      has(work.event, { checkpoint: `{"of":"\u00fc","page":3}` });
      // Sequences go on over attempts: a lower one would not be stored.
      await work.step("checkpoint", { data: "4" });
      await work.throws("retryable", "busy");
      await call.refused();
      const next = await (await stage.client()).once("k").work();
      has(next.event, { checkpoint: "4", attempt: 3 });
      await next.returns("5");
    },
  },
  {
    name: "has a checkpoint and an external reference stored when it is told that they are",
    async play(stage) {
      const client = await stage.client();
      const call = client.once("k");
      const work = await call.work();
      await work.step("external-ref", { ref: "pi_3" });
      equal((await stage.record("k"))?.externalRef, "pi_3");
      await work.step("checkpoint", { data: `{"page":1}` });
      const { checkpoint } = (await stage.record("k")) ?? {};
      equal(Buffer.from(checkpoint?.data ?? []).toString(), `{"page":1}`);
      equal(checkpoint?.contentType, "application/json");
      await work.returns("1");
      await call.answered();
    },
  },
  {
    name: "refuses a checkpoint that is too large, and goes on",
    async play(stage) {
      const client = await stage.client();
      const call = client.once("k");
      const work = await call.work();
      const refused = await work
        .step("checkpoint", { data: JSON.stringify("x".repeat(64 * 1024)) })
        .catch((error) => error);
      has(refused.answer ?? { error: String(refused) }, { error: "CheckpointTooLarge" });
      await work.step("checkpoint", { data: "1" });
      await work.returns("1");
      has(await call.answered(), { replayed: false });
    },
  },
  {
    name: "tells the work that its lease is lost when an operator has released the record",
    async play(stage) {
      const client = await stage.client();
      const call = client.once("k", { leaseMs: 3_000 });
      const work = await call.work();
      const told = work.step("await-lost");
      await stage.release("k");
      deepEqual(await told, { why: "superseded" });
      await work.returns("1");
      has(await call.refused(), { error: "LeaseLost", why: "superseded" });
      has(await client.does("k", "2"), { value: "2", replayed: false });
    },
  },
  {
    name: "tells the work that its lease is over when no server can be reached, and stores what was done all the same",
    async play(stage) {
      const proxy = await stage.proxy();
      const client = await stage.client({ addresses: [addressOf(proxy)], tryTimeoutMs: 1_000 });
      const call = client.once("k", SHORT);
      const work = await call.work();
      proxy.hold();
      deepEqual(await work.step("await-lost"), { why: "expired" });
      await work.returns("1");
      proxy.cut();
      proxy.release();
      has(await call.answered(), { value: "1", replayed: false });
    },
  },
  {
    name: "is not taken for the newer attempt when it comes too late",
    async play(stage) {
      const proxy = await stage.proxy();
      const late = await stage.client({ addresses: [addressOf(proxy)], tryTimeoutMs: 1_000 });
      const first = late.once("k", SHORT);
      const slow = await first.work();
      proxy.hold();
      const other = (await stage.other()).once("k", { leaseMs: 30_000 });
      const work = await other.work();
      equal(work.attempt, 2);
      await slow.returns(`"late"`);
      proxy.cut();
      proxy.release();
      has(await first.refused(), { error: "LeaseLost", why: "superseded" });
      await work.returns(`"right"`);
      has(await other.answered(), { value: `"right"`, replayed: false });
    },
  },
];
