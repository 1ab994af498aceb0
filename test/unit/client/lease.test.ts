import { create } from "@bufbuild/protobuf";
import { durationFromMs } from "@bufbuild/protobuf/wkt";
import { describe, expect, test } from "vitest";
import {
  type ClaimResponse,
  type HeartbeatRequest as HeartbeatRequestMessage,
  HeartbeatRequestSchema,
} from "../../../gen/holdfast/v1/idempotency_pb.ts";
import { type Attempt, LeaseLostError, terminal } from "../../../src/client/client.ts";
import { Fault } from "../../../src/domain/fault.ts";
import { releaseRecord } from "../../support/operating.ts";
import { createFakeServer, type Meddle, unavailable } from "./fake-server.ts";
import { type ManualClock, settle } from "./manual-clock.ts";

const job = { scope: "charge", key: "evt_1", input: null, leaseMs: 3_000 } as const;
const name = { tenant: "default", scope: job.scope, key: job.key };

/** A run of the job that goes on until it is told to stop. */
function hold(meddle?: (clock: ManualClock) => Meddle) {
  const server = createFakeServer();
  if (meddle !== undefined) server.meddle = meddle(server.clock);
  const holdfast = server.client();
  const entered = Promise.withResolvers<Attempt>();
  const leave = Promise.withResolvers<unknown>();
  const done = holdfast.once<unknown>(job, (attempt) => {
    entered.resolve(attempt);
    return leave.promise;
  });
  done.catch(() => undefined);
  const heartbeats = () => server.calls.filter((call) => call === "heartbeat").length;
  const state = async () => (await server.store.peek(name, Number.POSITIVE_INFINITY)).record?.state;
  return { server, clock: server.clock, holdfast, entered: entered.promise, leave, done, heartbeats, state };
}

describe("a lease", () => {
  test("is kept past its first end by heartbeats, one each third of it", async () => {
    const { clock, entered, leave, done, heartbeats, server } = hold();
    const attempt = await entered;
    await clock.advance(10_500);
    expect(attempt.signal.aborted).toBe(false);
    expect(heartbeats()).toBe(10);
    expect(attempt.leaseRemainingMs()).toBe(2_500);
    leave.resolve("done");
    expect(await done).toMatchObject({ value: "done", replayed: false });
    expect(server.warnings).toEqual([]);
  });

  test("runs out at send time + waited + remaining, however long the answer was under way", async () => {
    const { clock, entered, leave, done } = hold((clock) => async (call, pass) => {
      if (call.method === "heartbeat") throw unavailable();
      const answer = await pass();
      if (call.method === "claim") {
        const { detail } = answer as ClaimResponse;
        if (detail.case === "acquired" && detail.value.lease) detail.value.lease.waited = durationFromMs(250);
        await clock.sleep(700, new AbortController().signal);
      }
      return answer;
    });
    await clock.advance(700);
    // What has waited is confirmed, and counts from when the confirmation was sent.
    const sent = clock.monotonicMs();
    await clock.advance(700);
    const attempt = await entered;
    expect(attempt.leaseRemainingMs()).toBe(3_000 + 250 - 700);
    await clock.advance(sent + 3_249 - clock.monotonicMs());
    expect(attempt.signal.aborted).toBe(false);
    await clock.advance(1);
    expect(attempt.signal.reason).toBeInstanceOf(LeaseLostError);
    expect(attempt.signal.reason).toMatchObject({ why: "expired" });
    expect(attempt.leaseRemainingMs()).toBe(0);
    leave.resolve(1);
    await done;
  });

  test("survives heartbeats that are lost, as long as one gets through", async () => {
    const { server, clock, entered, leave, done } = hold();
    const attempt = await entered;
    server.meddle = async (call, pass) => {
      const answer = await pass();
      if (call.method === "heartbeat" && call.earlier % 3 !== 2) throw unavailable();
      return answer;
    };
    await clock.advance(30_000);
    expect(attempt.signal.aborted).toBe(false);
    leave.resolve(1);
    await clock.until(done);
    expect(server.warnings).toEqual([]);
  });

  test("survives a heartbeat that hangs: the next try begins within the lease", async () => {
    const { server, clock, entered, leave, done } = hold();
    const attempt = await entered;
    server.meddle = async (call, pass) => {
      if (call.method === "heartbeat" && call.earlier % 2 === 0) await new Promise(() => {});
      return pass();
    };
    await clock.advance(20_000);
    expect(attempt.signal.aborted).toBe(false);
    leave.resolve(1);
    await clock.until(done);
  });

  test("that is over sends no more heartbeats, and a late result is stored all the same", async () => {
    const { server, clock, entered, leave, done, heartbeats, state } = hold();
    const attempt = await entered;
    let down = true;
    server.meddle = async (call, pass) =>
      down && call.method === "heartbeat" ? Promise.reject(unavailable()) : pass();
    await clock.advance(4_000);
    expect(attempt.signal.reason).toMatchObject({ why: "expired" });
    down = false;
    const before = heartbeats();
    await clock.advance(60_000);
    expect(heartbeats()).toBe(before);
    leave.resolve("late");
    expect(await done).toMatchObject({ value: "late" });
    expect(await state()).toBe("completed");
  });

  test("ends with the attempt: no heartbeat and no timer is left", async () => {
    const { clock, entered, leave, done, heartbeats } = hold();
    await entered;
    await clock.advance(2_500);
    leave.resolve(1);
    await done;
    expect(clock.pending()).toBe(0);
    const before = heartbeats();
    await clock.advance(60_000);
    expect(heartbeats()).toBe(before);
  });

  test("is not shortened by a heartbeat that max_execution cuts, and ends there", async () => {
    const server = createFakeServer();
    const { clock } = server;
    const ended = Promise.withResolvers<number>();
    const began = clock.monotonicMs();
    const done = server.client().once({ ...job, maxExecutionMs: 5_000 }, async ({ signal }) => {
      signal.addEventListener("abort", () => ended.resolve(clock.monotonicMs() - began));
      return ended.promise;
    });
    expect((await clock.until(done)).value).toBe(5_000);
  });
});

