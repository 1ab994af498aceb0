import { describe, expect, test } from "vitest";
import {
  ExpiredError,
  FailedError,
  FingerprintMismatchError,
  fingerprint,
  ResultUnavailableError,
  retryable,
  TimeoutError,
  terminal,
  type WaitEvent,
  type WaitForOptions,
  type WaitTarget,
} from "../../../src/client/client.ts";
import { settle } from "./manual-clock.ts";
import { job, start, thrown } from "./one-job.ts";

const never = new AbortController().signal;
const target = { scope: job.scope, key: job.key } as const;

/** A reader who is always ready: what it is told, as it comes. */
function open(all = start()) {
  const reader = all.server.client();
  const read = <T = unknown>(targets: readonly WaitTarget[] = [target], options?: WaitForOptions<T>) => {
    const events: WaitEvent<T>[] = [];
    const done = (async () => {
      for await (const event of reader.waitFor<T>(targets, options)) events.push(event);
    })();
    done.catch(() => undefined);
    return { events, done, kinds: () => events.map(({ kind }) => kind) };
  };
  return { ...all, reader, read };
}

describe("a record that is waited for", () => {
  test("is shown as it is, as it changes, and as it ends", async () => {
    const { holdfast, clock, read } = open();
    const { events, done, kinds } = read();
    await settle();
    expect(events).toEqual([{ kind: "snapshot", target, index: 0, record: undefined }]);
    const working = holdfast.once(job, async (attempt) => {
      await clock.sleep(1_000, never);
      attempt.progress(0.5, "half");
      await attempt.checkpoint({ step: 1 }, { name: "charged" });
      await clock.sleep(5_000, never);
      return { charge: 7 };
    });
    await clock.until(Promise.all([working, done]));
    expect(kinds()).toEqual(["snapshot", "lease-changed", "progress", "checkpoint", "ended"]);
    expect(events).toMatchObject([
      {},
      { change: "taken-over", attempt: 1, owner: { service: "" } },
      { progress: { fraction: 0.5, message: "half" } },
      { checkpoint: { name: "charged", sequence: 1n, data: { step: 1 } } },
      { target, index: 0, end: { kind: "completed", value: { charge: 7 }, attempt: 1, endTime: expect.any(Date) } },
    ]);
  });

  test("in progress begins with a snapshot of everything that is known", async () => {
    const { server, clock, read } = open();
    const owner = { service: "billing", instance: "pod-7" };
    const claim = { ...job, metadata: { region: "eu" }, externalRef: "pi_1", leaseMs: 9_000 };
    void server
      .client({ owner })
      .once(claim, () => new Promise<never>(() => {}))
      .catch(() => undefined);
    await settle();
    const { events } = read();
    await settle();
    expect(events).toMatchObject([
      {
        kind: "snapshot",
        record: {
          ...{ state: "in-progress", attempt: 1, owner, externalRef: "pi_1", metadata: { region: "eu" } },
          ...{ progress: undefined, checkpoint: undefined, reconciling: false, endTime: undefined },
          leaseExpireTime: new Date(1.8e12 + clock.monotonicMs() + 9_000),
        },
      },
    ]);
  });

  test("and has failed for good ends with the error as a value", async () => {
    const { holdfast, read } = open();
    await thrown(holdfast.once(job, () => Promise.reject(terminal("no such card", { code: 5 }))));
    const { events, done } = read();
    await done;
    const [, ended] = events;
    expect(ended).toMatchObject({ end: { kind: "failed", error: { status: { code: 5 }, failReason: "reported" } } });
    expect(ended?.kind === "ended" && ended.end.kind === "failed" && ended.end.error).toBeInstanceOf(FailedError);
  });

  test("and was forgotten all but its tombstone ends as expired", async () => {
    const { holdfast, clock, read } = open();
    await holdfast.once({ ...job, resultRetentionMs: 60_000 }, () => 1);
    await clock.advance(60_000);
    const { events, done } = read();
    await done;
    expect(events).toMatchObject([
      { kind: "snapshot", record: { state: "expired" } },
      { kind: "ended", end: { kind: "expired", error: { endState: "completed" } } },
    ]);
  });

  test("of unknown outcome is told to be, and its end when somebody has found out", async () => {
    const { holdfast, clock, read } = open();
    await thrown(holdfast.once({ ...job, onLeaseExpiry: "hold", externalRef: "pi_1" }, () => Promise.reject("?")));
    const { events, done } = read();
    await settle();
    expect(events).toMatchObject([{ kind: "snapshot", record: { state: "outcome-unknown" } }]);
    await holdfast.reconcile(job, async () => ({ done: "found" }));
    await clock.until(done);
    expect(events.at(-1)).toMatchObject({ kind: "ended", end: { kind: "completed", value: "found" } });
  });

  test("whose holder dies is told to have lapsed, and to be taken over", async () => {
    const { server, clock, holdfast, read } = open();
    server.meddle = (call, pass) => (call.method === "heartbeat" ? new Promise(() => {}) : pass());
    void holdfast.once({ ...job, leaseMs: 2_000 }, () => new Promise<never>(() => {})).catch(() => undefined);
    await settle();
    const { events, done } = read();
    await clock.advance(2_100);
    await clock.until(server.client().once(job, () => "second"));
    await clock.until(done);
    expect(events).toMatchObject([
      { kind: "snapshot" },
      { kind: "lease-changed", change: "lapsed", attempt: 1 },
      { kind: "lease-changed", change: "taken-over", attempt: 2 },
      { kind: "ended", end: { value: "second", attempt: 2 } },
    ]);
  });

  test("and can be tried again later is told to be scheduled, and to be claimable", async () => {
    const { holdfast, clock, read } = open();
    const { events } = read();
    await settle();
    await thrown(holdfast.once(job, () => Promise.reject(retryable("later", { delayMs: 3_000 }))));
    await clock.advance(3_100);
    expect(events.slice(-2)).toMatchObject([{ change: "retry-scheduled" }, { change: "released" }]);
  });
});

