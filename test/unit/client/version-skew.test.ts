import type { Message } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { describe, expect, test } from "vitest";
import type { ClaimResponse, WaitForResponse } from "../../../gen/holdfast/v1/idempotency_pb.ts";
import { notStarted, outcomeUnknown, terminal, type WaitEvent } from "../../../src/client/client.ts";
import { type FakeServer, unavailable } from "./fake-server.ts";
import { ofTheFuture } from "./future.ts";
import { job, start, thrown } from "./one-job.ts";

/** The server's answers go through this, in place. */
function meddle(server: FakeServer, change: (answer: Message, method: string) => void): void {
  server.meddle = async ({ method }, pass) => {
    const answer = await pass();
    change(answer, method);
    return answer;
  };
  server.meddleStream = async function* (messages, { method }) {
    for await (const message of messages) {
      change(message, method);
      yield message;
    }
  };
}

/** As `start`, with a server that is newer than the client. */
function future() {
  const all = start();
  meddle(all.server, (answer, method) => ofTheFuture(method, answer));
  return all;
}

describe("an old client with a new server, whose every message has a new field and every enum a new value,", () => {
  test("does its work and replays it; what it does not know is unspecified", async () => {
    const { holdfast } = future();
    const first = await holdfast.once(job, async (attempt) => {
      await attempt.checkpoint({ page: 1 });
      return attempt.reason;
    });
    expect(first).toMatchObject({ value: "unspecified", reason: "unspecified", attempt: 1, replayed: false });
    expect(await holdfast.once(job, () => "never")).toMatchObject({ value: "unspecified", replayed: true });
  });

  test("waits for somebody else's, and holds its lease by heartbeats", async () => {
    const { holdfast, server, clock, count } = future();
    const work = async () => {
      await clock.sleep(25_000, new AbortController().signal);
      return 1;
    };
    const both = [holdfast.once(job, work), server.client().once(job, work)];
    const [a, b] = await clock.until(Promise.all(both));
    expect([a?.value, b?.value, a?.replayed, b?.replayed]).toEqual([1, 1, false, true]);
    expect(count("heartbeat")).toBeGreaterThan(1);
  });

  test.each([
    [terminal("no"), { name: "FailedError", failReason: "unspecified", status: { message: "no" } }],
    [outcomeUnknown("timeout"), { name: "OutcomeUnknownError", evidence: { reason: "unspecified", attempt: 1 } }],
  ])("tells how it has ended: %s", async (error, expected) => {
    const { holdfast } = future();
    await thrown(holdfast.once(job, () => Promise.reject(error)));
    expect(await thrown(holdfast.once(job, () => 1))).toMatchObject(expected);
  });

  test("tells that it is expired, and not that it was completed when it does not know", async () => {
    const { holdfast, clock } = future();
    await holdfast.once({ ...job, resultRetentionMs: 60_000 }, () => 1);
    await clock.advance(60_000);
    const error = await thrown(holdfast.once(job, () => 1));
    expect(error).toMatchObject({ name: "ExpiredError", endState: "unspecified" });
    expect((error as Error).message).toBe("the work has ended, and its result is no longer kept");
  });

  test("reconciles an unknown outcome", async () => {
    const { holdfast } = future();
    await thrown(holdfast.once(job, () => Promise.reject(outcomeUnknown("timeout"))));
    expect(await holdfast.reconcile(job, async () => ({ done: 7 }))).toEqual({ kind: "settled", verdict: "done" });
    expect(await holdfast.result(job)).toBe(7);
  });

  test("is told of what it waits for, to the end", async () => {
    const { holdfast, clock } = future();
    const events: WaitEvent[] = [];
    const read = (async () => {
      for await (const event of holdfast.waitFor([job])) events.push(event);
    })();
    await clock.advance(10);
    await thrown(holdfast.once(job, () => Promise.reject(notStarted("not yet"))));
    const working = holdfast.once(job, async (attempt) => {
      await attempt.checkpoint({ page: 1 });
      attempt.progress(0.5);
      await clock.sleep(2_000, attempt.signal);
      return 5;
    });
    await clock.until(working);
    await clock.until(read);
    expect(events.at(0)).toMatchObject({ kind: "snapshot" });
    expect(events.at(-1)).toMatchObject({ kind: "ended", end: { kind: "completed", value: 5 } });
  });
});

