import { randomUUID } from "node:crypto";
import { ConnectError } from "@connectrpc/connect";
import { describe, expect, test } from "vitest";
import {
  type Attempt,
  fingerprint,
  type Holdfast,
  retryable,
  terminal,
  toHoldfastError,
  type WaitEvent,
} from "../../src/client/client.ts";

/** What a client does, whatever is behind it. Each test has a key of its own. */
export function clientBehaviour(name: string, open: () => Holdfast): void {
  const scope = "same";
  const fresh = () => ({ scope, key: randomUUID(), input: null });
  const nameOf = ({ key }: { readonly key: string }) => ({ scope, key });
  const rejection = (promise: Promise<unknown>) =>
    promise.then(
      () => null,
      (error: Error) => error,
    );

  describe(name, () => {
    test.each([
      ["an object", { paid: true, cents: 1299, note: "é🙂" }],
      ["nothing", undefined],
      ["null", null],
      ["bytes", new Uint8Array([0, 1, 255])],
      ["a megabyte of text", "x".repeat(1_000_000)],
    ])("does the work once, and replays %s", async (_what, value) => {
      const holdfast = open();
      const key = fresh();
      let runs = 0;
      const work = () => {
        runs++;
        return value;
      };
      const first = await holdfast.once(key, work);
      const second = await holdfast.once(key, work);
      expect(first).toMatchObject({ value, replayed: false, attempt: 1, reason: "new" });
      expect(second).toMatchObject({ value, replayed: true, attempt: 1, reason: undefined });
      expect(runs).toBe(1);
    });

    test("has one of twenty racers do the work, and all get its result", async () => {
      const holdfast = open();
      const key = fresh();
      const all = await Promise.all(Array.from({ length: 20 }, () => holdfast.once(key, async () => randomUUID())));
      expect(new Set(all.map(({ value }) => value)).size).toBe(1);
      expect(all.filter(({ replayed }) => !replayed)).toHaveLength(1);
    });

    test("refuses another input under the same key", async () => {
      const holdfast = open();
      const key = fresh();
      await holdfast.once({ ...key, input: { a: 1 } }, () => 1);
      const error = await rejection(holdfast.once({ ...key, input: { a: 2 } }, () => 2));
      expect(error).toMatchObject({ name: "FingerprintMismatchError" });
    });

    test("tells the next attempt what went wrong, and what was left behind", async () => {
      const holdfast = open();
      const key = fresh();
      const failing = holdfast.once(key, async (attempt) => {
        await attempt.checkpoint({ page: 3 }, { name: "pages" });
        throw retryable(new Error("the provider is down"));
      });
      expect(await rejection(failing)).toMatchObject({ message: "the provider is down" });
      let seen: Pick<Attempt, "number" | "reason" | "lastCheckpoint" | "previousError"> | undefined;
      await holdfast.once(key, (attempt) => {
        seen = attempt;
      });
      expect(seen).toMatchObject({
        ...{ number: 2, reason: "retry", lastCheckpoint: { name: "pages", data: { page: 3 }, sequence: 1n } },
        previousError: { message: expect.stringContaining("the provider is down") },
      });
    });

    test("replays a terminal failure", async () => {
      const holdfast = open();
      const key = fresh();
      await rejection(holdfast.once(key, () => Promise.reject(terminal(new Error("no such account")))));
      expect(await rejection(holdfast.once(key, () => 1))).toMatchObject({ name: "FailedError" });
    });

    test("finds an unknown outcome under hold, which a reconciler settles", async () => {
      const holdfast = open();
      const key = { ...fresh(), onLeaseExpiry: "hold" as const };
      await rejection(holdfast.once(key, () => Promise.reject(new Error("timeout"))));
      expect(await rejection(holdfast.once(key, () => 1))).toMatchObject({ name: "OutcomeUnknownError" });
      await holdfast.reconcile(key, async () => ({ done: "was done" }));
      expect(await holdfast.once(key, () => 1)).toMatchObject({ value: "was done", replayed: true });
    });

    test("takes over once a lease is over, and its former holder is told", async () => {
      const holdfast = open();
      const key = { ...fresh(), leaseMs: 1_000 };
      const claim = { key: nameOf(key), fingerprint: fingerprint(null), lease: { seconds: 1n } };
      const { detail } = await holdfast.rpc.claim({ ...claim, claimId: randomUUID().replaceAll("-", "") });
      const handle = detail.case === "acquired" ? detail.value.lease?.handle : undefined;
      if (handle === undefined) throw new Error("the claim has no lease");
      expect(await holdfast.once(key, () => "mine")).toMatchObject({ reason: "takeover", attempt: 2 });
      const result = { body: { case: "inline" as const, value: new Uint8Array() } };
      const late = await rejection(holdfast.rpc.complete({ handle, result }));
      expect(toHoldfastError(late)).toMatchObject({ reason: "LEASE_SUPERSEDED" });
    });

    test("holds a record past its first lease", async () => {
      const holdfast = open();
      const key = { ...fresh(), leaseMs: 1_000 };
      const { promise, resolve } = Promise.withResolvers<void>();
      const holding = holdfast.once(key, () => promise);
      const error = await rejection(holdfast.once({ ...key, timeoutMs: 1_500 }, () => "taken over"));
      expect(error).toMatchObject({ name: "TimeoutError" });
      resolve();
      expect(await holding).toMatchObject({ attempt: 1, replayed: false });
    });

    test("gives up waiting when its signal is aborted, with the signal's reason", async () => {
      const holdfast = open();
      const key = fresh();
      const { promise, resolve } = Promise.withResolvers<void>();
      const started = Promise.withResolvers<void>();
      const holding = holdfast.once(key, () => {
        started.resolve();
        return promise;
      });
      await started.promise;
      const giveUp = new AbortController();
      const waiting = rejection(holdfast.once({ ...key, signal: giveUp.signal }, () => 1));
      giveUp.abort(new Error("enough"));
      expect(await waiting).toMatchObject({ message: "enough" });
      resolve();
      await holding;
    });

    test("ends a call at its deadline, and one whose signal is aborted", async () => {
      const { rpc } = open();
      const key = fresh();
      const claimId = () => randomUUID().replaceAll("-", "");
      await rpc.claim({ key: nameOf(key), claimId: claimId() });
      const waiting = { key: nameOf(key), claimId: claimId(), wait: { seconds: 30n } };
      const late = await rejection(rpc.claim(waiting, { timeoutMs: 200 }));
      expect(ConnectError.from(late).code).toBe(4);
      const giveUp = new AbortController();
      const cancelled = rejection(rpc.claim(waiting, { signal: giveUp.signal }));
      giveUp.abort();
      expect(ConnectError.from(await cancelled).code).toBe(1);
    });

    test("says which fields no server takes", async () => {
      const error = await rejection(open().rpc.claim({ key: { scope: "", key: "k" }, claimId: "short" }));
      const { reason, violations } = toHoldfastError(error);
      expect(reason).toBe("FIELD_INVALID");
      expect(violations.map(({ field }) => field).toSorted()).toEqual(["claim_id", "key.scope"]);
    });

    test("tells an observer of progress and end, and a result to who asks for it", async () => {
      const holdfast = open();
      const key = fresh();
      const events: WaitEvent<unknown>["kind"][] = [];
      const seen = { snapshot: Promise.withResolvers<void>(), progress: Promise.withResolvers<void>() };
      const observing = (async () => {
        for await (const { kind } of holdfast.waitFor([nameOf(key)])) {
          events.push(kind);
          if (kind === "snapshot" || kind === "progress") seen[kind].resolve();
        }
      })();
      await seen.snapshot.promise;
      await holdfast.once(key, async (attempt) => {
        attempt.progress(0.5, "half");
        await attempt.checkpoint("half");
        await seen.progress.promise;
        return 42;
      });
      await observing;
      expect(events).toContain("progress");
      expect(events.at(-1)).toBe("ended");
      expect(await holdfast.result(nameOf(key))).toBe(42);
    });

    test("leaves an observation that the caller leaves", async () => {
      const holdfast = open();
      const key = fresh();
      for await (const event of holdfast.waitFor([nameOf(key)])) {
        expect(event.kind).toBe("snapshot");
        break;
      }
      const giveUp = new AbortController();
      const waiting = holdfast.waitFor([nameOf(key)], { signal: giveUp.signal });
      await waiting.next();
      const next = rejection(waiting.next());
      giveUp.abort(new Error("enough"));
      expect(await next).toMatchObject({ message: "enough" });
    });
  });
}
