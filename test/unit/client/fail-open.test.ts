import { Code, ConnectError } from "@connectrpc/connect";
import { describe, expect, test } from "vitest";
import {
  type Attempt,
  FingerprintMismatchError,
  type HoldfastError,
  OutcomeUnknownError,
  outcomeUnknown,
  providerKey,
  retryable,
  type UnprotectedEvent,
} from "../../../src/client/client.ts";
import { Fault, type FaultCode } from "../../../src/domain/fault.ts";
import { type FakeServer, unavailable } from "./fake-server.ts";
import { settle } from "./manual-clock.ts";
import { job, start, thrown } from "./one-job.ts";

const open = { ...job, whenUnavailable: "fail-open" } as const;

/** No call reaches the server from now on. */
function cut(server: FakeServer, error: () => Error = unavailable): void {
  server.meddle = () => Promise.reject(error());
}

describe("work that fails open, while no server can be reached", () => {
  test("runs without protection after failOpenAfterMs, and everything says so", async () => {
    const { server, clock, state } = start();
    const told: UnprotectedEvent[] = [];
    const holdfast = server.client({ hooks: { onUnprotected: (event) => told.push(event) } });
    cut(server);
    const before = clock.monotonicMs();
    const seen: Partial<Attempt>[] = [];
    const done = await clock.until(
      holdfast.once(open, (attempt) => {
        seen.push(attempt);
        return { at: new Date(0) };
      }),
    );
    expect(done).toEqual({
      value: { at: "1970-01-01T00:00:00.000Z" },
      ...{ replayed: false, attempt: 0, reason: "unprotected", protected: false },
    });
    expect(seen).toMatchObject([{ isProtected: false, fence: 0n, number: 0, reason: "unprotected" }]);
    expect(clock.monotonicMs() - before).toBeLessThanOrEqual(2_000);
    expect(told).toMatchObject([{ scope: job.scope, key: job.key, error: { code: Code.Unavailable } }]);
    expect(server.warnings).toMatchObject([{ kind: "unprotected", scope: job.scope }]);
    expect([await state(), clock.pending()]).toEqual([undefined, 0]);
  });

  test.each<[string, () => Error]>([
    ["a connection that breaks", unavailable],
    ["a connection that was reset", () => new ConnectError("reset", Code.Aborted)],
    ["a call that something between has cancelled", () => new ConnectError("stop", Code.Canceled)],
  ])("%s is one", async (_, error) => {
    const { server, clock, holdfast } = start();
    cut(server, error);
    expect((await clock.until(holdfast.once(open, () => 1))).protected).toBe(false);
  });

  test.each<[string, FaultCode]>([
    ["a server without its database", "STORE_UNAVAILABLE"],
    ["a server that shuts down", "DRAINING"],
  ])("%s is none", async (_, code) => {
    const { server, clock, holdfast } = start();
    server.meddle = () => server.refuse(new Fault(code, "not now"));
    expect((await clock.until(holdfast.once(open, () => 1))).protected).toBe(false);
  });

  test("a server that never answers is waited for no longer, and not for the caller's timeout", async () => {
    const { server, clock } = start();
    const holdfast = server.client({ breaker: { failOpenAfterMs: 700 } });
    server.meddle = () => new Promise(() => undefined);
    const before = clock.monotonicMs();
    expect((await clock.until(holdfast.once({ ...open, timeoutMs: 60_000 }, () => 1))).protected).toBe(false);
    expect(clock.monotonicMs() - before).toBeLessThanOrEqual(701);
    const again = clock.monotonicMs();
    expect((await clock.until(holdfast.once({ ...open, timeoutMs: 200 }, () => 1))).protected).toBe(false);
    expect(clock.monotonicMs() - again).toBeLessThanOrEqual(201);
  });

  test("while the breaker is open is not even asked for, until one call may try", async () => {
    const { server, clock, count } = start();
    const holdfast = server.client({ breaker: { failures: 1, openMs: 5_000 } });
    cut(server);
    await clock.until(holdfast.once(open, () => 1));
    expect(holdfast.breaker).toMatchObject({ state: "open" });
    const asked = count("claim");
    const before = clock.monotonicMs();
    server.meddle = (_, pass) => pass();
    expect((await holdfast.once(open, () => 1)).protected).toBe(false);
    expect([clock.monotonicMs(), count("claim")]).toEqual([before, asked]);
    await clock.advance(5_000);
    expect(await holdfast.once(open, () => 2)).toMatchObject({ value: 2, protected: true });
    expect(holdfast.breaker).toMatchObject({ state: "closed", failures: 0, retryAfterMs: 0 });
  });

  test("throws what it throws, without a word to any server", async () => {
    const { server, clock, holdfast, count } = start();
    cut(server);
    const broken = new Error("the printer is out of paper");
    expect(await thrown(clock.until(holdfast.once(open, () => Promise.reject(retryable(broken)))))).toBe(broken);
    expect(count("fail")).toBe(0);
  });

  test("may use its attempt as ever: what is told of it goes nowhere, and bad arguments are refused as ever", async () => {
    const { server, clock } = start();
    const holdfast = server.client({ tenant: "acme" });
    cut(server);
    const { value } = await clock.until(
      holdfast.once<unknown>(open, async (attempt) => {
        await attempt.checkpoint({ page: 2 });
        await attempt.setExternalRef("pi_1");
        attempt.progress(0.5);
        expect(await thrown(attempt.checkpoint("x".repeat(70_000)))).toMatchObject({ name: "CheckpointTooLargeError" });
        expect(() => attempt.progress(2)).toThrow("progress.fraction");
        expect(() => attempt.completion(1)).toThrow("without protection");
        expect(attempt.leaseRemainingMs()).toBe(Number.POSITIVE_INFINITY);
        return attempt.keyFor("stripe");
      }),
    );
    expect(value).toBe(providerKey({ tenant: "acme", scope: job.scope, key: job.key }, "stripe", "text"));
  });

  test("has the provider's key of a protected attempt once the tenant is known, and an error before that", async () => {
    const { server, clock } = start();
    const holdfast = server.client({ breaker: { failures: 1_000 } });
    const keyOf = (key: string) => clock.until(holdfast.once({ ...open, key }, ({ keyFor }) => keyFor("stripe")));
    cut(server);
    expect(await thrown(keyOf("a"))).toMatchObject({ name: "UnprotectedError" });
    server.meddle = (_, pass) => pass();
    const { value } = await keyOf("a");
    cut(server);
    expect(await keyOf("a")).toMatchObject({ value, protected: false });
  });

  test("is told to stop when its caller goes, or the client is closed", async () => {
    const { server, clock, holdfast } = start();
    cut(server);
    const reasons: unknown[] = [];
    const work = ({ signal }: Attempt) =>
      new Promise<number>((resolve) => {
        signal.addEventListener("abort", () => {
          reasons.push(signal.reason);
          resolve(1);
        });
      });
    const caller = new AbortController();
    const first = holdfast.once({ ...open, signal: caller.signal }, work);
    await clock.advance(2_000);
    caller.abort("enough");
    await first;
    const second = holdfast.once(open, work);
    await clock.advance(2_000);
    await Promise.all([holdfast.close(), second]);
    expect(reasons).toMatchObject(["enough", { name: "ClosedError" }]);
  });
});