describe("a result", () => {
  test("goes through the reader's serializer", async () => {
    const { holdfast, read } = open();
    const serializer = {
      contentType: "text/x-bigint",
      encode: (value: bigint) => Buffer.from(value.toString()),
      decode: (bytes: Uint8Array) => BigInt(Buffer.from(bytes).toString()),
    };
    await holdfast.once({ ...job, serializer }, () => 2n ** 70n);
    const { events, done } = read<bigint>([target], { serializer });
    await done;
    expect(events.at(-1)).toMatchObject({ end: { value: 2n ** 70n } });
  });

  test("that is not stored, or cannot be read, is a value that says so", async () => {
    const { holdfast, read } = open();
    await thrown(holdfast.once<unknown>(job, () => 1n));
    const { events, done } = read();
    await done;
    const ended = events.at(-1);
    expect(ended).toMatchObject({ end: { kind: "result-unavailable", attempt: 1, error: { why: "omitted" } } });
    expect(ended?.kind === "ended" && "error" in ended.end && ended.end.error).toBeInstanceOf(ResultUnavailableError);
  });

  test("is not sent to who does not want it", async () => {
    const { holdfast, read } = open();
    await holdfast.once(job, () => "large");
    const { events, done } = read([target], { includeResult: false });
    await done;
    expect(events.at(-1)).toMatchObject({ end: { kind: "completed", value: undefined, attempt: 1 } });
  });
});

describe("several records", () => {
  const targets = ["a", "b", "c"].map((key) => ({ scope: "charge", key }));

  test("are waited for until all have ended, each told with its target", async () => {
    const { holdfast, clock, read } = open();
    const { events, done } = read(targets);
    for (const key of ["c", "a", "b"]) await holdfast.once({ ...job, key }, () => key);
    await clock.until(done);
    const ends = events.flatMap((event) => (event.kind === "ended" ? [event] : []));
    expect(ends.map(({ index }) => index).sort()).toEqual([0, 1, 2]);
    for (const { index, target: of, end } of ends) {
      expect(of).toBe(targets[index]);
      expect(end).toMatchObject({ value: targets[index]?.key });
    }
  });

  test("are waited for until any has ended", async () => {
    const { holdfast, clock, read, server } = open();
    const { events, done } = read(targets, { mode: "any" });
    await settle();
    await holdfast.once({ ...job, key: "b" }, () => "b");
    await clock.until(done);
    expect(events.filter(({ kind }) => kind === "ended")).toMatchObject([{ index: 1 }]);
    expect(server.hub.status()).toMatchObject({ calls: 0, waiters: 0 });
  });
});

