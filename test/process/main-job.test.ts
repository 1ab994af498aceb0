import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ClaimOutcome, type ClaimResponse, IdempotencyService } from "../../gen/holdfast/v1/idempotency_pb.ts";
import { createTestDatabase, type TestDatabase } from "../support/database.ts";
import { CALLERS, type Caller, newClaimId, newKey } from "./callers.ts";
import { type ServerProcess, startServer } from "./server.ts";

const { method } = IdempotencyService;

let database: TestDatabase;
let server: ServerProcess;

beforeAll(async () => {
  database = await createTestDatabase();
  server = await startServer({ databaseUrl: database.url });
});

afterAll(async () => {
  await server?.[Symbol.asyncDispose]();
  await database?.drop();
});

describe.each(Object.entries(CALLERS))("%s", (_name, open) => {
  test("a claim is acquired, a second caller is told IN_PROGRESS, and after the end everybody gets the result", async () => {
    using caller = open(server);
    const key = newKey();

    const first = await caller.call(method.claim, { key, claimId: newClaimId() });
    expect(first.outcome).toBe(ClaimOutcome.ACQUIRED);
    const second = await caller.call(method.claim, { key, claimId: newClaimId() });
    expect(second.outcome).toBe(ClaimOutcome.IN_PROGRESS);
    expect(second.detail.case === "inProgress" && second.detail.value.retryAfter?.seconds).toBeGreaterThan(0n);

    const body = new Uint8Array([0, 255, 10, 13]);
    const result = { body: { case: "inline", value: body }, contentType: "application/x-bytes" } as const;
    const completed = await caller.call(method.complete, { handle: handleOf(first), result });
    expect(completed).toMatchObject({ alreadyApplied: false, late: false });
    expect(await caller.call(method.complete, { handle: handleOf(first), result })).toMatchObject({
      alreadyApplied: true,
    });

    const replay = await caller.call(method.claim, { key, claimId: newClaimId() });
    expect(replay.outcome).toBe(ClaimOutcome.COMPLETED);
    expect(bytesOf(replay)).toEqual(body);
  });

  test("a heartbeat keeps the lease, and a failure that may be retried gives the record to the next caller", async () => {
    using caller = open(server);
    const key = newKey();
    const handle = handleOf(await caller.call(method.claim, { key, claimId: newClaimId(), lease: { seconds: 5n } }));

    const extended = await caller.call(method.heartbeat, { handle, lease: { seconds: 60n } });
    expect(extended.lease?.remaining?.seconds).toBeGreaterThan(50n);
    await caller.call(method.fail, { handle, kind: 1, error: { code: 14, message: "the provider was down" } });

    const next = await caller.call(method.claim, { key, claimId: newClaimId() });
    expect(next.detail.case === "acquired" && next.detail.value.lease?.attempt).toBe(2);
  });
});

test("what was ended over one protocol is replayed over every other", async () => {
  const key = newKey();
  const callers = Object.values(CALLERS).map((open) => open(server));
  const [first] = callers as [Caller];
  const claimed = await first.call(method.claim, { key, claimId: newClaimId() });
  const result = { body: { case: "inline", value: new TextEncoder().encode("done") } } as const;
  await first.call(method.complete, { handle: handleOf(claimed), result });

  const replays = await Promise.all(callers.map((caller) => caller.call(method.claim, { key, claimId: newClaimId() })));
  expect(replays.map(bytesOf)).toEqual(callers.map(() => result.body.value));
  for (const caller of callers) caller[Symbol.dispose]();
});

function handleOf(claimed: { detail: { case?: string | undefined; value?: unknown } }) {
  const { lease } = claimed.detail.value as { lease?: { handle?: object } };
  if (claimed.detail.case !== "acquired" || lease?.handle === undefined) throw new Error("not acquired");
  return lease.handle;
}

/** A copy: some libraries hand out a Buffer, which is equal to no Uint8Array. */
function bytesOf({ detail }: ClaimResponse): Uint8Array | undefined {
  const body = detail.case === "completed" ? detail.value.result?.body : undefined;
  return body?.case === "inline" ? Uint8Array.from(body.value) : undefined;
}
