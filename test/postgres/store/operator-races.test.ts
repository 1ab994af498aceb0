import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { OperatorAnswer, Verdict } from "../../../src/store/operator-store.ts";
import { purgeRecords } from "../../../src/store/postgres/purge.ts";
import type { Store } from "../../../src/store/store.ts";
import { policyOf } from "../../store/bench.ts";
import { OPERATOR } from "../../support/operating.ts";
import { bytes, LEASE_MS } from "../../support/records.ts";
import { createScene, openSessions, type Sessions } from "./sessions.ts";

let sessions: Sessions;
beforeAll(async () => {
  sessions = await openSessions();
});
afterAll(() => sessions.close());

const NEVER = Number.POSITIVE_INFINITY;
const HOLD = policyOf({ hold: true });
const COMPLETED: Verdict = { kind: "completed", outcome: bytes("what the operator found") };

/** What both sides were answered, and what stands in the end. */
function scene() {
  const made = createScene(sessions);
  const { key, a } = made;
  const why = (answer: OperatorAnswer) => (answer.kind === "refused" ? answer.why : answer.record.state);
  const release = async (store: Store, fence: bigint) => why(await store.release({ ...OPERATOR, key, fence }, NEVER));
  const resolve = async (store: Store, fence: bigint, force = false) =>
    why(await store.resolve({ ...OPERATOR, key, fence, force, verdict: COMPLETED }, NEVER));
  const reset = async (store: Store, fence: bigint, force = false) =>
    why(await store.reset({ ...OPERATOR, key, fence, force }, NEVER));
  const purge = async (store: Store, force = false) => {
    const { keys, held } = await store.purge({ ...OPERATOR, ...key, force, limit: 10, after: null }, NEVER);
    return keys.length === 1 ? "purged" : held === 1 ? "held" : "nothing";
  };
  const lines = async () => {
    const text = "select action from holdfast.audit where tenant = $1 and record_scope = $2 order by sequence";
    const rows = await sessions.observer.query<{ action: string }>({ name: "test_lines", text }, [
      key.tenant,
      key.scope,
    ]);
    return rows.length;
  };
  const stateOf = async () => (await a.find())?.state ?? "absent";
  return { ...made, release, resolve, reset, purge, stateOf, lines };
}

describe("a release and a complete at once", () => {
  test("the end that comes first stands, and there is nothing to release", async () => {
    const { a, race, release, storeB, stateOf, lines } = scene();
    const before = await lines();
    const lease = await a.acquire();
    expect(
      await race(
        () => a.finished(lease, "complete"),
        () => release(storeB, lease.fence),
      ),
    ).toEqual(["completed", "state"]);
    expect(await stateOf()).toBe("completed");
    expect(await lines()).toBe(before);
  });

  test("the release that comes first supersedes the holder", async () => {
    const { a, b, race, release, storeA, stateOf, lines } = scene();
    const before = await lines();
    const lease = await a.acquire();
    expect(
      await race(
        () => release(storeA, lease.fence),
        () => b.finished(lease, "complete"),
      ),
    ).toEqual(["available", "LEASE_SUPERSEDED"]);
    expect(await stateOf()).toBe("available");
    expect(await lines()).toBe(before + 1);
  });

  test("under HOLD the holder's end counts also behind a release", async () => {
    const { a, b, race, release, storeA, stateOf } = scene();
    const lease = await a.acquire({ policy: HOLD });
    expect(
      await race(
        () => release(storeA, lease.fence),
        () => b.finished(lease, "complete"),
      ),
    ).toEqual(["outcome-unknown", "completed, late"]);
    expect(await stateOf()).toBe("completed");
  });
});

