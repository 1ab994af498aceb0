import { deepEqual, equal } from "node:assert/strict";
import { RecordState } from "../../gen/holdfast/v1/idempotency_pb.ts";
import { eventually } from "../bounds.ts";
import { has } from "../expect.ts";
import { addressOf, type Stage } from "../stage.ts";
import type { Scenario } from "./scenario.ts";

type State = keyof typeof RecordState;

const untilState = (stage: Stage, key: string, state: State) =>
  eventually(`the record is ${state}`, async () => (await stage.record(key))?.state === RecordState[state]);

export const NETWORK: readonly Scenario[] = [
  {
    name: "is the same holder when the answer to its claim is lost",
    async play(stage) {
      const proxy = await stage.proxy();
      const client = await stage.client({ addresses: [addressOf(proxy)] });
      has(await client.does("before", "0"), { value: "0" });
      proxy.hold("to-client");
      const call = client.once("k");
      await untilState(stage, "k", "IN_PROGRESS");
      proxy.cut();
      proxy.release();
      const work = await call.work();
      equal(work.attempt, 1);
      await work.returns("1");
      has(await call.answered(), { value: "1", replayed: false, attempt: 1 });
    },
  },
  {
    name: "gives the lease back that it has acquired without hearing of it before it was cancelled",
    async play(stage) {
      const proxy = await stage.proxy();
      const client = await stage.client({ addresses: [addressOf(proxy)] });
      has(await client.does("before", "0"), { value: "0" });
      proxy.hold("to-client");
      const call = client.once("k", { leaseMs: 3_600_000 });
      await untilState(stage, "k", "IN_PROGRESS");
      await client.cancel(call);
      has(await call.refused(), { error: "Cancelled" });
      proxy.release();
      has(await (await stage.other()).does("k", "1"), { value: "1", replayed: false, attempt: 1 });
      deepEqual(call.events, []);
    },
  },
  {
    name: "tells the caller that the work is done when the answer to its end is lost",
    async play(stage) {
      const proxy = await stage.proxy();
      const client = await stage.client({ addresses: [addressOf(proxy)] });
      const call = client.once("k");
      const work = await call.work();
      proxy.hold("to-client");
      await work.returns("1");
      await untilState(stage, "k", "COMPLETED");
      proxy.cut();
      proxy.release();
      has(await call.answered(), { value: "1", replayed: false, attempt: 1 });
    },
  },
  {
    name: "has a failure stored once when the answer to it is lost",
    async play(stage) {
      const proxy = await stage.proxy();
      const client = await stage.client({ addresses: [addressOf(proxy)] });
      const call = client.once("k");
      const work = await call.work();
      proxy.hold("to-client");
      await work.throws("retryable", "busy");
      await untilState(stage, "k", "AVAILABLE");
      proxy.cut();
      proxy.release();
      has(await call.refused(), { error: "Work" });
      has(await client.does("k", "1"), { attempt: 2 });
    },
  },
  {
    name: "goes on waiting when the connection is reset",
    async play(stage) {
      const proxy = await stage.proxy();
      const [client, other] = [await stage.client({ addresses: [addressOf(proxy)] }), await stage.other()];
      const holder = other.once("k");
      const work = await holder.work();
      const [waiting, watch] = [client.once("k"), client.waitFor(["k"])];
      await watch.told({ kind: "state", state: "in-progress" });
      for (let cuts = 0; cuts < 3; cuts++) {
        await eventually("it is connected", async () => proxy.connections > 0);
        proxy.cut();
      }
      await work.returns("1");
      has(await waiting.answered(), { value: "1", replayed: true });
      has(await watch.told({ kind: "ended" }), { value: "1" });
      // What was told before is not told again.
      equal(watch.events.filter(({ kind }) => kind === "state").length, 1);
      await holder.answered();
    },
  },
  {
    name: "sends a checkpoint again when the connection is reset over it",
    async play(stage) {
      const proxy = await stage.proxy();
      const client = await stage.client({ addresses: [addressOf(proxy)] });
      const call = client.once("k");
      const work = await call.work();
      proxy.hold("to-client");
      const stored = work.step("checkpoint", { data: `{"page":1}` });
      await eventually("the checkpoint is stored", async () => (await stage.record("k"))?.checkpoint !== undefined);
      proxy.cut();
      proxy.release();
      deepEqual(await stored, {});
      await work.returns("1");
      has(await call.answered(), { replayed: false });
    },
  },
  {
    name: "goes to another server when its own is stopped, whether it works, waits or watches",
    async play(stage) {
      const server = await stage.server();
      const addresses = [server.grpc, stage.address];
      const [client, other] = [await stage.client({ addresses }), await stage.other({ addresses })];
      const holder = other.once("k");
      const work = await holder.work();
      const [waiting, watch] = [client.once("k"), client.waitFor(["k"])];
      await watch.told({ kind: "state", state: "in-progress" });
      await server.stop();
      await work.step("checkpoint", { data: "1" });
      await work.returns("1");
      has(await holder.answered(), { value: "1", replayed: false });
      has(await waiting.answered(), { value: "1", replayed: true });
      has(await watch.told({ kind: "ended" }), { value: "1" });
    },
  },
  {
    name: "outlives that the only server is killed and comes back while the work runs",
    async play(stage) {
      const first = await stage.server();
      const client = await stage.client({ addresses: [first.grpc] });
      const call = client.once("k");
      const work = await call.work();
      first.signal("SIGKILL");
      await first.exited;
      const stored = work.step("external-ref", { ref: "pi_3" });
      await stage.server(["--grpc-address", first.grpc]);
      await stored;
      equal((await stage.record("k"))?.externalRef, "pi_3");
      await work.returns("1");
      has(await call.answered(), { value: "1", replayed: false, attempt: 1 });
    },
  },
  {
    name: "says that no server answers when its time for trying is over",
    async play(stage) {
      const proxy = await stage.proxy();
      await proxy.refuse();
      const client = await stage.client({ addresses: [addressOf(proxy)], totalTimeoutMs: 500, tryTimeoutMs: 300 });
      const call = client.once("k");
      const { error, reason, code } = await call.refused();
      deepEqual({ error, reason }, { error: "Transport", reason: "" });
      equal([14, 4].includes(Number(code)), true, `code ${code}`);
      deepEqual(call.events, []);
    },
  },
];
