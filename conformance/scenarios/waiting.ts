import { deepEqual, equal } from "node:assert/strict";
import { has } from "../expect.ts";
import type { Scenario } from "./scenario.ts";

export const WAITING: readonly Scenario[] = [
  {
    name: "gives up waiting after its time, and leaves the work alone",
    async play(stage) {
      const [client, other] = [await stage.client(), await stage.other()];
      const holder = other.once("k");
      const work = await holder.work();
      has(await client.once("k", { timeoutMs: 300 }).refused(), { error: "Timeout" });
      await work.returns("1");
      has(await holder.answered(), { replayed: false });
    },
  },
  {
    name: "gives the lease back when it is cancelled while it waits",
    async play(stage) {
      const [client, other] = [await stage.client(), await stage.other()];
      const work = await other.once("k").work();
      const waiting = client.once("k");
      // It waits by now, or is about to: the answer to another of its calls has come behind it.
      has(await client.once("k", { timeoutMs: 200 }).refused(), { error: "Timeout" });
      await client.cancel(waiting);
      has(await waiting.refused(), { error: "Cancelled" });
      await work.throws("not-started", "busy");
      // Within much less than a lease.
      has(await client.does("k", "1"), { replayed: false, attempt: 1 });
      deepEqual(waiting.events, []);
    },
  },
  {
    name: "keeps no lease of many that are cancelled as they are promoted",
    async play(stage) {
      const [client, other] = [await stage.client(), await stage.other()];
      const work = await other.once("k").work();
      const waiting = Array.from({ length: 5 }, () => client.once("k"));
      has(await client.once("k", { timeoutMs: 200 }).refused(), { error: "Timeout" });
      const released = work.throws("not-started", "busy");
      await Promise.all(waiting.map((call) => client.cancel(call)));
      await released;
      // Who had begun before it was cancelled works, and gives up now.
      await Promise.all(
        waiting.map(async (call) => {
          const begun = await Promise.race([
            call.work(),
            call.answer.then(
              () => undefined,
              () => undefined,
            ),
          ]).catch(() => undefined);
          await begun?.throws("not-started", "cancelled");
          return await call.refused();
        }),
      );
      has(await client.does("k", "1"), { replayed: false, attempt: 1 });
    },
  },
  {
    name: "tells the work to stop when its caller cancels it",
    async play(stage) {
      const client = await stage.client();
      const call = client.once("k");
      const work = await call.work();
      const stopped = work.step("await-lost");
      await client.cancel(call);
      await stopped;
      await work.throws("not-started", "stopped in time");
      const { error } = await call.refused();
      equal(["Cancelled", "Work"].includes(String(error)), true, String(error));
      has(await client.does("k", "1"), { attempt: 1 });
    },
  },
  {
    name: "ends what waits when it is closed",
    async play(stage) {
      const [client, other] = [await stage.client(), await stage.other()];
      const holder = other.once("k");
      const work = await holder.work();
      const waiting = client.once("k");
      const told = client.waitFor(["k"]);
      await told.told({ kind: "state", state: "in-progress" });
      await client.close();
      has(await waiting.refused(), { error: "Closed" });
      has(await told.refused(), { error: "Closed" });
      await work.returns("1");
      await holder.answered();
    },
  },
  {
    name: "tells who watches the progress, the checkpoints and the end",
    async play(stage) {
      const [client, other] = [await stage.client(), await stage.other()];
      const holder = other.once("k");
      const work = await holder.work();
      const watch = client.waitFor(["k"]);
      has(await watch.told({ kind: "state" }), { index: 0, state: "in-progress" });
      await work.step("checkpoint", { data: `{"page":1}` });
      has(await watch.told({ kind: "checkpoint" }), { value: `{"page":1}` });
      await work.step("progress", { fraction: 0.5, message: "half" });
      has(await watch.told({ kind: "progress" }), { fraction: 0.5, message: "half" });
      await work.returns(`{"b":1,"a":2}`);
      has(await watch.told({ kind: "ended" }), { end: "completed", value: `{"a":2,"b":1}` });
      deepEqual(await watch.answered(), {});
    },
  },
  {
    name: "waits for a record that is not there yet",
    async play(stage) {
      const [client, other] = [await stage.client(), await stage.other()];
      const watch = client.waitFor(["k"]);
      has(await watch.told({ kind: "state" }), { state: "absent" });
      await other.does("k", "1");
      has(await watch.told({ kind: "ended" }), { end: "completed", value: "1" });
      await watch.answered();
    },
  },
  {
    name: "is refused to wait for a record that must be there and is not",
    async play(stage) {
      const client = await stage.client();
      has(await client.waitFor(["k"], { mustExist: true }).refused(), { error: "RecordNotFound", code: 5 });
    },
  },
  {
    name: "waits for several records, and takes a failure for an end like others",
    async play(stage) {
      const client = await stage.client();
      await client.does("done", "1");
      const failing = client.once("failed");
      await (await failing.work()).throws("terminal", "declined");
      await failing.refused();
      const holder = client.once("late");
      const work = await holder.work();
      const watch = client.waitFor(["late", "failed", "done"]);
      await watch.told({ kind: "state", index: 0 });
      await work.returns("3");
      await watch.answered();
      const ends = watch.events.filter(({ kind }) => kind === "ended");
      deepEqual(
        new Map(ends.map(({ index, end }) => [index, end])),
        new Map([
          [0, "completed"],
          [1, "failed"],
          [2, "completed"],
        ]),
      );
    },
  },
  {
    name: "takes an unknown outcome for no end while it waits",
    async play(stage) {
      const [client, other] = [await stage.client(), await stage.other()];
      const holder = other.once("k", { onLeaseExpiry: "hold" });
      const work = await holder.work();
      const watch = client.waitFor(["k"]);
      await watch.told({ kind: "state", state: "in-progress" });
      await work.throws("outcome-unknown", "no answer");
      await watch.told({ kind: "state", state: "outcome-unknown" });
      const judging = other.reconcile("k");
      await (await judging.judge()).step("verdict", { verdict: "done", value: "7" });
      has(await watch.told({ kind: "ended" }), { end: "completed", value: "7" });
      await watch.answered();
    },
  },
  {
    name: "gives up watching after its time",
    async play(stage) {
      const client = await stage.client();
      has(await client.waitFor(["k"], { timeoutMs: 1_000 }).refused(), { error: "Timeout" });
      has(await client.result("k", { timeoutMs: 1_000 }).refused(), { error: "Timeout" });
    },
  },
  {
    name: "stops watching when it is cancelled",
    async play(stage) {
      const client = await stage.client();
      const watch = client.waitFor(["k"]);
      await watch.told({ kind: "state" });
      await client.cancel(watch);
      has(await watch.refused(), { error: "Cancelled" });
    },
  },
  {
    name: "waits for a result, and gets what the work returned",
    async play(stage) {
      const [client, other] = [await stage.client(), await stage.other()];
      const holder = other.once("k");
      const work = await holder.work();
      const waiting = client.result("k");
      await work.returns(`{"n":1e21}`);
      has(await waiting.answered(), { value: `{"n":1e+21}` });
      has(await client.result("k").answered(), { value: `{"n":1e+21}` });
    },
  },
  {
    name: "waits for a result of bytes, and gets an error for one that there is not",
    async play(stage) {
      const client = await stage.client();
      const base64 = Buffer.of(0, 255, 1).toString("base64");
      const call = client.once("bytes");
      await (await call.work()).step("return", { base64 });
      await call.answered();
      has(await client.result("bytes").answered(), { base64 });
      const failing = client.once("failed");
      await (await failing.work()).throws("terminal", "declined");
      await failing.refused();
      has(await client.result("failed").refused(), { error: "Failed", why: "reported" });
    },
  },
];
