import { create, type Message, type MessageInitShape } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { describe, expect, test } from "vitest";
import {
  Finish_Reason as FinishReason,
  LeaseChanged_Kind as LeaseChangedKind,
  RecordState,
  type WaitForRequest,
  WaitForResponseSchema,
} from "../../../gen/holdfast/v1/idempotency_pb.ts";
import type { WaitEvent, WaitForOptions } from "../../../src/client/client.ts";
import { unavailable } from "./fake-server.ts";
import { settle } from "./manual-clock.ts";
import { job, start, thrown } from "./one-job.ts";

type Response = MessageInitShape<typeof WaitForResponseSchema>;
/** What a stream says, one after the other: a message, a pause of so many milliseconds, or the error that ends it. */
type Script = readonly (Response | number | Error)[];

const targets = ["a", "b"].map((key) => ({ scope: "charge", key }));
const never = new AbortController().signal;

/** Reads streams that say what is written; after the last script the last one is repeated. */
function scripted(scripts: readonly Script[], options?: WaitForOptions<unknown>) {
  const all = start();
  const { server, clock } = all;
  const openedAtMs: number[] = [];
  server.meddleStream = async function* (_, { earlier }) {
    openedAtMs.push(clock.monotonicMs());
    for (const part of scripts[Math.min(earlier, scripts.length - 1)] ?? []) {
      if (typeof part === "number") await clock.foreign.sleep(part, never);
      else if (part instanceof Error) throw part;
      else yield create(WaitForResponseSchema, part) as Message;
    }
  };
  const events: WaitEvent[] = [];
  const done = (async () => {
    for await (const event of all.holdfast.waitFor(targets, options)) events.push(event);
  })();
  done.catch(() => undefined);
  const asked = () =>
    server.requests.map((request) => (request as WaitForRequest).targets.map(({ key }) => key?.key ?? ""));
  return { ...all, events, done, asked, openedAtMs, kinds: () => events.map(({ kind }) => kind) };
}

const event = (targetIndex: number, told: NonNullable<Response["event"]>): Response => ({ targetIndex, event: told });
const record = (targetIndex: number, fields: object = {}): Response => {
  const value = { record: { state: RecordState.IN_PROGRESS, attempt: 1, fence: 5n, ...fields } };
  return event(targetIndex, { case: "snapshot", value });
};
const absent = (targetIndex: number) => event(targetIndex, { case: "snapshot", value: { absent: true } });
const ended = (targetIndex: number) =>
  event(targetIndex, {
    case: "ended",
    value: {
      detail: {
        case: "completed",
        value: { attempt: 1, result: { body: { case: "inline", value: new Uint8Array() } } },
      },
    },
  });
const lease = (targetIndex: number, kind: LeaseChangedKind, attempt = 1) =>
  event(targetIndex, { case: "leaseChanged", value: { kind, attempt } });
const progress = (targetIndex: number, fraction: number) =>
  event(targetIndex, { case: "progress", value: { fraction } });
const unknown = (targetIndex: number) => event(targetIndex, { case: "outcomeUnknown", value: { attempt: 1 } });
const keepAlive = event(0, { case: "keepAlive", value: {} });
const finish = (reason: FinishReason) => event(0, { case: "finish", value: { reason } });
const DONE = finish(FinishReason.DONE);

