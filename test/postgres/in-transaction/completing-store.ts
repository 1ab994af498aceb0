import { systemClock } from "../../../src/clock.ts";
import type { FinishAnswer, FinishCall } from "../../../src/domain/calls.ts";
import type { FaultCode } from "../../../src/domain/fault.ts";
import type { Instant } from "../../../src/domain/instant.ts";
import { openSession, type Session } from "../../../src/store/postgres/connection.ts";
import { formatInstant } from "../../../src/store/postgres/instant.ts";
import type { StoreUnderTest } from "../../store/contract.ts";
import { createTestDatabase } from "../../support/database.ts";
import { NOW } from "../../support/records.ts";
import { openStoreOn } from "../store/open-store.ts";

interface Row {
  readonly already_applied: boolean;
  readonly late: boolean;
  readonly has_waiters: boolean;
  readonly due: Instant;
  readonly ended_at: Instant;
  readonly refusal: FaultCode | null;
}

const COMPLETE = {
  name: "test_complete_record",
  text: "select * from holdfast.complete_record($1, $2, $3, $4, $5, $6, $7, $8::timestamptz)",
};

/** A store on Postgres whose completions go by the function that callers have in their transactions. */
export async function openCompletingStore(): Promise<StoreUnderTest & { readonly completed: () => number }> {
  const database = await createTestDatabase();
  let now: Instant = NOW;
  let completed = 0;
  /** One at a time: the session is one. */
  let last: Promise<unknown> = Promise.resolve();
  const store = await openStoreOn(database.url, { asOf: () => now });
  const session = await openSession({ url: database.ownerUrl, clock: systemClock });
  return {
    store: {
      ...store,
      finish(call, deadline) {
        // What Complete never says the function does not take.
        if (call.kind !== "complete" || call.checkpoint !== null || call.onlyIfDue !== null || call.outcome === null) {
          return store.finish(call, deadline);
        }
        completed++;
        const asOf = now;
        const answer = last.then(() => completeBy(session, call, asOf));
        last = answer.catch(() => undefined);
        return answer;
      },
    },
    completed: () => completed,
    setNow: (instant) => {
      now = instant;
    },
    now: () => now,
    async close() {
      await session.close();
      await store.close();
      await database.drop();
    },
  };
}

/** The function, called as a statement; its decision is at `now`. */
export async function completeBy(session: Session, call: FinishCall, now: Instant): Promise<FinishAnswer> {
  const { key, proof, outcome, digest } = call;
  const [row] = await session.query<Row>(COMPLETE, [
    ...[key.tenant, key.scope, key.key],
    ...[Buffer.from(proof.token), proof.fence, Buffer.from(outcome ?? ""), Buffer.from(digest), formatInstant(now)],
  ]);
  if (row === undefined) throw new Error("bug: no row from a function");
  const { refusal, due, ended_at } = row;
  if (refusal !== null) return { kind: "fault", code: refusal, now: ended_at };
  return {
    ...{ kind: "ended", state: "completed", due, now: ended_at },
    ...{ alreadyApplied: row.already_applied, late: row.late, hasWaiters: row.has_waiters },
  };
}
