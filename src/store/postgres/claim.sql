-- Claim to execute: creates the records that are not there, reports every other as it was read. What is there may be to be
-- taken all the same, over or anew: that is reclaim.sql's. Apart from it, because fresh keys and replays are nearly all
-- claims, and a statement that can change a record costs twice as much to begin.
--
--  $1 tenant text[]                 $2 scope text[]                  $3 key text[]
--  $4 claim_id text[]               $5 token bytea[]                 $6 fingerprint bytea[]
--  $7 fingerprint_algorithm text[]  $8 lease_ms bigint[]             $9 may_create boolean[]
-- $10 external_ref text[]          $11 evidence bytea[]             $12 hold boolean[]
-- $13 max_attempts int[]           $14 max_execution_ms bigint[]
-- $15 result_retention_ms bigint[] $16 tombstone_retention_ms bigint[]
-- $17 not_after timestamptz: a statement that runs late creates nothing
-- $18 as_of timestamptz: null for the database's clock
--
-- The arrays are sorted by the bytes of the key and name each key once: locks are taken in that order.
--
-- One instant, seen_at, decides about every row of the statement. A call that was to create and did not, because somebody
-- else did meanwhile, goes on to reclaim.sql, which reads anew.
--
-- A fence is of the instant at which its row is written: seen_at may be older by as long as locks were waited for, and a
-- record that was claimed and purged in that time has left no row to be above. What remains: between the reading of the
-- clock and the row's entry into the index lie microseconds, or, where that waits for a purge of the same key, the time
-- from the purge's end to the waking up. Another server would have to claim the key and see it purged within. And fence_floor is as old
-- as seen_at, which only shows when the clock was set back in that time.
--
-- Each probe of a single row is a lateral `limit 1`, which leaves the planner one plan: the primary key. A record that
-- was created is not looked for again: the statement's snapshot is older, and would step over it in vain.
with moment as materialized (
  select
    coalesce($18::timestamptz, clock_timestamp()) as seen_at,
    (select f.fence from holdfast.fence_floor f) as fence_floor
), created as (
  insert into holdfast.record as k (
    tenant, scope, key, state, due, attempt, fence, lease_token, claim_id, fingerprint, fingerprint_algorithm, hold,
    max_attempts, max_execution_ms, result_retention_ms, tombstone_retention_ms, create_time, attempt_start_time,
    evidence, external_ref
  )
  select
    c.tenant, c.scope, c.key,
    1,
    m.seen_at + interval '1 ms' * least(c.lease_ms, c.max_execution_ms),
    1,
    greatest(
      m.fence_floor + 1,
      (extract(epoch from coalesce($18::timestamptz, clock_timestamp())) * 1000000)::bigint
    ),
    c.token, c.claim_id, c.fingerprint, c.fingerprint_algorithm, c.hold, c.max_attempts, c.max_execution_ms,
    c.result_retention_ms, c.tombstone_retention_ms, m.seen_at, m.seen_at, c.evidence, c.external_ref
  from moment m
  cross join unnest(
    $1::text[], $2::text[], $3::text[], $4::text[], $5::bytea[], $6::bytea[], $7::text[], $8::bigint[], $9::boolean[],
    $10::text[], $11::bytea[], $12::boolean[], $13::int[], $14::bigint[], $15::bigint[], $16::bigint[]
  ) as c (
    tenant, scope, key, claim_id, token, fingerprint, fingerprint_algorithm, lease_ms, may_create, external_ref,
    evidence, hold, max_attempts, max_execution_ms, result_retention_ms, tombstone_retention_ms
  )
  left join lateral (
    select k.state
    from holdfast.record k
    where k.tenant = c.tenant
      and k.scope = c.scope
      and k.key = c.key
    limit 1
  ) r on true
  where r.state is null
    and c.may_create
    and coalesce($18::timestamptz, clock_timestamp()) < $17::timestamptz
  on conflict (tenant, scope, key) do nothing
  returning k.tenant, k.scope, k.key, k.due, k.fence, k.attempt, k.lease_token, k.has_waiters
)
select
  record_send(row(
    s.i, s.tenant, s.scope, s.key, m.seen_at, m.fence_floor,
    s.won_fence, s.won_due, s.won_attempt, s.won_token, s.won_has_waiters
  )) as call,
  r.record
from moment m
cross join (
  -- A full join, though every created row was called for, because it can only be hashed (merge joins are off). With a
  -- left join it would hang on the planner's guess of how many rows are created whether it loops over the two lists instead.
  select
    c.i, c.tenant, c.scope, c.key,
    w.fence as won_fence, w.due as won_due, w.attempt as won_attempt, w.lease_token as won_token,
    w.has_waiters as won_has_waiters
  from unnest($1::text[], $2::text[], $3::text[]) with ordinality as c (tenant, scope, key, i)
  full join created w
    on w.tenant = c.tenant
    and w.scope = c.scope
    and w.key = c.key
) s
left join lateral (
  select record_send(row(
    k.state, k.due, k.forget_at, k.has_waiters, k.attempt, k.fence, k.lease_token, k.claim_id, k.suspect_token,
    k.suspect_fence, k.fingerprint, k.fingerprint_algorithm, k.hold, k.max_attempts, k.max_execution_ms,
    k.result_retention_ms, k.tombstone_retention_ms, k.create_time, k.attempt_start_time, k.end_time, k.reason,
    k.end_digest, k.outcome, k.checkpoint, k.checkpoint_sequence, k.checkpoint_time, k.evidence, k.external_ref,
    k.progress
  )) as record
  from holdfast.record k
  where s.won_fence is null
    and k.tenant = s.tenant
    and k.scope = s.scope
    and k.key = s.key
  limit 1
) r on true