describe("a stream that ends too early", () => {
  test.each([
    ["with a lost connection", [unavailable()]],
    ["with the server shutting down", [finish(FinishReason.DRAINING)]],
    ["with the connection's age", [finish(FinishReason.MAX_AGE)]],
    ["with the longest time a server allows", [finish(FinishReason.TIMEOUT)]],
    ["with a cancellation that nobody here has asked for", [new ConnectError("reset", Code.Canceled)]],
    ["without a word", []],
  ])("%s is asked for again with what has not ended", async (_, end) => {
    const { clock, done, asked, events } = scripted([
      [record(0), record(1), ended(0), ...end],
      [record(0), ended(0), DONE],
    ]);
    await clock.until(done);
    expect(asked()).toEqual([["a", "b"], ["b"]]);
    expect(events.map(({ kind, index }) => [kind, index])).toEqual([
      ["snapshot", 0],
      ["snapshot", 1],
      ["ended", 0],
      ["ended", 1],
    ]);
    expect(events.map(({ target }) => target)).toEqual([targets[0], targets[1], targets[0], targets[1]]);
    expect(clock.pending()).toBe(0);
  });

  test("after all have ended is not asked for again, and neither is one after any has", async () => {
    const all = scripted([[record(0), record(1), ended(1), ended(0), unavailable()]]);
    await all.clock.until(all.done);
    const any = scripted([[record(0), record(1), ended(1)]], { mode: "any" });
    await any.clock.until(any.done);
    expect([all.asked(), any.asked()]).toEqual([[["a", "b"]], [["a", "b"]]]);
  });

  test("again and again is asked for in pauses, until the total time without a word is over", async () => {
    const { clock, done, events, openedAtMs } = scripted([[unavailable()]]);
    const before = clock.monotonicMs();
    expect(await thrown(clock.until(done))).toMatchObject({ name: "TransportError", code: Code.Unavailable });
    expect(clock.monotonicMs() - before).toBeLessThanOrEqual(60_000);
    expect(clock.monotonicMs() - before).toBeGreaterThan(40_000);
    expect(openedAtMs.length).toBeLessThan(60);
    expect(events).toEqual([]);
    expect(clock.pending()).toBe(0);
  });

  test("with a word each time is asked for, in pauses, for as long as its reader likes", async () => {
    const { clock, done, kinds, openedAtMs } = scripted([[absent(0), absent(1), finish(FinishReason.MAX_AGE)]], {
      timeoutMs: 600_000,
    });
    expect(await thrown(clock.until(done))).toMatchObject({ reason: "TIMEOUT" });
    expect(kinds()).toEqual(["snapshot", "snapshot"]);
    expect(openedAtMs.length).toBeLessThan(600);
  });

  test("for a reason that asking again does not change is the reader's error", async () => {
    const { clock, done, asked } = scripted([[record(0), new ConnectError("no such method", Code.Unimplemented)]]);
    expect(await thrown(clock.until(done))).toMatchObject({ code: Code.Unimplemented });
    expect(asked()).toHaveLength(1);
  });

  test("by a bug of the server is asked for once more", async () => {
    const { clock, done, asked } = scripted([[new ConnectError("a bug", Code.Internal)]]);
    expect(await thrown(clock.until(done))).toMatchObject({ code: Code.Internal });
    expect(asked()).toHaveLength(2);
  });
});

describe("a stream that is silent", () => {
  test("for two keep-alives is asked for again", async () => {
    const { clock, done, openedAtMs } = scripted([
      [record(0), record(1), 1e9],
      [record(0), record(1), ended(0), ended(1), DONE],
    ]);
    const before = clock.monotonicMs();
    await clock.until(done);
    expect(openedAtMs).toHaveLength(2);
    expect((openedAtMs[1] ?? 0) - before).toBeGreaterThanOrEqual(30_000);
    expect((openedAtMs[1] ?? 0) - before).toBeLessThan(30_100);
  });

  test("but for keep-alives is waited for, and they are not shown", async () => {
    const { clock, done, asked, kinds } = scripted([
      [record(0), record(1), ...Array(20).fill([15_000, keepAlive]).flat(), ended(0), ended(1), DONE],
    ]);
    await clock.until(done);
    expect(asked()).toHaveLength(1);
    expect(kinds()).toEqual(["snapshot", "snapshot", "ended", "ended"]);
  });

  test("because nobody asks it is not taken for dead", async () => {
    const { clock, holdfast, server } = start();
    const events = holdfast.waitFor([{ scope: job.scope, key: job.key }]);
    await events.next();
    await clock.advance(100_000);
    await holdfast.once(job, () => 1);
    // Of what happened meanwhile, the end is all that still shows.
    expect((await clock.until(events.next())).value).toMatchObject({ kind: "ended" });
    expect(await clock.until(events.next())).toMatchObject({ done: true });
    expect(server.calls.filter((call) => call === "waitFor")).toHaveLength(1);
  });
});