describe("an answer that holds nothing that this client knows", () => {
  const claimWithout = (answer: Message) => {
    (answer as ClaimResponse).detail = { case: undefined };
  };
  const incomplete = {
    name: "AnswerIncompleteError",
    reason: "ANSWER_INCOMPLETE",
    remedy: expect.stringContaining("versions"),
  };

  test("to a claim is an error, and the work does not run", async () => {
    const { server, holdfast } = start();
    meddle(server, claimWithout);
    const never = () => {
      throw new Error("this must not run");
    };
    expect(await thrown(holdfast.once(job, never))).toMatchObject(incomplete);
    expect(await thrown(holdfast.once({ ...job, whenUnavailable: "fail-open" }, never))).toMatchObject(incomplete);
    expect(await thrown(holdfast.reconcile(job, async () => ({ unknown: true })))).toMatchObject(incomplete);
  });

  test("to a wait is passed over when it is a change, and an error when it is an end", async () => {
    const { server, clock, holdfast } = start();
    await holdfast.once(job, () => 1);
    meddle(server, (message) => {
      const { event } = message as WaitForResponse;
      if (event.case === "snapshot") (message as WaitForResponse).event = { case: undefined };
    });
    expect(await holdfast.result(job)).toBe(1);
    meddle(server, (message) => {
      const { event } = message as WaitForResponse;
      if (event.case === "ended") event.value.detail = { case: undefined };
    });
    expect(await thrown(clock.until(holdfast.result(job)))).toMatchObject(incomplete);
  });
});

describe("a new client with an old server", () => {
  const acquired = (change: (lease: NonNullable<LeaseOf>) => void) => (answer: Message) => {
    const { detail } = answer as ClaimResponse;
    if (detail?.case === "acquired" && detail.value.lease !== undefined) change(detail.value.lease);
  };
  type LeaseOf = Extract<ClaimResponse["detail"], { case: "acquired" }>["value"]["lease"];

  test("that recommends no heartbeats sends some all the same", async () => {
    const { server, clock, holdfast, count } = start();
    meddle(
      server,
      acquired((lease) => {
        lease.heartbeatInterval = undefined as never;
      }),
    );
    await clock.until(holdfast.once(job, () => clock.sleep(25_000, new AbortController().signal)));
    expect(count("heartbeat")).toBe(2);
  });

  test("that does not say which record a lease is for has no keys for providers, and everything else", async () => {
    const { server, holdfast } = start();
    meddle(
      server,
      acquired((lease) => {
        if (lease.handle !== undefined) lease.handle.key = undefined as never;
      }),
    );
    const error = await thrown(holdfast.once(job, ({ keyFor }) => keyFor("stripe")));
    expect(error).toMatchObject({ name: "AnswerIncompleteError" });
  });

  test("that gives no lease with ACQUIRED is told so, and the work does not run", async () => {
    const { server, holdfast } = start();
    meddle(server, (answer) => {
      const { detail } = answer as ClaimResponse;
      if (detail?.case === "acquired") detail.value.lease = undefined as never;
    });
    expect(await thrown(holdfast.once(job, () => 1))).toMatchObject({ name: "AnswerIncompleteError" });
  });

  test("that gives no result with COMPLETED is told so", async () => {
    const { server, holdfast } = start();
    await holdfast.once(job, () => 1);
    meddle(server, (answer) => {
      const { detail } = answer as ClaimResponse;
      if (detail?.case === "completed") detail.value.result = undefined as never;
    });
    expect(await thrown(holdfast.once(job, () => 1))).toMatchObject({ name: "AnswerIncompleteError" });
  });

  test.each([
    ["Claim", (all: ReturnType<typeof start>) => all.holdfast.once(job, () => 1)],
    ["WaitFor", (all: ReturnType<typeof start>) => all.holdfast.result(job)],
  ])("that has no %s yet is not asked again, and the error says what to look at", async (_, call) => {
    const all = start();
    const none = () => new ConnectError("no such method", Code.Unimplemented);
    all.server.meddle = () => Promise.reject(none());
    // biome-ignore lint/correctness/useYield: a stream that ends before its first message.
    all.server.meddleStream = async function* () {
      throw none();
    };
    const error = await thrown(call(all));
    expect(error).toMatchObject({ name: "TransportError", code: Code.Unimplemented, reason: "" });
    expect(error).toMatchObject({ remedy: expect.stringContaining("older than this client") });
    expect(all.server.calls).toHaveLength(1);
  });
});

test("a server that vanishes in the middle of a stream is an error once the total time is over", async () => {
  const { server, clock } = start();
  const holdfast = server.client({ retry: { totalTimeoutMs: 5_000 } });
  server.meddleStream = async function* (messages) {
    for await (const message of messages) {
      yield message;
      break;
    }
    // biome-ignore lint/correctness/useYield: a stream that ends before its first message.
    server.meddleStream = async function* () {
      throw unavailable();
    };
    throw unavailable();
  };
  const before = clock.monotonicMs();
  expect(await thrown(clock.until(holdfast.result(job)))).toMatchObject({ name: "TransportError" });
  expect(clock.monotonicMs() - before).toBeLessThanOrEqual(5_000);
});