describe("a resolution and a late complete by the suspect at once", () => {
  test.each(["the suspect", "the operator"])("%s comes first, and its end stands", async (first) => {
    const { a, b, advance, race, resolve, storeA, storeB, lines } = scene();
    const before = await lines();
    const suspect = await a.acquire({ policy: HOLD });
    advance(LEASE_MS);
    const suspectEnds = (bench: typeof a) => () =>
      bench.finished(suspect, "complete", { outcome: bytes("it was done") });
    const answers =
      first === "the suspect"
        ? await race(suspectEnds(a), () => resolve(storeB, suspect.fence))
        : await race(() => resolve(storeA, suspect.fence), suspectEnds(b));
    expect(answers).toEqual(first === "the suspect" ? ["completed, late", "state"] : ["completed", "LEASE_SUPERSEDED"]);
    const outcome = bytes(first === "the suspect" ? "it was done" : "what the operator found");
    expect(await a.claim()).toMatchObject({ kind: "completed", record: { outcome } });
    expect(await lines()).toBe(before + (first === "the suspect" ? 0 : 1));
  });

  test("a reconciler that acquires first is not overrun: the fence is another", async () => {
    const { a, advance, race, resolve, storeB } = scene();
    const suspect = await a.acquire({ policy: HOLD });
    advance(LEASE_MS);
    const answers = await race(
      () => a.claimed({ intent: "reconcile" }),
      () => resolve(storeB, suspect.fence, true),
    );
    expect(answers).toEqual(["acquired reconcile", "changed"]);
  });
});

describe("a reset and a claim at once", () => {
  test("whoever claims first is not overrun, even by force", async () => {
    const { a, advance, race, reset, storeB, stateOf } = scene();
    const { fence } = await a.acquire();
    advance(LEASE_MS);
    expect(
      await race(
        () => a.claimed(),
        () => reset(storeB, fence, true),
      ),
    ).toEqual(["acquired takeover", "changed"]);
    expect(await stateOf()).toBe("in-progress");
  });

  test("a claim that waits for a reset is a first claim", async () => {
    const { a, b, advance, race, reset, storeA } = scene();
    const { fence } = await a.acquire();
    advance(LEASE_MS);
    expect(
      await race(
        () => reset(storeA, fence),
        () => b.claimed(),
      ),
    ).toEqual(["available", "acquired new"]);
    expect(await a.peek()).toMatchObject({ attempt: 1 });
  });

  test("a reset that is not forced leaves alone what a heartbeat revives", async () => {
    const { a, advance, race, reset, storeB } = scene();
    const lease = await a.acquire();
    advance(LEASE_MS);
    expect(
      await race(
        () => a.heartbeat(lease),
        () => reset(storeB, lease.fence),
      ),
    ).toEqual(["extended", "held"]);
  });
});

describe("a reset and an end at once", () => {
  test("leaves a result that it was not asked to wipe, and without a state wipes it", async () => {
    for (const state of ["outcome-unknown", null] as const) {
      const { a, key, advance, race, storeB, stateOf } = scene();
      const suspect = await a.acquire({ policy: HOLD });
      advance(LEASE_MS);
      const [, answer] = await race(
        () => a.finished(suspect, "complete"),
        () => storeB.reset({ ...OPERATOR, key, fence: suspect.fence, force: false, state }, NEVER),
      );
      expect(answer).toMatchObject(state === null ? { kind: "changed-record" } : { kind: "refused", why: "changed" });
      expect(await stateOf()).toBe(state === null ? "available" : "completed");
    }
  });

  test("tells in its line the attempt that it wiped, not the one that was there before", async () => {
    const { a, race, reset, storeB, key } = scene();
    const lease = await a.acquire();
    expect(
      await race(
        () => a.finished(lease, "not-started"),
        () => reset(storeB, lease.fence, true),
      ),
    ).toEqual(["available", "available"]);
    const text = "select detail from holdfast.audit where record_key = $1";
    const [line] = await sessions.observer.query<{ detail: unknown }>({ name: "test_detail", text }, [key.key]);
    expect(line?.detail).toMatchObject({ attempt: 0 });
  });
});

