import { randomUUID } from "node:crypto";
import type { Client } from "pg";
import { wallClockMs } from "../../../src/clock.ts";
import type { RecordKey } from "../../../src/domain/key.ts";
import type { Store } from "../../../src/store/store.ts";
import { type Bench, createBench, type Lease } from "../../store/bench.ts";

/** A record of its own, over a store with the database's clock. */
export function benchOn(store: Store, key: RecordKey = newKey()): Bench {
  return createBench({ store, now: () => wallClockMs() * 1000, setNow: () => undefined, close: async () => {} }, key);
}

export const newKey = (): RecordKey => ({ tenant: "default", scope: "charge", key: `order ${randomUUID()}` });

export interface Completion {
  readonly tenant?: string | null;
  readonly token?: Uint8Array | null;
  readonly fence?: bigint | null;
  readonly result?: Uint8Array | null;
  readonly contentType?: string | null;
}

export interface Completed {
  readonly already_applied: boolean;
  readonly late: boolean;
  readonly result_expire_time: Date;
}

/** Calls the function as an application does. */
export async function complete(
  client: Client,
  { key, scope, tenant }: RecordKey,
  lease: Pick<Lease, "token" | "fence">,
  change: Completion = {},
): Promise<Completed> {
  const given = { tenant, ...lease, result: Buffer.from('{"paid":true}'), contentType: "application/json", ...change };
  const bytes = (value: Uint8Array | null) => (value === null ? null : Buffer.from(value));
  const { rows } = await client.query<Completed>(
    "select * from holdfast.complete_in_transaction($1, $2, $3, $4, $5, $6, $7)",
    [given.tenant, scope, key, bytes(given.token), given.fence, bytes(given.result), given.contentType],
  );
  if (rows[0] === undefined) throw new Error("bug: no row from a function");
  return rows[0];
}

/** SQLSTATE and message of what a statement is refused with. */
export async function refusalOf(statement: Promise<unknown>): Promise<string> {
  return statement.then(
    () => "nothing: it was done",
    (error: Error & { readonly code?: string }) => `${error.code} ${error.message}`,
  );
}

/** In a transaction that is rolled back if the work fails. */
export async function transaction<T>(client: Client, work: () => Promise<T>, begin = "begin"): Promise<T> {
  await client.query(begin);
  try {
    const done = await work();
    await client.query("commit");
    return done;
  } catch (error) {
    await client.query("rollback");
    throw error;
  }
}