describe("a stream that takes the place of another", () => {
  const over = finish(FinishReason.MAX_AGE);

  test("repeats nothing that was told, by a snapshot or by what came after it", async () => {
    const checkpoint = { name: "", sequence: 4n, data: new Uint8Array(), contentType: "" };
    const { clock, done, events } = scripted([
      [record(0), absent(1), progress(0, 0.5), event(0, { case: "checkpoint", value: checkpoint }), over],
      [record(0, { progress: { fraction: 0.5 }, checkpoint }), absent(1), lease(0, LeaseChangedKind.LAPSED), over],
      [record(0, { progress: { fraction: 0.5 }, checkpoint }), absent(1), lease(0, LeaseChangedKind.LAPSED), over],
      [record(0, { attempt: 2, fence: 9n, checkpoint }), absent(1), over],
      [record(0, { attempt: 2, fence: 9n, checkpoint }), absent(1), lease(0, LeaseChangedKind.TAKEN_OVER, 3), over],
      [record(0, { attempt: 3, fence: 11n, checkpoint }), absent(1), unknown(0), over],
      [record(0, { attempt: 1, state: RecordState.OUTCOME_UNKNOWN, checkpoint }), absent(1), unknown(0), over],
      [record(0, { state: RecordState.COMPLETED, endTime: { seconds: 9n } }), ended(0), absent(1), ended(1), DONE],
    ]);
    await clock.until(done);
    expect(events).toMatchObject([
      { kind: "snapshot", index: 0, record: { attempt: 1 } },
      { kind: "snapshot", index: 1, record: undefined },
      { kind: "progress", progress: { fraction: 0.5 } },
      { kind: "checkpoint" },
      { kind: "lease-changed", change: "lapsed", attempt: 1 },
      { kind: "snapshot", index: 0, record: { attempt: 2 } },
      { kind: "lease-changed", change: "taken-over", attempt: 3 },
      { kind: "outcome-unknown" },
      { kind: "ended", index: 0 },
      { kind: "ended", index: 1 },
    ]);
  });

  test.each([
    ["progress", { progress: { fraction: 0.7 } }],
    ["a checkpoint", { checkpoint: { sequence: 1n } }],
    ["an external reference", { externalRef: "pi_1" }],
    ["another lease", { fence: 6n }],
    ["a reconciler", { reconciling: true }],
    ["another state", { state: RecordState.AVAILABLE }],
  ])("tells of %s by a snapshot, once", async (_, fields) => {
    const now = record(0, fields);
    const { clock, done, kinds } = scripted([
      [record(0), over],
      [now, over],
      [now, over],
      [now, ended(0), ended(1), DONE],
    ]);
    await clock.until(done);
    expect(kinds()).toEqual(["snapshot", "snapshot", "ended", "ended"]);
  });
});

describe("a wait of more than ten minutes", () => {
  test("is several calls, and tells each thing once", async () => {
    const { server, clock, holdfast } = start();
    const events: WaitEvent[] = [];
    const done = (async () => {
      for await (const told of server.client().waitFor([{ scope: job.scope, key: job.key }])) events.push(told);
    })();
    await settle();
    const working = holdfast.once(job, async (attempt) => {
      attempt.progress(0.25);
      await clock.sleep(1_500_000, never);
      return "late";
    });
    await clock.until(Promise.all([working, done]));
    expect(server.calls.filter((call) => call === "waitFor")).toHaveLength(3);
    expect(events.map(({ kind }) => kind)).toEqual(["snapshot", "lease-changed", "progress", "ended"]);
  });
});
