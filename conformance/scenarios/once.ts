import { deepEqual, equal, match } from "node:assert/strict";
import { has } from "../expect.ts";
import type { Scenario } from "./scenario.ts";

/** What languages write differently, and read alike. */
const TRICKY = `{"text":"\u20ac \\u2028 \u{1f600} \\"\\\\/ <b>&","numbers":[0,-1.5,1e21,0.000001,5e-324,9007199254740991],"none":null,"empty":[{},[],""],"yes":true}`;

export const ONCE: readonly Scenario[] = [
  {
    name: "runs the work, and returns its result to the next caller without running it again",
    async play(stage) {
      const client = await stage.client();
      const first = client.once("k");
      const work = await first.work();
      has(work.event, { attempt: 1, reason: "new", checkpoint: null });
      await work.returns(`{"chargeId":"ch_1"}`);
      deepEqual(await first.answered(), { value: `{"chargeId":"ch_1"}`, replayed: false, attempt: 1 });
      const second = client.once("k");
      deepEqual(await second.answered(), { value: `{"chargeId":"ch_1"}`, replayed: true, attempt: 1 });
      deepEqual(second.events, []);
    },
  },
  {
    name: "gives back a JSON value as it was, to whoever ran the work and to whoever did not",
    async play(stage) {
      const client = await stage.client();
      const { value } = await client.does("k", TRICKY);
      deepEqual(JSON.parse(String(value)), JSON.parse(TRICKY));
      has(await client.once("k").answered(), { value, replayed: true });
    },
  },
  {
    name: "gives back bytes as they were",
    async play(stage) {
      const client = await stage.client();
      const call = client.once("k");
      const base64 = Buffer.from(Uint8Array.from({ length: 256 }, (_, i) => i)).toString("base64");
      await (await call.work()).step("return", { base64 });
      has(await call.answered(), { value: null, base64, replayed: false });
      has(await client.once("k").answered(), { value: null, base64, replayed: true });
    },
  },
  {
    name: "stores that the work returned nothing",
    async play(stage) {
      const client = await stage.client();
      const call = client.once("k");
      await (await call.work()).step("return");
      match(String((await call.answered())["value"]), /^null$/);
      const again = await client.once("k").answered();
      match(String(again["value"]), /^null$/);
      equal(again["replayed"], true);
    },
  },
  {
    name: "ends the record also when the result is too large to be stored, and says so",
    async play(stage) {
      const client = await stage.client();
      const call = client.once("k");
      await (await call.work()).returns(JSON.stringify("x".repeat(1024 * 1024)));
      has(await call.refused(), { error: "ResultUnavailable", why: "omitted" });
      const again = client.once("k");
      has(await again.refused(), { error: "ResultUnavailable", why: "omitted" });
      deepEqual(again.events, []);
    },
  },
  {
    name: "waits for the result while another process does the work",
    async play(stage) {
      const [client, other] = [await stage.client(), await stage.other()];
      const first = other.once("k");
      const work = await first.work();
      const second = client.once("k");
      const third = client.once("k");
      await work.returns("[1,2]");
      has(await first.answered(), { value: "[1,2]", replayed: false });
      for (const call of [second, third]) {
        has(await call.answered(), { value: "[1,2]", replayed: true, attempt: 1 });
        deepEqual(call.events, []);
      }
    },
  },
  {
    name: "runs the work once when eight ask for it at once in two processes",
    async play(stage) {
      const actors = [await stage.client(), await stage.other()];
      const calls = actors.flatMap((actor) => Array.from({ length: 4 }, () => actor.once("k")));
      const worker = await Promise.any(calls.map((call) => call.work()));
      await worker.returns(`"done"`);
      const answers = await Promise.all(calls.map((call) => call.answered()));
      deepEqual(new Set(answers.map(({ value }) => value)), new Set([`"done"`]));
      equal(answers.filter(({ replayed }) => replayed === false).length, 1);
      equal(calls.flatMap(({ events }) => events).length, 1);
    },
  },
  {
    name: "is refused the same key with another input, and never runs the work",
    async play(stage) {
      const client = await stage.client();
      await client.does("k", "1", { input: `{"amount":3}` });
      const call = client.once("k", { input: `{"amount":4}` });
      has(await call.refused(), { error: "FingerprintMismatch", reason: "FINGERPRINT_MISMATCH", code: 6 });
      deepEqual(call.events, []);
    },
  },
  {
    name: "takes an input that is spelt otherwise for the same one",
    async play(stage) {
      const client = await stage.client();
      await client.does("k", "1", { input: `{"amount":3,"to":"\u00e9"}` });
      const input = String.raw`{ "to": "\u00e9", "amount": 3.0 }`;
      has(await client.once("k", { input }).answered(), { replayed: true });
    },
  },
  {
    name: "refuses an input that has no canonical JSON before anything is claimed",
    async play(stage) {
      const client = await stage.client();
      has(await client.once("k", { input: String.raw`{"name":"\ud800"}` }).refused(), { error: "InvalidInput" });
      equal(await stage.record("k"), undefined);
    },
  },
  {
    name: "says which field a server would not take",
    async play(stage) {
      const client = await stage.client();
      for (const [key, fields] of [
        ["", {}],
        ["k".repeat(513), {}],
        ["k", { scope: "" }],
      ] as const) {
        has(await client.once(key, fields).refused(), { error: "FieldInvalid", reason: "FIELD_INVALID", code: 3 });
      }
      has(await client.once("k", { leaseMs: 1 }).refused(), { error: "DurationOutOfRange", code: 11 });
    },
  },
  {
    name: "takes any record for an error when it is told to reject",
    async play(stage) {
      const client = await stage.client();
      await client.does("k", "1");
      has(await client.once("k", { reuse: "reject" }).refused(), { error: "RecordExists", code: 6 });
      has(await client.does("new", "2", { reuse: "reject" }), { value: "2", replayed: false });
    },
  },
];
