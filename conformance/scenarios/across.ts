import { deepEqual, match, ok } from "node:assert/strict";
import { has } from "../expect.ts";
import type { Actor, Stage } from "../stage.ts";
import type { Scenario } from "./scenario.ts";

/** Both ways: what the one writes the other reads. */
async function bothWays(stage: Stage, play: (writer: Actor, reader: Actor, key: string) => Promise<void>) {
  const [client, other] = [await stage.client(), await stage.other()];
  await play(client, other, "there");
  await play(other, client, "back");
}

const VALUES = [
  `{"text":"\u20ac \\u0001 \\u2028 \u{1f600} \\"\\\\/ <&>","n":[0,-0,-1.5,1e21,1e-7,5e-324,9007199254740991],"z":null,"e":[{},[],""],"t":true}`,
  `"\ufb33\u00e9e\u0301"`,
  "null",
  "[]",
  "0.1",
  "false",
];

export const ACROSS: readonly Scenario[] = [
  {
    name: "reads the results that another client wrote, byte by byte, and the other way round",
    play: (stage) =>
      bothWays(stage, async (writer, reader, key) => {
        for (const [i, value] of VALUES.entries()) {
          const { value: own } = await writer.does(`${key}-${i}`, value);
          deepEqual(JSON.parse(String(own)), JSON.parse(value.replace("-0,", "0,")));
          has(await reader.once(`${key}-${i}`).answered(), { value: own, replayed: true });
          has(await reader.result(`${key}-${i}`).answered(), { value: own });
        }
      }),
  },
  {
    name: "reads the bytes that another client wrote, and that it wrote nothing",
    play: (stage) =>
      bothWays(stage, async (writer, reader, key) => {
        for (const base64 of ["", "AP8Bgg=="]) {
          const call = writer.once(`${key}${base64}`);
          await (await call.work()).step("return", { base64 });
          await call.answered();
          has(await reader.once(`${key}${base64}`).answered(), { value: null, base64, replayed: true });
        }
        const nothing = writer.once(`${key}-nothing`);
        await (await nothing.work()).step("return");
        await nothing.answered();
        match(String((await reader.once(`${key}-nothing`).answered())["value"]), /^null$/);
      }),
  },
  {
    name: "knows the input that another client hashed, however it is spelt",
    play: (stage) =>
      bothWays(stage, async (writer, reader, key) => {
        const input = String.raw`{"b":[1.0,1e21,"\u20ac\u00e9"],"\ud83d\ude00":1,"\ufb33":2,"a":{"z":null,"y":-0}}`;
        await writer.does(key, "1", { input });
        const other = `{"a":{"y":0,"z":null},"\ufb33":2,"\u{1f600}":1,"b":[1,1000000000000000000000,"\u20ac\u00e9"]}`;
        has(await reader.once(key, { input: other }).answered(), { replayed: true });
        has(await reader.once(key, { input: `{"a":{}}` }).refused(), { error: "FingerprintMismatch" });
      }),
  },
  {
    name: "reads the failures that another client stored",
    play: (stage) =>
      bothWays(stage, async (writer, reader, key) => {
        const failing = writer.once(key);
        await (await failing.work()).throws("terminal", "declined: \u20ac 5");
        await failing.refused();
        const error = await reader.once(key).refused();
        has(error, { error: "Failed", why: "reported", attempt: 1 });
        match(String(error["message"]), /declined: \u20ac 5/);
      }),
  },
  {
    name: "goes on from the checkpoint of another client that was killed, and reconciles what it left unknown",
    async play(stage) {
      const [other, doomed] = [await stage.other(), await stage.doomed()];
      const first = await doomed.once("k", { leaseMs: 1_000 }).work();
      const held = await doomed.once("held", { leaseMs: 1_000, onLeaseExpiry: "hold" }).work();
      await first.step("checkpoint", { data: `{"page":3,"text":"\u20ac"}` });
      await held.step("checkpoint", { data: `[1,"\u{1f600}"]` });
      await held.step("external-ref", { ref: "pi_3" });
      await doomed.driver.kill();
      const call = other.once("k");
      const work = await call.work();
      has(work.event, { attempt: 2, checkpoint: `{"page":3,"text":"\u20ac"}` });
      ok(work.fence > first.fence);
      await work.returns("1");
      await call.answered();
      has(await other.once("held", { onLeaseExpiry: "hold" }).refused(), { error: "OutcomeUnknown" });
      const judging = other.reconcile("held");
      const judge = await judging.judge();
      has(judge.event, { checkpoint: `[1,"\u{1f600}"]`, externalRef: "pi_3" });
      await judge.step("verdict", { verdict: "done", value: "2" });
      has(await judging.answered(), { kind: "settled" });
    },
  },
];