describe("a purge and a claim at once", () => {
  test("a purge that is not forced leaves alone what was claimed before it came to it", async () => {
    const { a, advance, race, purge, storeB, stateOf } = scene();
    await a.acquire();
    advance(LEASE_MS);
    expect(
      await race(
        () => a.claimed(),
        () => purge(storeB),
      ),
    ).toEqual(["acquired takeover", "held"]);
    expect(await stateOf()).toBe("in-progress");
  });

  test("a claim that waits for a purge creates the record anew, above its fence", async () => {
    const { a, b, advance, race, purge, storeA } = scene();
    const { fence } = await a.acquire();
    advance(LEASE_MS);
    expect(
      await race(
        () => purge(storeA),
        () => b.claimed(),
      ),
    ).toEqual(["purged", "acquired new"]);
    const record = await a.peek();
    expect(record.attempt).toBe(1);
    expect(record.lease.fence).toBeGreaterThan(fence);
  });

  test("an end that comes to a purged record finds nothing", async () => {
    const { a, b, race, purge, storeA } = scene();
    const lease = await a.acquire();
    expect(
      await race(
        () => purge(storeA, true),
        () => b.finished(lease, "complete"),
      ),
    ).toEqual(["purged", "RECORD_NOT_FOUND"]);
  });

  test("of two purges one deletes the record", async () => {
    const { a, race, purge, storeA, storeB, lines } = scene();
    const before = await lines();
    await a.finish(await a.acquire(), "complete");
    expect(
      (
        await race(
          () => purge(storeA),
          () => purge(storeB),
        )
      ).toSorted(),
    ).toEqual(["nothing", "purged"]);
    expect(await lines()).toBe(before + 1);
  });

  test("is made in one go beside others who write to the audit log", async () => {
    const { a, key, race, release, storeA, time } = scene();
    const lease = await a.acquire();
    const call = { ...OPERATOR, ...key, force: true, limit: 10, after: null };
    const [, purged] = await race(
      () => release(storeA, lease.fence),
      () => purgeRecords(sessions.b, call, time),
    );
    expect(purged).toMatchObject({ keys: [key], redacted: 1 });
  });

  test("that fails in the middle leaves nothing behind, and the session usable", async () => {
    const { a, key, time, lines } = scene();
    await a.finish(await a.acquire(), "complete");
    const before = await lines();
    const call = { ...OPERATOR, ...key, force: true, limit: 10, after: null };
    const broken = { ...time, asOf: () => "never" };
    await expect(purgeRecords(sessions.b, call, broken)).rejects.toMatchObject({ code: "22007" });
    expect(await lines()).toBe(before);
    expect(await purgeRecords(sessions.b, call, time)).toMatchObject({ keys: [key] });
  });

  test("blots the key out of a line that was written while the purge waited for it", async () => {
    const { a, key, race, release, purge, storeA, storeB } = scene();
    const lease = await a.acquire();
    expect(
      await race(
        () => release(storeA, lease.fence),
        () => purge(storeB, true),
      ),
    ).toEqual(["available", "purged"]);
    const text = "select from holdfast.audit where record_key = $1";
    expect(await sessions.observer.query({ name: "test_keys", text }, [key.key])).toEqual([]);
  });
});

test("of two operators who do the same at once one does it, and the other is told that the record has changed", async () => {
  const { a, race, release, reset, storeA, storeB, lines } = scene();
  const before = await lines();
  const first = await a.acquire();
  expect(
    await race(
      () => release(storeA, first.fence),
      () => release(storeB, first.fence),
    ),
  ).toEqual(["available", "changed"]);
  const { lease } = await a.peek();
  expect(
    await race(
      () => reset(storeA, lease.fence),
      () => reset(storeB, lease.fence),
    ),
  ).toEqual(["available", "changed"]);
  expect(await lines()).toBe(before + 2);
});