describe("never runs without protection", () => {
  const refusals: FaultCode[] = [
    ...(["CREDENTIALS_INVALID", "ROLE_REQUIRED", "TENANT_FORBIDDEN", "TENANT_PENDING", "TENANT_DISABLED"] as const),
    ...(["OVERLOADED", "QUOTA_NEW_RECORDS", "INTERNAL"] as const),
  ];
  const never = (): number => {
    throw new Error("this must not run");
  };

  test.each(refusals)("work that a server refuses with %s", async (code) => {
    const { server, clock, holdfast } = start();
    server.meddle = () => server.refuse(new Fault(code, "no"));
    expect(await thrown(clock.until(holdfast.once(open, never)))).toMatchObject({ reason: code });
  });

  test("work whose token cannot be fetched", async () => {
    const { server, clock } = start();
    const holdfast = server.client({ token: () => Promise.reject(new Error("down")) });
    expect(await thrown(clock.until(holdfast.once(open, never)))).toMatchObject({ name: "TokenUnavailableError" });
  });

  test("work that is known: of another input, or of an unknown outcome", async () => {
    const { holdfast } = start();
    await thrown(holdfast.once(job, () => Promise.reject(outcomeUnknown("timeout"))));
    expect(await thrown(holdfast.once(open, never))).toBeInstanceOf(OutcomeUnknownError);
    expect(await thrown(holdfast.once({ ...open, input: 2 }, never))).toBeInstanceOf(FingerprintMismatchError);
  });

  test("work that somebody was at when the server was last heard of", async () => {
    const { server, clock, holdfast } = start();
    void server.client().once(job, () => new Promise<number>(() => undefined));
    await settle();
    const waiting = holdfast.once(open, never);
    waiting.catch(() => undefined);
    await clock.advance(10);
    cut(server);
    const error = (await thrown(clock.until(waiting))) as HoldfastError;
    expect(error).toMatchObject({ name: "TransportError", code: Code.Unavailable });
  });

  test("work that has begun under a lease: a server that goes then leaves it as it is", async () => {
    const { server, clock, holdfast } = start();
    let runs = 0;
    const work = () => {
      runs++;
      cut(server);
      return runs;
    };
    expect(await thrown(clock.until(holdfast.once(open, work)))).toMatchObject({
      name: "CompleteFailedError",
      value: 1,
    });
    expect(runs).toBe(1);
  });

  test("work whose caller has gone, or whose client is closed", async () => {
    const { server, clock, holdfast } = start();
    cut(server);
    // The second is what a caller of a caller may have got from a call of its own.
    for (const reason of ["enough", unavailable()]) {
      const caller = new AbortController();
      const gone = holdfast.once({ ...open, signal: caller.signal }, never);
      caller.abort(reason);
      expect(await thrown(gone)).toBe(reason);
    }
    const closed = thrown(holdfast.once(open, never));
    await clock.until(holdfast.close());
    expect(await closed).toMatchObject({ name: "ClosedError" });
  });

  test("work that fails closed, as all does that does not say otherwise", async () => {
    const { server, clock, holdfast } = start();
    cut(server);
    const before = clock.monotonicMs();
    expect(await thrown(clock.until(holdfast.once(job, never)))).toMatchObject({ name: "TransportError" });
    expect(clock.monotonicMs() - before).toBeGreaterThan(40_000);
  });

  test("with a claim whose answer was lost, what it holds: its lease is left to end by itself", async () => {
    const { server, clock, holdfast, count, state } = start();
    server.meddle = async (call, pass) => {
      if (call.method === "claim") await pass();
      throw unavailable();
    };
    expect((await clock.until(holdfast.once({ ...open, leaseMs: 30_000 }, () => 1))).protected).toBe(false);
    expect([await state(), count("fail")]).toEqual(["in-progress", 0]);
  });
});

test.each([
  [{ onLeaseExpiry: "hold" } as const, /"fail-open" runs work twice/],
  [{ whenUnavailable: "fail-safe" as never }, /must be "fail-closed" or "fail-open"/],
])("%j is refused before any call", async (options, message) => {
  const { holdfast, server } = start();
  const error = await thrown(holdfast.once({ ...open, ...options }, () => 1));
  expect(error).toBeInstanceOf(TypeError);
  expect((error as Error).message).toMatch(message);
  expect(server.calls).toEqual([]);
});
