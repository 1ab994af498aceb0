import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Code } from "../../gen/google/rpc/code_pb.ts";
import { AcquireReason, SessionGoodbye_Reason } from "../../gen/holdfast/v1/idempotency_pb.ts";
import { createTestDatabase, type TestDatabase } from "../support/database.ts";
import { newKey } from "./callers.ts";
import { untilSumIs } from "./metrics-page.ts";
import { startServer } from "./server.ts";
import { CALLS } from "./server-pair.ts";
import { type Answer, answerAs, type CallInit, claim, complete, hold, openSession } from "./session-caller.ts";
import { claimOf, type Key, newKeys } from "./waiting-calls.ts";

let database: TestDatabase;

beforeAll(async () => {
  database = await createTestDatabase();
});

afterAll(() => database?.drop());

describe.concurrent("when its server shuts down, a session", () => {
  test("says goodbye, answers what is open and ends with OK; and the server ends with 0", async () => {
    await using going = await startServer({ databaseUrl: database.url });
    using session = openSession(going.grpc);
    const key = newKey();
    await hold(session, key);
    const waiting = session.call(claim(key, { wait: 50 }));
    await untilSumIs([going], CALLS, 1);
    going.signal("SIGTERM");
    expect(await session.goodbye).toBe(SessionGoodbye_Reason.DRAINING);
    const { code, details } = answerAs(await waiting, "error");
    expect(code).toBe(Code.UNAVAILABLE);
    expect(details.map(({ typeUrl }) => typeUrl)).toContain("type.googleapis.com/google.rpc.RetryInfo");
    expect((await session.ended).code).toBe(Code.OK);
    expect(await going.exited).toEqual({ code: 0, signal: null });
    expect(await going.logged("stopped")).toMatchObject({ clean: true });
  });

  test("loses and doubles nothing for a client that moves to another server with the same claim ids", async () => {
    await using going = await startServer({ databaseUrl: database.url });
    await using staying = await startServer({ databaseUrl: database.url });
    using first = openSession(going.grpc);
    using second = openSession(staying.grpc);
    let session = first;
    void first.goodbye.then(() => {
      session = second;
    });
    /** Until it is answered by something else than the server's end. */
    const insist = async (call: CallInit): Promise<Answer> => {
      for (;;) {
        const answer = await session.call(call);
        if (answer === null) session = second;
        else if (answer.case !== "error" || answer.value.code !== Code.UNAVAILABLE) return answer;
        else session = second;
      }
    };
    let done = 0;
    const work = async (key: Key) => {
      const call: CallInit = { case: "claim", value: claimOf(key) };
      const { detail } = answerAs(await insist(call), "claim");
      if (detail.case !== "acquired") throw new Error(`somebody else has it: ${detail.case}`);
      expect([AcquireReason.NEW, AcquireReason.REATTACHED]).toContain(detail.value.reason);
      if (detail.value.lease?.handle === undefined) throw new Error("no handle");
      answerAs(await insist(complete(detail.value.lease.handle)), "complete");
      done++;
      if (done === 200) going.signal("SIGTERM");
    };
    const lanes = Array.from({ length: 50 }, async () => {
      for (const key of newKeys(20)) await work(key);
    });
    await Promise.all(lanes);
    expect(await going.exited).toEqual({ code: 0, signal: null });
    expect(done).toBe(1000);
  });
});
