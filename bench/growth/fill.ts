import { DEFAULTS } from "../../src/domain/limits.ts";
import { withClient } from "../../src/store/postgres/connection.ts";
import type { BenchPostgres } from "../database.ts";

/** One statement for each so many: an index that is made bit by bit is like one that has grown. */
const ROWS_A_STATEMENT = 1_000_000;
/**
 * In percent, above the table's own, while it is filled: else there would be room for just one more claim, which is
 * shorter than an ended record, on pages all over the table. What the product leaves has its room where it last worked.
 */
const FILLED_TIGHTER = 5;

/**
 * Puts records into the table as the product leaves them when they have completed, each under `keyOf` its number from 0:
 * random keys, the least kind case for an index. Then Postgres has looked at all of them and knows how many there are.
 */
export async function fill({ run }: Pick<BenchPostgres, "run">, url: string, records: number): Promise<void> {
  await run(url, factorSql(FILLED_TIGHTER));
  for (let start = 0; start < records; start += ROWS_A_STATEMENT) {
    await run(url, insertSql(start, Math.min(start + ROWS_A_STATEMENT, records) - 1, false));
  }
  await run(url, factorSql(-FILLED_TIGHTER));
  await run(url, "vacuum (analyze) holdfast.record");
}

/** Records past their tombstones, under further numbers: the sweeper deletes them. */
export async function addExpired(
  { run }: Pick<BenchPostgres, "run">,
  url: string,
  first: number,
  count: number,
): Promise<void> {
  await run(url, insertSql(first, first + count - 1, true));
}

/** Takes out those with these keys. */
export async function remove(url: string, keys: readonly string[]): Promise<void> {
  await withClient({ url }, (client) =>
    client.query("delete from holdfast.record where tenant = 'default' and scope = 'charge' and key = any($1)", [keys]),
  );
}

/** As in a server that has run for a while, the primary key has been read from the disk. */
export async function warm({ run }: Pick<BenchPostgres, "run">, url: string): Promise<void> {
  await run(
    url,
    `set enable_seqscan = off;
     set enable_bitmapscan = off;
     set max_parallel_workers_per_gather = 0;
     select count(*) from (select key from holdfast.record order by tenant, scope, key offset 0) k`,
  );
}

function factorSql(change: number): string {
  return `do $$
    begin
      execute (
        select format('alter table holdfast.record set (fillfactor = %s)', o.option_value::int + ${change})
        from pg_class c
        cross join pg_options_to_table(c.reloptions) o
        where c.oid = 'holdfast.record'::regclass and o.option_name = 'fillfactor'
      );
    end $$`;
}

/** The same columns, in the same lengths, as a claim and its completion by bench/calls.ts write. */
function insertSql(first: number, last: number, expired: boolean): string {
  const retentionMs = DEFAULTS.resultRetentionMs;
  const began = `now() - interval '${expired ? 3 : 0.5} days' + n * interval '1 ms'`;
  return `
    insert into holdfast.record (
      tenant, scope, key, state, due, forget_at, sweep_at, attempt, fence, lease_token, claim_id, fingerprint,
      fingerprint_algorithm, hold, max_attempts, result_retention_ms, tombstone_retention_ms, create_time,
      attempt_start_time, end_time, end_digest, outcome, evidence
    )
    select
      'default', 'charge', m.key, 3,
      m.ended + interval '${retentionMs} ms',
      m.ended + interval '${expired ? retentionMs : 2 * retentionMs} ms',
      m.ended + interval '${retentionMs} ms',
      1, (extract(epoch from m.began) * 1000000)::bigint, uuid_send(gen_random_uuid()), gen_random_uuid()::text,
      sha256(convert_to(m.key, 'UTF8')), 'jcs-sha256', false, 0, ${retentionMs}, ${expired ? 0 : retentionMs}, m.began,
      m.began, m.ended, sha256(m.outcome), m.outcome, convert_to('billing/pod-7', 'UTF8')
    from (
      select
        md5(n::text)::uuid::text as key,
        ${began} as began,
        ${began} + interval '20 ms' as ended,
        convert_to(format('{"id":"ch_%s","amount":4200,"currency":"eur","status":"succeeded"}', n), 'UTF8') as outcome
      from generate_series(${first}, ${last}) as n
    ) m`;
}