describe("a reader who goes", () => {
  test("by leaving the loop leaves nothing behind", async () => {
    const { server, clock, reader } = open();
    for await (const event of reader.waitFor([target])) {
      expect(event.kind).toBe("snapshot");
      expect(server.hub.status()).toMatchObject({ calls: 1 });
      break;
    }
    await settle();
    expect(server.hub.status()).toMatchObject({ calls: 0, waiters: 0 });
    expect(clock.pending()).toBe(0);
  });

  test("by its signal is thrown the signal's reason, and by close() that", async () => {
    const { server, reader, read } = open();
    const controller = new AbortController();
    const { done } = read([target], { signal: controller.signal });
    const other = read();
    await settle();
    const reason = new Error("no longer wanted");
    controller.abort(reason);
    await expect(done).rejects.toBe(reason);
    await reader.close();
    await expect(other.done).rejects.toMatchObject({ reason: "CLOSED" });
    await expect(read().done).rejects.toMatchObject({ reason: "CLOSED" });
    await settle();
    expect(server.hub.status()).toMatchObject({ calls: 0, waiters: 0 });
  });

  test("by its timeout is thrown TimeoutError, which says how many are open", async () => {
    const { server, holdfast, clock, read } = open();
    await holdfast.once(job, () => 1);
    const { done } = read([target, { scope: "charge", key: "other" }], { timeoutMs: 1_500 });
    const before = clock.monotonicMs();
    const error = await thrown(clock.until(done));
    expect(error).toBeInstanceOf(TimeoutError);
    expect(error).toMatchObject({ message: expect.stringContaining("1 of 2 records"), cause: undefined });
    expect(clock.monotonicMs() - before).toBe(1_500);
    await settle();
    expect(server.hub.status()).toMatchObject({ calls: 0, waiters: 0 });
    expect(clock.pending()).toBe(0);
  });

  test("who has asked for nothing yet has sent nothing", async () => {
    const { server, reader } = open();
    const events = reader.waitFor([target]);
    await settle();
    expect(server.calls).toEqual([]);
    await events.return();
    expect(server.calls).toEqual([]);
  });
});

describe("a wait that is refused", () => {
  test("for another input is FingerprintMismatchError, also by fingerprint and later on", async () => {
    const { holdfast, clock, read } = open();
    const early = read([{ ...target, input: { amount: 4 } }]);
    await settle();
    await holdfast.once(job, () => 1);
    expect(await thrown(clock.until(early.done))).toBeInstanceOf(FingerprintMismatchError);
    expect(await thrown(read([{ ...target, fingerprint: fingerprint(5) }]).done)).toMatchObject({
      reason: "FINGERPRINT_MISMATCH",
    });
    await read([{ ...target, input: job.input }]).done;
  });

  test("because the record must exist is RECORD_NOT_FOUND", async () => {
    const { read } = open();
    expect(await thrown(read([target], { mustExist: true }).done)).toMatchObject({ reason: "RECORD_NOT_FOUND" });
  });

  test("because it is of another tenant is what the server says", async () => {
    const { read } = open();
    expect(await thrown(read([{ ...target, tenant: "nobody" }]).done)).toMatchObject({ reason: "TENANT_NOT_FOUND" });
  });

  test.each([
    ["no target", [], "1 to 100 targets, not 0"],
    ["101 targets", Array(101).fill(target), "1 to 100 targets, not 101"],
    ["an input and a fingerprint", [{ ...target, input: 1, fingerprint: fingerprint(1) }], "not both"],
    ["an input without canonical JSON", [{ ...target, input: 1n }], "JSON"],
  ])("because of %s is a TypeError at once", (_, targets, message) => {
    const { reader, server } = open();
    expect(() => reader.waitFor(targets)).toThrow(TypeError);
    expect(() => reader.waitFor(targets)).toThrow(message);
    expect(server.calls).toEqual([]);
  });

  test("because of a name that no server takes is FIELD_INVALID at once", () => {
    const { reader } = open();
    expect(() => reader.waitFor([{ scope: "", key: "k" }])).toThrow("key.scope");
  });
});

describe("result()", () => {
  test("is the value, when there is one", async () => {
    const { holdfast, clock, reader } = open();
    const value = reader.result<{ charge: number }>(target);
    await settle();
    await holdfast.once(job, () => ({ charge: 7 }));
    expect(await clock.until(value)).toEqual({ charge: 7 });
  });

  test("throws what a replay throws", async () => {
    const { holdfast, clock, reader } = open();
    expect(await thrown(clock.until(reader.result(target, { timeoutMs: 10 })))).toBeInstanceOf(TimeoutError);
    await thrown(holdfast.once(job, () => Promise.reject(terminal("no"))));
    expect(await thrown(reader.result(target))).toBeInstanceOf(FailedError);
    await clock.advance(25 * 3_600_000);
    expect(await thrown(reader.result(target))).toBeInstanceOf(ExpiredError);
  });
});
