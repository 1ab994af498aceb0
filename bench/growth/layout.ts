import { randomUUID } from "node:crypto";
import type { Client } from "pg";
import { systemClock as clock } from "../../src/clock.ts";
import { withClient } from "../../src/store/postgres/connection.ts";
import { claimCall, completeCall } from "../calls.ts";
import { openPlainStore } from "../stores.ts";

const RECORDS = 1_000;
const BEATS = 3;
const LOOK_MS = 20;
const NEVER = Number.POSITIVE_INFINITY;

/** What the table of records takes of the disk. */
export interface Layout {
  readonly records: number;
  readonly tableBytes: number;
  readonly indexBytes: Readonly<Record<string, number>>;
}

export async function readLayout(url: string): Promise<Layout> {
  return withClient({ url }, async (client) => {
    const { rows } = await client.query<{ records: string; bytes: string; indexes: Record<string, number> }>(`
      select
        (select count(*) from holdfast.record) as records,
        pg_table_size('holdfast.record') as bytes,
        json_object_agg(i.indexrelid::regclass::text, pg_relation_size(i.indexrelid)) as indexes
      from pg_index i
      where i.indrelid = 'holdfast.record'::regclass`);
    const [row] = rows;
    if (row === undefined) throw new Error("bug: no row of an aggregate");
    return { records: Number(row.records), tableBytes: Number(row.bytes), indexBytes: row.indexes };
  });
}

/** The share of updates that touched no index: of heartbeats, and of completions. */
export interface HeapOnly {
  readonly heartbeats: number;
  readonly completions: number;
}

export async function readHeapOnly(url: string): Promise<HeapOnly> {
  const keys = Array.from({ length: RECORDS }, randomUUID);
  const claimed = await heapOnlyWhile(url, async (store) => {
    const answers = await Promise.all(keys.map((key) => store.claim(claimCall(key), NEVER)));
    return answers.map((answer) => completeCall(answer));
  });
  const beaten = await heapOnlyWhile(url, async (store) => {
    for (let beat = 1; beat <= BEATS; beat++) {
      const leaseMs = 60_000 + beat;
      const nothing = { checkpoint: null, progress: null, externalRef: null };
      await Promise.all(
        claimed.done.map(({ key, proof }) => store.heartbeat({ key, proof, leaseMs, ...nothing }, NEVER)),
      );
    }
  });
  const completed = await heapOnlyWhile(url, async (store) => {
    await Promise.all(claimed.done.map((call) => store.finish(call, NEVER)));
  });
  return { heartbeats: beaten.share, completions: completed.share };
}

/** Of the updates of the table while this is done, by a store of its own: what a session counts is there when it is over. */
async function heapOnlyWhile<T>(
  url: string,
  work: (store: Awaited<ReturnType<typeof openPlainStore>>["store"]) => Promise<T>,
): Promise<{ readonly share: number; readonly done: T }> {
  return withClient({ url }, async (client) => {
    const others = await sessions(client);
    const before = await updates(client);
    const opened = await openPlainStore(url);
    const done = await work(opened.store);
    await opened[Symbol.asyncDispose]();
    while ((await sessions(client)) > others) await clock.sleep(LOOK_MS);
    const after = await updates(client);
    return { share: (after.heapOnly - before.heapOnly) / (after.all - before.all), done };
  });
}

async function updates(client: Client): Promise<{ readonly all: number; readonly heapOnly: number }> {
  const { rows } = await client.query<{ all: string; heap_only: string }>(
    `select n_tup_upd as all, n_tup_hot_upd as heap_only from pg_stat_user_tables where relid = 'holdfast.record'::regclass`,
  );
  return { all: Number(rows[0]?.all), heapOnly: Number(rows[0]?.heap_only) };
}

async function sessions(client: Client): Promise<number> {
  const { rows } = await client.query<{ count: string }>(
    "select count(*) from pg_stat_activity where datname = current_database()",
  );
  return Number(rows[0]?.count);
}
