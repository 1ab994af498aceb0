import { deepEqual, equal, match } from "node:assert/strict";
import { eventually } from "../bounds.ts";
import { has } from "../expect.ts";
import { type Actor, addressOf } from "../stage.ts";
import type { Scenario } from "./scenario.ts";

const HOLD = { onLeaseExpiry: "hold" } as const;

/** Leaves an unknown outcome behind. */
async function becomesUnknown(client: Actor, key: string): Promise<void> {
  const call = client.once(key, HOLD);
  const work = await call.work();
  await work.step("external-ref", { ref: "pi_3" });
  await work.step("checkpoint", { data: `{"sent":true}` });
  await work.throws("outcome-unknown", "the provider did not answer");
  await call.refused();
}

async function settles(client: Actor, key: string, verdict: object): Promise<void> {
  const call = client.reconcile(key);
  await (await call.judge()).step("verdict", verdict);
  has(await call.answered(), { kind: "settled" });
}

export const RECONCILE: readonly Scenario[] = [
  {
    name: "shows a judge what the attempt left behind, and stores that the work was done",
    async play(stage) {
      const client = await stage.client();
      await becomesUnknown(client, "k");
      const call = client.reconcile("k");
      const judge = await call.judge();
      has(judge.event, { externalRef: "pi_3", checkpoint: `{"sent":true}` });
      await judge.step("verdict", { verdict: "done", value: `{"chargeId":"ch_1"}` });
      has(await call.answered(), { kind: "settled" });
      has(await client.once("k", HOLD).answered(), { value: `{"chargeId":"ch_1"}`, replayed: true });
    },
  },
  {
    name: "stores that the work has failed",
    async play(stage) {
      const client = await stage.client();
      await becomesUnknown(client, "k");
      await settles(client, "k", { verdict: "failed", message: "refunded since" });
      const error = await client.once("k", HOLD).refused();
      has(error, { error: "Failed" });
      match(String(error["message"]), /refunded since/);
    },
  },
  {
    name: "has the work run as if never before when it was not started",
    async play(stage) {
      const client = await stage.client();
      await becomesUnknown(client, "k");
      await settles(client, "k", { verdict: "not-started" });
      has(await client.does("k", "1", HOLD), { replayed: false, attempt: 1 });
    },
  },
  {
    name: "has the work run again when another attempt is asked for",
    async play(stage) {
      const client = await stage.client();
      await becomesUnknown(client, "k");
      await settles(client, "k", { verdict: "retry" });
      has(await client.does("k", "1", HOLD), { replayed: false, attempt: 2 });
    },
  },
  {
    name: "leaves the outcome unknown when the judge could not find out",
    async play(stage) {
      const client = await stage.client();
      await becomesUnknown(client, "k");
      await settles(client, "k", { verdict: "unknown" });
      has(await client.once("k", HOLD).refused(), { error: "OutcomeUnknown", attempt: 1 });
    },
  },
  {
    name: "says of a record that nothing is to be found out about what it is, and asks no judge",
    async play(stage) {
      const client = await stage.client();
      const asked = async (key: string) => {
        const call = client.reconcile(key);
        const answer = await call.answered();
        deepEqual(call.events, []);
        return answer;
      };
      has(await asked("none"), { kind: "absent" });
      await client.does("done", "1");
      has(await asked("done"), { kind: "completed", value: "1" });
      const failing = client.once("failed");
      await (await failing.work()).throws("terminal", "declined");
      await failing.refused();
      has(await asked("failed"), { kind: "failed" });
      const again = client.once("again");
      await (await again.work()).throws("retryable", "busy");
      await again.refused();
      has(await asked("again"), { kind: "available" });
      const busy = client.once("busy");
      const work = await busy.work();
      has(await asked("busy"), { kind: "in-progress" });
      await work.returns("1");
      await busy.answered();
    },
  },
  {
    name: "gives way to the attempt that was not dead after all",
    async play(stage) {
      const proxy = await stage.proxy();
      const slow = await stage.client({ addresses: [addressOf(proxy)], tryTimeoutMs: 1_000 });
      const first = slow.once("k", { ...HOLD, leaseMs: 1_000 });
      const work = await first.work();
      proxy.hold();
      const other = await stage.other();
      await eventually("the outcome is unknown", async () => {
        const call = other.once("k", { ...HOLD, timeoutMs: 2_000 });
        return (await call.refused())["error"] === "OutcomeUnknown";
      });
      const judging = other.reconcile("k");
      const judge = await judging.judge();
      await work.returns(`"late"`);
      proxy.cut();
      proxy.release();
      has(await first.answered(), { value: `"late"`, replayed: false });
      await judge.step("verdict", { verdict: "not-started" });
      has(await judging.answered(), { kind: "contended" });
      const { value } = await other.once("k", HOLD).answered();
      equal(value, `"late"`);
    },
  },
];
