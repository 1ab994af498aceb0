import { describe, expect, test } from "vitest";
import {
  ExpiredError,
  FailedError,
  FingerprintMismatchError,
  HoldfastError,
  notStarted,
  OutcomeUnknownError,
  outcomeUnknown,
  retryable,
  TimeoutError,
  terminal,
} from "../../../src/client/client.ts";
import { Fault } from "../../../src/domain/fault.ts";
import { settle } from "./manual-clock.ts";
import { job, start, thrown } from "./one-job.ts";

describe("a piece of work that is new", () => {
  test("is run, and its result stored", async () => {
    const { holdfast, state, clock, server } = start();
    const done = await holdfast.once(job, async (attempt) => ({ charged: attempt.number }));
    expect(done).toEqual({ value: { charged: 1 }, replayed: false, attempt: 1, reason: "new", protected: true });
    expect(await state()).toBe("completed");
    expect(clock.pending()).toBe(0);
    expect(server.calls).toEqual(["claim", "complete"]);
  });

  test("is run by one of two who race, and the other gets the same", async () => {
    const { holdfast, clock, server } = start();
    const other = server.client();
    let runs = 0;
    const work = async () => {
      runs++;
      await clock.sleep(150, new AbortController().signal);
      return { at: "noon", list: [1, 2.5, "\u2028é"] };
    };
    const [a, b] = await clock.until(Promise.all([holdfast.once(job, work), other.once(job, work)]));
    expect(runs).toBe(1);
    expect(JSON.stringify(b.value)).toBe(JSON.stringify(a.value));
    expect([a.replayed, b.replayed]).toEqual([false, true]);
  });
});

describe("an error of the work", () => {
  const broken = new Error("the card reader is on fire");

  test.each([
    ["retryable", "reacquire", retryable(broken), "available"],
    ["terminal", "reacquire", terminal(broken), "failed"],
    ["outcome unknown", "reacquire", outcomeUnknown(broken), "outcome-unknown"],
    ["not started", "hold", notStarted(broken), "available"],
    ["unclassified under reacquire", "reacquire", broken, "available"],
    ["unclassified under hold", "hold", broken, "outcome-unknown"],
  ] as const)("%s is thrown as it was and leaves the record %4$s", async (_, onLeaseExpiry, error, left) => {
    const { holdfast, state, clock } = start();
    const fail = () => {
      throw error;
    };
    expect(await thrown(holdfast.once({ ...job, onLeaseExpiry }, fail))).toBe(broken);
    expect(await state()).toBe(left);
    expect(clock.pending()).toBe(0);
  });

  test("is shown to the next attempt", async () => {
    const { holdfast } = start();
    await thrown(holdfast.once(job, () => Promise.reject(retryable(broken, { code: 14 }))));
    const { value, attempt, reason } = await holdfast.once(job, ({ previousError }) => previousError);
    expect(value).toMatchObject({ code: 14, message: "the card reader is on fire" });
    expect([attempt, reason]).toEqual([2, "retry"]);
  });

  test("that is terminal is replayed as FailedError, and with retry-failed run again", async () => {
    const { holdfast } = start();
    await thrown(holdfast.once(job, () => Promise.reject(terminal("no such card", { code: 5 }))));
    const error = await thrown(holdfast.once(job, () => 1));
    expect(error).toBeInstanceOf(FailedError);
    expect(error).toMatchObject({ status: { code: 5, message: "no such card" }, failReason: "reported", attempt: 1 });
    expect((await holdfast.once({ ...job, reuse: "retry-failed" }, () => 1)).attempt).toBe(2);
  });

  test("with a delay has the next caller wait for it", async () => {
    const { holdfast, clock, server } = start();
    await thrown(holdfast.once(job, () => Promise.reject(retryable(broken, { delayMs: 5_000 }))));
    const before = clock.monotonicMs();
    const { attempt } = await clock.until(holdfast.once(job, () => 1));
    expect(attempt).toBe(2);
    expect(clock.monotonicMs() - before).toBeGreaterThanOrEqual(5_000);
    expect(server.calls.filter((call) => call === "claim")).toHaveLength(3);
  });

  test("of any size and shape is stored, cut to what the server takes", async () => {
    const { holdfast, server } = start();
    const huge = `${"é\u{1f600}".repeat(10_000)}\ud800`;
    await thrown(holdfast.once(job, () => Promise.reject(terminal(huge))));
    const error = await thrown(holdfast.once(job, () => 1));
    expect(error).toBeInstanceOf(FailedError);
    const stored = (error as FailedError).status?.message ?? "";
    expect(huge.startsWith(stored)).toBe(true);
    expect(Buffer.byteLength(stored)).toBeGreaterThan(16_000);
    expect(server.warnings).toEqual([]);
  });

  test("that is no Error at all is thrown as it is", async () => {
    const { holdfast, state } = start();
    expect(await thrown(holdfast.once(job, () => Promise.reject("just text")))).toBe("just text");
    expect(await state()).toBe("available");
  });

  test("is thrown too when it cannot be stored, and a warning says so", async () => {
    const { holdfast, server } = start();
    server.meddle = async (call, pass) => {
      if (call.method === "fail") return server.refuse(new Fault("INTERNAL", "a bug"));
      return pass();
    };
    expect(await thrown(server.clock.until(holdfast.once(job, () => Promise.reject(broken))))).toBe(broken);
    expect(server.warnings).toMatchObject([{ kind: "fail-not-stored", scope: "charge", key: "evt_1" }]);
  });
});