describe("a holder who was superseded", () => {
  /** Takes the record away from under the holder, as a client on another machine would. */
  async function supersede({ server, clock, entered }: ReturnType<typeof hold>, result?: string) {
    const attempt = await entered;
    server.meddle = async (call, pass) => {
      if (call.method === "heartbeat") await new Promise(() => {});
      return pass();
    };
    await clock.advance(2_900);
    await releaseRecord(server.store, name);
    server.meddle = (_, pass) => pass();
    if (result !== undefined) await server.client().once<unknown>(job, () => result);
    return attempt;
  }

  test("has its signal aborted by the first heartbeat that says so", async () => {
    const held = hold();
    const attempt = await held.entered;
    await releaseRecord(held.server.store, name);
    await held.clock.advance(1_000);
    expect(attempt.signal.aborted).toBe(true);
    expect(attempt.signal.reason).toBeInstanceOf(LeaseLostError);
    expect(attempt.signal.reason).toMatchObject({ why: "superseded", reason: "LEASE_SUPERSEDED" });
    expect(attempt.leaseRemainingMs()).toBeGreaterThan(0);
    await held.clock.advance(60_000);
    expect(held.heartbeats()).toBe(1);
  });

  test("cannot store its result: LeaseLostError, and the newer result stands", async () => {
    const held = hold();
    await supersede(held, "newer");
    held.leave.resolve("older");
    await expect(held.done).rejects.toMatchObject({ name: "LeaseLostError", why: "superseded" });
    const replay = await held.holdfast.once<unknown>(job, () => "never");
    expect(replay).toMatchObject({ value: "newer", replayed: true });
  });

  test("still has its own error thrown, without a warning", async () => {
    const held = hold();
    await supersede(held, "newer");
    const own = new Error("own");
    held.leave.reject(terminal(own));
    await expect(held.done).rejects.toBe(own);
    expect(held.server.warnings).toEqual([]);
  });

  test.each([
    ["LEASE_TOKEN_INVALID", "token-invalid"],
    ["INVALID_STATE", "invalid-state"],
    ["RECORD_NOT_FOUND", "record-not-found"],
  ] as const)("is told so by %s too", async (reason, why) => {
    const { server, clock, entered, leave, done } = hold();
    const attempt = await entered;
    const meddled = server.meddle;
    server.meddle = (call, pass) => (call.method === "heartbeat" ? server.refuse(new Fault(reason, "no")) : pass());
    await clock.advance(1_000);
    expect(attempt.signal.reason).toMatchObject({ why, reason });
    server.meddle = meddled;
    leave.resolve(1);
    await done;
  });
});

