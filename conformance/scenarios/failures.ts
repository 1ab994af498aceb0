import { deepEqual, equal, match } from "node:assert/strict";
import { eventually } from "../bounds.ts";
import { has } from "../expect.ts";
import type { Actor } from "../stage.ts";
import type { Scenario } from "./scenario.ts";

/** The caller gets what the work threw. */
async function fails(client: Actor, key: string, kind: string | null, fields: object = {}): Promise<void> {
  const { delayMs, ...options } = fields as { readonly delayMs?: number };
  const call = client.once(key, options);
  await (await call.work()).throws(kind, "card declined", delayMs === undefined ? {} : { delayMs });
  const error = await call.refused();
  equal(error["error"], "Work");
  match(String(error["message"]), /card declined/);
}

/** The next caller runs it, as the attempt of this number. */
async function runsAgain(client: Actor, key: string, attempt: number, options: object = {}): Promise<void> {
  const call = client.once(key, options);
  const work = await call.work();
  equal(work.attempt, attempt);
  await work.returns("1");
  has(await call.answered(), { value: "1", replayed: false, attempt });
}

export const FAILURES: readonly Scenario[] = [
  {
    name: "has work that failed retryably run again by the next caller",
    async play(stage) {
      const client = await stage.client();
      await fails(client, "k", "retryable");
      await runsAgain(client, "k", 2);
    },
  },
  {
    name: "replays a terminal failure, and never runs the work again",
    async play(stage) {
      const client = await stage.client();
      await fails(client, "k", "terminal");
      const call = client.once("k");
      const error = await call.refused();
      has(error, { error: "Failed", why: "reported", attempt: 1 });
      match(String(error["message"]), /card declined/);
      deepEqual(call.events, []);
    },
  },
  {
    name: "tells an unknown outcome that the work reported, and never runs it again",
    async play(stage) {
      const client = await stage.client();
      await fails(client, "k", "outcome-unknown");
      const call = client.once("k");
      has(await call.refused(), { error: "OutcomeUnknown", why: "reported", attempt: 1 });
      deepEqual(call.events, []);
    },
  },
  {
    name: "does not count an attempt that was not started",
    async play(stage) {
      const client = await stage.client();
      await fails(client, "k", "not-started", { maxAttempts: 1 });
      await runsAgain(client, "k", 1, { maxAttempts: 1 });
    },
  },
  {
    name: "takes an error without a word for a retryable one under reacquire",
    async play(stage) {
      const client = await stage.client();
      await fails(client, "k", null, { onLeaseExpiry: "reacquire" });
      await runsAgain(client, "k", 2, { onLeaseExpiry: "reacquire" });
    },
  },
  {
    name: "takes an error without a word for an unknown outcome under hold",
    async play(stage) {
      const client = await stage.client();
      await fails(client, "k", null, { onLeaseExpiry: "hold" });
      has(await client.once("k", { onLeaseExpiry: "hold" }).refused(), { error: "OutcomeUnknown", why: "reported" });
    },
  },
  {
    name: "has failed for good when the attempts are used up",
    async play(stage) {
      const client = await stage.client();
      await fails(client, "k", "retryable", { maxAttempts: 2 });
      await fails(client, "k", "retryable", { maxAttempts: 2 });
      has(await client.once("k", { maxAttempts: 2 }).refused(), { error: "Failed", why: "max-attempts", attempt: 2 });
    },
  },
  {
    name: "waits for the due time of a retry, and then runs it",
    async play(stage) {
      const client = await stage.client();
      await fails(client, "k", "retryable", { delayMs: 1_000 });
      await runsAgain(client, "k", 2);
    },
  },
  {
    name: "gives up waiting for a due time that is further away than it may wait",
    async play(stage) {
      const client = await stage.client();
      await fails(client, "k", "retryable", { delayMs: 60_000 });
      has(await client.once("k", { timeoutMs: 300 }).refused(), { error: "Timeout" });
    },
  },
  {
    name: "runs failed work again when it is told to",
    async play(stage) {
      const client = await stage.client();
      await fails(client, "k", "terminal");
      await runsAgain(client, "k", 2, { reuse: "retry-failed" });
      has(await client.once("k").answered(), { value: "1", replayed: true });
    },
  },
  {
    name: "cuts an error that is too long to what a server stores, at a whole character",
    async play(stage) {
      const client = await stage.client();
      const call = client.once("k");
      await (await call.work()).throws("terminal", `declined ${"\u{1f600}".repeat(10_000)}`);
      has(await call.refused(), { error: "Work" });
      await eventually("the failure is stored", async () => (await stage.record("k"))?.endTime !== undefined);
      const { message } = await client.once("k").refused();
      match(String(message), /declined (?:\u{1f600})+$/u);
    },
  },
];