describe("a record that somebody else has", () => {
  test("in progress is waited for no longer than timeoutMs", async () => {
    const { holdfast, clock, server, state } = start();
    const forEver = new Promise<never>(() => {});
    void holdfast.once(job, () => forEver);
    await settle();
    const before = clock.monotonicMs();
    const error = await thrown(clock.until(server.client().once({ ...job, timeoutMs: 1_000 }, () => 1)));
    expect(error).toBeInstanceOf(TimeoutError);
    expect(error).toMatchObject({ lastOutcome: "in-progress", reason: "TIMEOUT" });
    expect(clock.monotonicMs() - before).toBe(1_000);
    expect(await state()).toBe("in-progress");
  });

  test("with another input is FingerprintMismatchError, in every state", async () => {
    const { holdfast, clock } = start();
    const other = { ...job, input: { amount: 4 } };
    const running = holdfast.once(job, async () => {
      expect(await thrown(holdfast.once(other, () => 1))).toBeInstanceOf(FingerprintMismatchError);
      return 1;
    });
    await clock.until(running);
    const error = await thrown(holdfast.once(other, () => 1));
    expect(error).toBeInstanceOf(FingerprintMismatchError);
    expect(error).toMatchObject({ reason: "FINGERPRINT_MISMATCH", retryAfterMs: undefined });
  });

  test("of unknown outcome is OutcomeUnknownError with what is known", async () => {
    const { holdfast, server } = start();
    const owned = server.client({ owner: { service: "billing", instance: "pod-7" } });
    await thrown(
      owned.once({ ...job, onLeaseExpiry: "hold" }, async (attempt) => {
        await attempt.setExternalRef("pi_123");
        await attempt.checkpoint({ step: 2 }, { name: "captured" });
        throw outcomeUnknown("the provider timed out");
      }),
    );
    const error = await thrown(holdfast.once(job, () => 1));
    expect(error).toBeInstanceOf(OutcomeUnknownError);
    expect((error as OutcomeUnknownError).evidence).toMatchObject({
      reason: "reported",
      attempt: 1,
      externalRef: "pi_123",
      lastOwner: { service: "billing", instance: "pod-7" },
      lastCheckpoint: { name: "captured", sequence: 1n, data: { step: 2 } },
    });
  });

  test("past its result retention is ExpiredError, and afresh once the tombstone is gone", async () => {
    const { holdfast, clock } = start();
    const kept = { ...job, resultRetentionMs: 60_000, tombstoneRetentionMs: 60_000 };
    await holdfast.once(kept, () => 1);
    await clock.advance(60_000);
    const error = await thrown(holdfast.once(kept, () => 1));
    expect(error).toBeInstanceOf(ExpiredError);
    expect(error).toMatchObject({ endState: "completed" });
    await clock.advance(60_000);
    expect((await holdfast.once(kept, () => 2)).value).toBe(2);
  });

  test("is refused with reuse reject", async () => {
    const { holdfast } = start();
    await holdfast.once(job, () => 1);
    expect(await thrown(holdfast.once({ ...job, reuse: "reject" }, () => 1))).toMatchObject({
      reason: "RECORD_EXISTS",
    });
  });

  test("whose attempts are used up is FailedError", async () => {
    const { holdfast } = start();
    const limited = { ...job, maxAttempts: 1 };
    await thrown(holdfast.once(limited, () => Promise.reject(retryable("no"))));
    expect(await thrown(holdfast.once(limited, () => 1))).toMatchObject({ failReason: "max-attempts" });
  });

  test("and another policy is told by a warning", async () => {
    const { holdfast, server } = start();
    await holdfast.once(job, () => 1);
    await holdfast.once({ ...job, maxAttempts: 3 }, () => 1);
    expect(server.warnings).toMatchObject([{ kind: "policy-differs" }]);
  });
});

describe("what no server would take", () => {
  test.each([
    ["a scope of 129 bytes", { ...job, scope: "x".repeat(129) }, "key.scope"],
    ["an empty key", { ...job, key: "" }, "key.key"],
    ["U+0000 in a key", { ...job, key: "a\0b" }, "key.key"],
    ["a lone surrogate in a key", { ...job, key: "a\ud800" }, "key.key"],
    ["metadata of 5 KiB", { ...job, metadata: { a: "x".repeat(5_000) } }, "metadata"],
    ["an external reference of 257 bytes", { ...job, externalRef: "é".repeat(129) }, "external_ref"],
    ["a lease that is not a number", { ...job, leaseMs: Number.NaN }, "lease"],
  ])("%s is refused before any call", async (_, options, field) => {
    const { holdfast, server } = start();
    const error = await thrown(holdfast.once(options, () => 1));
    expect(error).toBeInstanceOf(HoldfastError);
    expect(error).toMatchObject({ reason: "FIELD_INVALID", violations: [{ field }] });
    expect(server.calls).toEqual([]);
  });

  test("an input without canonical JSON is a TypeError before any call", async () => {
    const { holdfast, server } = start();
    expect(await thrown(holdfast.once({ ...job, input: undefined }, () => 1))).toBeInstanceOf(TypeError);
    expect(server.calls).toEqual([]);
  });

  test("a lease of a millisecond is refused by the server, with the field and its bounds", async () => {
    const { holdfast } = start();
    const error = await thrown(holdfast.once({ ...job, leaseMs: 1 }, () => 1));
    expect(error).toMatchObject({ reason: "DURATION_OUT_OF_RANGE", violations: [{ field: "lease" }] });
  });
});