describe("a heartbeat that is refused for another reason", () => {
  test("is warned of, and tried again while the lease lasts", async () => {
    const { server, clock, entered, leave, done } = hold();
    const attempt = await entered;
    server.meddle = async (call, pass) =>
      call.method === "heartbeat" && call.earlier === 0 ? server.refuse(new Fault("ROLE_REQUIRED", "no")) : pass();
    await clock.advance(10_000);
    expect(server.warnings).toMatchObject([{ kind: "heartbeat-failed", error: { reason: "ROLE_REQUIRED" } }]);
    expect(attempt.signal.aborted).toBe(false);
    leave.resolve(1);
    await done;
  });
});

describe("what an attempt leaves behind", () => {
  test("a checkpoint is durable when it resolves, and the next attempt goes on after it", async () => {
    const server = createFakeServer();
    const holdfast = server.client();
    await holdfast
      .once(job, async (attempt) => {
        expect(attempt.lastCheckpoint).toBeUndefined();
        await attempt.checkpoint({ page: 1 });
        await attempt.checkpoint(new Uint8Array([9]), { name: "raw" });
        throw new Error("crash");
      })
      .catch(() => undefined);
    const { value } = await holdfast.once<unknown>(job, async (attempt) => {
      await attempt.checkpoint("third");
      return attempt.lastCheckpoint?.name;
    });
    expect(value).toBe("raw");
    const sequences = server.requests.flatMap((request) => {
      const { checkpoint } = asHeartbeat(request);
      return checkpoint === undefined ? [] : [checkpoint.sequence];
    });
    expect(sequences).toEqual([1n, 2n, 3n]);
  });

  test("a checkpoint over 64 KiB is refused before sending, and the lease kept", async () => {
    const { entered, leave, done, heartbeats } = hold();
    const attempt = await entered;
    const tooLarge = attempt.checkpoint(new Uint8Array(64 * 1024 + 1));
    await expect(tooLarge).rejects.toMatchObject({ reason: "CHECKPOINT_TOO_LARGE" });
    expect(heartbeats()).toBe(0);
    await attempt.checkpoint(new Uint8Array(64 * 1024));
    leave.resolve(1);
    await done;
  });

  test("progress goes with the checkpoint that comes at once after it", async () => {
    const { server, entered, clock } = hold();
    const attempt = await entered;
    await clock.advance(500);
    attempt.progress(0.5);
    await attempt.checkpoint({ step: 1 });
    const [heartbeat, ...others] = server.requests.map(asHeartbeat).filter(({ handle }) => handle !== undefined);
    expect(others).toEqual([]);
    expect(heartbeat).toMatchObject({ progress: { fraction: 0.5 }, checkpoint: { sequence: 1n } });
  });

  test("progress that is noted while a heartbeat is under way follows it within a second", async () => {
    const { server, entered, clock } = hold((clock) => async (call, pass) => {
      if (call.method === "heartbeat") await clock.sleep(200, new AbortController().signal);
      return pass();
    });
    const attempt = await entered;
    const stored = attempt.setExternalRef("pi_1");
    await clock.advance(100);
    attempt.progress(0.5);
    await clock.until(stored);
    await clock.advance(800);
    const [, ...later] = server.requests.map(asHeartbeat).filter(({ handle }) => handle !== undefined);
    expect(later).toMatchObject([{ progress: { fraction: 0.5 } }]);
  });

  test("progress goes with a heartbeat within a second, the newest one only", async () => {
    const { server, clock, entered, leave, done } = hold();
    const attempt = await entered;
    attempt.progress(0.1);
    attempt.progress(0.5, "half");
    await clock.advance(1_000);
    const sent = server.requests.map((request) => asHeartbeat(request).progress).filter((each) => each !== undefined);
    expect(sent).toMatchObject([{ fraction: 0.5, message: "half" }]);
    expect(() => attempt.progress(1.5)).toThrow(/progress.fraction/);
    leave.resolve(1);
    await done;
  });

  test("nothing is taken after the end", async () => {
    const { entered, leave, done, heartbeats } = hold();
    const attempt = await entered;
    leave.resolve(1);
    await done;
    await expect(attempt.checkpoint(1)).rejects.toMatchObject({ reason: "ATTEMPT_ENDED" });
    attempt.progress(1);
    await settle();
    expect(heartbeats()).toBe(0);
  });
});

function asHeartbeat(message: { readonly $typeName: string }): HeartbeatRequestMessage {
  return message.$typeName === HeartbeatRequestSchema.typeName
    ? (message as HeartbeatRequestMessage)
    : create(HeartbeatRequestSchema);
}
