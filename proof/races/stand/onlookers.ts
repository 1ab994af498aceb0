import { systemClock } from "../../../src/clock.ts";
import { msBetween } from "../../../src/domain/instant.ts";
import type { RecordKey } from "../../../src/domain/key.ts";
import { hasEnded, type Proof, type StoredRecord } from "../../../src/domain/record.ts";
import type { Store } from "../../../src/store/store.ts";
import type { Waiter } from "../../../src/waiting/waiter.ts";
import { finishOf } from "../../../test/support/records.ts";
import { NEVER } from "./records.ts";
import { until } from "./rows.ts";
import type { Server } from "./server.ts";

/** Resolves when somebody who waits there has been shown the record's end: with how long after it, by the database. */
export function seesEnd({ hub }: Pick<Server, "hub">, key: RecordKey): Promise<number> {
  const { promise, resolve } = Promise.withResolvers<number>();
  const onlooker: Waiter = {
    see({ record, now }) {
      if (record === null || !hasEnded(record)) return "wait";
      joined.leave(onlooker);
      resolve(msBetween(record.endTime ?? now, now));
      return "wait";
    },
    claim() {
      throw new Error("bug: an onlooker wishes for nothing");
    },
    dismiss: () => joined.leave(onlooker),
  };
  const joined = hub.join(key, onlooker);
  return promise;
}

/** Ends it; returns whether the record was flagged. */
export async function complete(
  store: Store,
  { key, lease: proof }: { key: RecordKey; lease: Proof },
): Promise<boolean> {
  const answer = await store.finish(finishOf({ key, proof }), NEVER);
  if (answer.kind !== "ended") throw new Error(`bug: the end was answered ${answer.kind}`);
  return answer.hasWaiters;
}

/** How many of them have not ended by then. */
export async function missing(waits: readonly Promise<unknown>[], withinMs: number): Promise<number> {
  let left = waits.length;
  const all = Promise.all(waits.map((wait) => wait.then(() => left--)));
  const over = new AbortController();
  const late = systemClock.sleep(withinMs, over.signal).catch(() => undefined);
  await Promise.race([all, late]);
  over.abort();
  return left;
}

/** Onlookers who have seen the records open and flagged. */
export async function settledWaits(
  waiter: Server,
  records: readonly StoredRecord[],
): Promise<readonly Promise<number>[]> {
  const ends = records.map(({ key }) => seesEnd(waiter, key));
  await until(async () => {
    const read = await Promise.all(records.map(({ key }) => waiter.dying.peek(key, NEVER)));
    return read.every(({ record }) => record?.hasWaiters === true);
  });
  return ends;
}

/** As if another server had somebody who waits. */
export async function flag(store: Store, records: readonly StoredRecord[]): Promise<void> {
  await Promise.all(
    records.map(({ key, lease: { fence } }) => store.watch({ key, state: "in-progress", fence }, NEVER)),
  );
}
